/// Which side plays which role in one rollout. Derived from the live router and never written as a side's name,
/// so that after a promotion the next release goes the other way round.
package struct Roles: Hashable, Sendable {
    package let canaryIsSecond: Bool

    package init(canaryIsSecond: Bool) { self.canaryIsSecond = canaryIsSecond }

    /// Stable is the side that has all traffic.
    /// - Returns: nil where the traffic is already split, so that nobody guesses which half was meant to be stable.
    package init?(secondShare: Weight) {
        switch secondShare {
        case .zero: self.init(canaryIsSecond: true)
        case .full: self.init(canaryIsSecond: false)
        default: return nil
        }
    }

    /// The side that plays stable.
    package func stable(of sides: Sides) -> Side { canaryIsSecond ? sides.first : sides.second }
    /// The side that plays the canary.
    package func canary(of sides: Sides) -> Side { canaryIsSecond ? sides.second : sides.first }

    /// The router's value for a canary share, and the canary share for a router's value: the same mirror both ways.
    package func mirrored(_ share: Weight) -> Weight { canaryIsSecond ? share : share.complement }
}

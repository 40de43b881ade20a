/// A named half of a router and the backend that serves it.
package struct Side: Hashable, Sendable {
    package let name: String
    package let backend: String

    package init(name: String, backend: String) {
        self.name = name
        self.backend = backend
    }
}

extension Side {
    package var json: JSONValue { .members(["name": .string(name), "backend": .string(backend)]) }

    package init(json: JSONValue?) throws(Unreadable) {
        self.init(name: try need(json?["name"]?.string), backend: try need(json?["backend"]?.string))
    }
}

/// The two halves of a router, in the order the file gives them. The router's value is the share of `second`.
package struct Sides: Hashable, Sendable {
    package let first: Side
    package let second: Side

    package init(first: Side, second: Side) {
        self.first = first
        self.second = second
    }

    package var names: [String] { [first.name, second.name] }
}

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

    package func stable(of sides: Sides) -> Side { canaryIsSecond ? sides.first : sides.second }
    package func canary(of sides: Sides) -> Side { canaryIsSecond ? sides.second : sides.first }

    /// The router's value for a canary share, and the canary share for a router's value: the same mirror both ways.
    package func mirrored(_ share: Weight) -> Weight { canaryIsSecond ? share : share.complement }
}

package import BelayCore

/// Everything that a target's vendor gives to those who ask before, beside and after a drive. One registry makes it of a
/// target; whoever holds it knows no vendor.
package protocol TargetKit: Sendable {
    var ownership: any TargetOwnership { get }

    /// Looks at the live target. Changes nothing.
    func survey() async -> Survey

    func router(_ roles: Roles, _ clock: any EngineClock) -> any TrafficRouter

    /// A write in the target's own words, for `plan`: `checkout = 2500`.
    /// - Parameter secondShare: Of the second side.
    func words(for secondShare: Weight) -> String

    /// The number that is written for it.
    func value(for secondShare: Weight) -> Int

    /// How a write gets there and is confirmed: `on 2 instance(s), read back, then the file`.
    var writeWords: String { get }

    /// What the way back does: `` `set map` to 0 at once on all instances, read back, fenced ``.
    func wayBackWords(to secondShare: Weight) -> String
}

/// The mark at a target, as those see it who do not drive.
package protocol TargetOwnership: Sendable {
    /// Where the mark is, for people.
    var place: String { get }

    func read() -> OwnerRecord

    /// Whether the mark's driver may still be there.
    func mayBeDriven(_ mark: OwnerMark) -> Bool

    /// For `rescue`: takes the mark away, whoever's it is.
    func removeAnyway()

    /// When a side last had canary traffic or was stable, as the target's own record has it; nil where that is not known.
    func lastTraffic(of side: String) -> Timestamp?
}

/// What is found where a target's mark would be.
package enum OwnerRecord: Hashable, Sendable {
    case none
    case mark(OwnerMark)
    /// There is something, and it is none of ours.
    case unreadable(String)
}

/// How long what is left on the canary's side may take to end by itself after a way back, before it is cut where that can be.
package enum Drain {
    package static let bound: Duration = .seconds(10)
}

package import BelayCore

/// Everything that Belay needs of one target: the survey before a drive, the router and the programs during it, and
/// beside it the mark and the words for `plan`. One registry makes the kit from a target, so that code that holds a kit
/// knows no vendor.
package protocol TargetKit: Sendable {
    var ownership: any TargetOwnership { get }

    /// Looks at the live target. Changes nothing.
    func survey() async -> Survey

    /// - Parameter original: What a survey found before the release, as the rollout's first record has it; null where nobody knows.
    func router(_ roles: Roles, original: JSONValue, _ clock: any EngineClock) -> any TrafficRouter

    /// Runs the programs of releases on this target, one at a time whoever drives.
    var actions: any ActionRunner { get }

    /// A write in the target's own words, for `plan`: `checkout = 2500`.
    /// - Parameters:
    ///   - share: The canary's.
    ///   - reach: What a survey has found.
    func words(for share: Weight, _ roles: Roles, reach: Reach) -> String

    /// The number that is written for that share of the second side.
    func value(for secondShare: Weight) -> Int

    /// How a write gets there and is confirmed: `on 2 instance(s), read back, then the file`.
    var writeWords: String { get }

    /// What the way back does: `` `set map` to 0 at once on all instances, read back, fenced ``.
    func wayBackWords(to secondShare: Weight) -> String

    /// The version that stable ran before a release, in the target's words; nil where the target does not know.
    /// - Parameter original: As of ``router(_:original:_:)``.
    func versionBefore(_ original: JSONValue, _ roles: Roles) -> String?

    /// The version that a release brings, in the same words.
    func versionReleased(_ original: JSONValue, _ roles: Roles) -> String?
}

extension TargetKit {
    /// Most targets know shares and no versions.
    package func versionBefore(_ original: JSONValue, _ roles: Roles) -> String? { nil }
    /// The same.
    package func versionReleased(_ original: JSONValue, _ roles: Roles) -> String? { nil }
}

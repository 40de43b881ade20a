package import BelayCore

/// The mark at a target, for code that does not drive it.
package protocol TargetOwnership: Sendable {
    /// Where the mark is, for people.
    var place: String { get }

    func read() async -> OwnerRecord

    /// Whether the mark's driver may still be there.
    func mayBeDriven(_ mark: OwnerMark) async -> Bool

    /// Removes the mark, whoever owns it; for `rescue`.
    func removeAnyway() async

    /// When a side last had canary traffic or was stable, as the target's own record has it; nil where that is not known.
    func lastTraffic(of side: String) async -> Timestamp?
}

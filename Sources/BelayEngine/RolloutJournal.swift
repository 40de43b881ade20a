package import BelayCore

/// What the engine needs of the record. Calls block for as long as a disk takes; the engine makes them on a queue of
/// their own.
package protocol RolloutJournal: Sendable {
    /// Appends in one transaction.
    /// - Throws: ``JournalFailure``; `.fenced` where the epoch is old or the position taken.
    func append(_ append: Driver.Append, under lease: Lease) throws(JournalFailure)

    /// - Returns: For how long the lease is good from the moment of this call on.
    /// - Throws: ``JournalFailure``; `.fenced` where another holder has taken over.
    func renew(_ lease: Lease) throws(JournalFailure) -> Duration

    /// Whether the lease is still this holder's.
    func holds(_ lease: Lease) throws(JournalFailure) -> Bool

    func waitingCommands(for rollout: String) throws(JournalFailure) -> [Command]

    /// - Parameter refusal: nil where the command was obeyed.
    func answer(_ command: String, refusal: String?) throws(JournalFailure)

    /// Frees the room kept for the records of the way back.
    func releaseReserve()
}

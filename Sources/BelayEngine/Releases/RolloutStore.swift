package import BelayCore
package import BelayPlatform

/// The journal as it is used to begin, take over and look at rollouts, beside driving them. Several machines may share
/// one store, so leases live by the store's own clock, and no other clock is compared with it.
package protocol RolloutStore: RolloutJournal {
    /// Where it is, for people and for the mark at a target: a file's path.
    var place: String { get }

    /// The id of the rollout that is under way on a target; nil where there is none.
    func rolloutUnderWay(on target: String) async throws(JournalFailure) -> String?

    /// Ids of the rollouts of a target that are over, oldest first.
    func finishedRollouts(on target: String) async throws(JournalFailure) -> [String]

    /// The machine as the record says.
    /// - Throws: ``JournalFailure``; `.unusable` where its beginning cannot be read.
    func machine(of id: String) async throws(JournalFailure) -> RolloutMachine

    /// The same, with the record it was folded from, oldest first.
    /// - Throws: ``JournalFailure``; `.unusable` where its beginning cannot be read.
    func history(of id: String) async throws(JournalFailure) -> (machine: RolloutMachine, events: [Event])

    /// Who drives a rollout; nil where nobody does any more, or nobody ever did.
    func driver(of id: String) async throws(JournalFailure) -> ProcessIdentity?

    /// Who drove it last, whether alive or not.
    func lastDriver(of id: String) async throws(JournalFailure) -> ProcessIdentity?

    /// How many events a rollout has, and the last hash of its chain in hexadecimal; nil where there is no such rollout.
    func head(of id: String) async throws(JournalFailure) -> (length: Int, hash: String)?

    /// Makes a rollout: its record, its first event and its lease, all or nothing.
    /// - Parameter now: The event's time, by the driver's clock.
    /// - Throws: ``JournalFailure``; `.refused`, naming the rollout that is under way on the target already.
    func create(
        _ id: String, _ started: Event.Started, key: String?, process: ProcessIdentity, at now: Timestamp
    ) async throws(JournalFailure) -> LeaseGrant

    /// Takes the lease where nobody holds it.
    /// - Parameter isForced: Whether to take it from a live holder as well, whose next append is then refused.
    /// - Throws: ``JournalFailure``; `.fenced`, naming the live holder.
    func acquire(
        _ id: String, process: ProcessIdentity, isForced: Bool
    ) async throws(JournalFailure) -> LeaseGrant

    /// Gives the lease up, so that the next driver can take it at once.
    func release(_ lease: Lease) async throws(JournalFailure)
}

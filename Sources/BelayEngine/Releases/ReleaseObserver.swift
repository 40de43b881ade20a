package import BelayCore

/// Told what happens around a drive and while it lasts. Called from any thread, in the order of what happens.
package protocol ReleaseObserver: Sendable {
    /// - Parameter store: Where its record is.
    func began(_ id: String, _ plan: Plan, store: String)
    func tookOver(_ id: String, _ machine: RolloutMachine)
    /// Called for each event once it is durable, or on the way back without a journal.
    func report(_ id: String, _ event: Event, _ at: Timestamp, _ machine: RolloutMachine)
    /// Called with a warning that is no event, such as a journal that cannot be written.
    func warn(_ message: String)
    func left(_ id: String)
    /// - Parameter head: The last hash of the rollout's chain; nil where the record could not be read within a second.
    func ended(_ id: String, _ end: Driver.End, head: String?)
}

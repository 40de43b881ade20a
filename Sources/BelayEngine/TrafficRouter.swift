package import BelayCore

/// A router as the engine sees it. Shares are the canary's. No call but `drain` takes much longer than a second or two,
/// and none throws: what went wrong is part of the answer.
package protocol TrafficRouter: Sendable {
    func read() async -> Reading

    /// Writes a share and reads the router back. Where its task is cancelled or a later write begins, it stops before
    /// its next effect; it returns only once none of its effects can come any more.
    /// - Parameters:
    ///   - number: Grows with each write of this driver: of two writes the later one counts.
    ///   - mark: A forward write changes what the router starts with only while the target still bears this mark.
    ///   - isOurs: Asked between preparing and committing a forward write: whether this driver still holds the lease.
    func write(
        _ write: TrafficWrite, number: Int, under mark: OwnerMark, isOurs: @Sendable () async -> Bool
    ) async -> (Reading, WriteResult)

    /// Marks the target and reads it; fences out whoever had it before.
    /// - Parameters:
    ///   - kind: Whether an earlier mark of this rollout has to be there; where none is, the answer says so.
    ///   - superseding: Rollouts known to be over, whose marks may be replaced.
    func claim(_ mark: OwnerMark, _ kind: Work.ClaimKind, superseding: [String]) async -> Claim

    /// Shows that the driver is alive.
    func renew(_ mark: OwnerMark) async

    /// Waits until the open connections of a side have ended, and cuts the rest after `Drain.bound` where the router
    /// can do that. It ends when its task is cancelled.
    func drain(_ side: Side) async

    /// Does what a target that runs the versions by itself has to do: deploys, waits, adopts, brings the traffic home, stops a
    /// version. Each can be done again. It ends soon after its task is cancelled.
    /// - Parameters:
    ///   - limit: How long it may take.
    /// - Returns: What went wrong, or nil.
    func perform(_ run: ActionRun, within limit: Duration, under mark: OwnerMark) async -> String?

    /// Answers a metric that asks the target itself.
    func measure(_ question: String) async -> MetricReading

    /// What stands in queries of the plan for the names of things that come and go, such as a side's pods, and what it was when it was last
    /// read. Nothing waits for it.
    var currentNames: [String: String] { get }

    /// Takes the mark away after a last reading. After a way back that has to show stable 100 %; after an adoption it
    /// must not show anything else than the canary at 100 %.
    /// - Returns: What went wrong, or nil.
    func release(_ mark: OwnerMark, after ending: Work.Ending) async -> String?
}

extension TrafficRouter {
    /// Most targets run nothing by themselves.
    package func perform(_ run: ActionRun, within limit: Duration, under mark: OwnerMark) async -> String? {
        "this target does nothing of that kind by itself"
    }

    /// Most targets are asked nothing.
    package func measure(_ question: String) async -> MetricReading {
        MetricReading(.error("this target answers no metric"))
    }

    /// Most targets have the same names all the time.
    package var currentNames: [String: String] { [:] }
}

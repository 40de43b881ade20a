package import BelayCore

/// The mark at the target: who drives it. It makes no second driver of a second store, and tells `rescue` which side
/// is stable.
package struct OwnerMark: Hashable, Sendable {
    package var rollout: String
    package var epoch: Int
    /// The name of the stable side.
    package var stable: String
    /// What the target held before the rollout.
    package var original: JSONValue
    /// The journal's path.
    package var store: String
    package var process: ProcessIdentity
    /// Set by a takeover that found no mark: somebody had taken it away, and what they returned is not raised again.
    package var isAfterRescue = false

    package init(
        rollout: String, epoch: Int, stable: String, original: JSONValue, store: String, process: ProcessIdentity
    ) {
        self.rollout = rollout
        self.epoch = epoch
        self.stable = stable
        self.original = original
        self.store = store
        self.process = process
    }
}

/// A router as the engine sees it. Shares are the canary's. No call takes much longer than a second, none throws: what
/// went wrong is part of the answer.
package protocol TrafficRouter: Sendable {
    func read() async -> Reading

    /// Makes it so and reads back. Cancelled with its task, or with a later write begun, it stops before its next effect;
    /// it returns once nothing of it can take effect any more.
    /// - Parameters:
    ///   - number: Grows with each write of this driver: of two writes the later one counts.
    ///   - mark: A forward write leaves what the router starts with alone unless the target still bears this mark.
    ///   - isOurs: Asked between preparing and committing a forward write.
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

    /// Takes the mark away; after a way back only once a look after all writes has shown stable 100 %.
    /// - Returns: What went wrong, or nil.
    func release(_ mark: OwnerMark, after ending: Work.Ending) async -> String?
}

/// Answers one metric's query. An error is an answer, too. What is asked for the same `moment` in the same words is sent
/// once.
package protocol MetricProvider: Sendable {
    /// What servers said beside their answers that makes none of them wrong, each once, for people.
    var remarks: [String] { get }

    func measure(_ metric: Metric, at moment: Timestamp) async -> MetricReading

    /// Another question to the server of a metric: which series are behind its answer, how old they are.
    func vector(_ query: String, of metric: Metric, at moment: Timestamp) async -> VectorAnswer

    /// The raw samples of both versions' counters, for a metric that compares them.
    /// - Parameter back: How long ago the oldest of them may be, by the server's clock.
    func counters(_ metric: Metric, back: Duration, at moment: Timestamp) async -> CounterAnswer

    /// Both versions' values, for a metric with a judge.
    /// - Parameter back: How far the stretch of time reaches back, by the server's clock.
    func series(_ metric: Metric, back: Duration, at moment: Timestamp) async -> SeriesAnswer
}

/// The right to drive a rollout, until it expires.
package struct Lease: Hashable, Sendable {
    package var rollout: String
    package var epoch: Int
    package var until: Timestamp

    package init(rollout: String, epoch: Int, until: Timestamp) {
        self.rollout = rollout
        self.epoch = epoch
        self.until = until
    }

    package static let life: Duration = .seconds(30)
    package static let renewal: Duration = .seconds(5)
}

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

/// Why the record could not be read or written.
package struct JournalFailure: Error, Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Another holder drives.
        case fenced
        /// Read-only, busy: it may work again.
        case unavailable
        /// There is no room.
        case full
        /// Not this program's file, a newer version's, or damaged.
        case unusable
        /// What was asked for is not there, or is already.
        case refused
    }

    package let kind: Kind
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}

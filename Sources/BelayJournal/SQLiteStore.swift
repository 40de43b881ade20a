package import BelayCore
package import BelayEngine
package import BelayPlatform

/// The journal for callers that must not block a thread: its calls are made on a queue of their own.
package struct SQLiteStore: RolloutStore {
    private let journal: SQLiteJournal
    private static let queue = Blocking("belay.store", isConcurrent: true)

    package init(_ journal: SQLiteJournal) { self.journal = journal }

    package var place: String { journal.path }

    private func call<Value: Sendable>(
        _ body: @escaping @Sendable (SQLiteJournal) throws(JournalFailure) -> Value
    ) async throws(JournalFailure) -> Value {
        let result = await Self.queue.run { [journal] in
            Result { () throws(JournalFailure) in try body(journal) }
        }
        return try result.get()
    }

    /// As its protocol says.
    package func rolloutUnderWay(on target: String) async throws(JournalFailure) -> String? {
        try await call { journal throws(JournalFailure) in try journal.rolloutUnderWay(on: target) }
    }

    /// As its protocol says.
    package func finishedRollouts(on target: String) async throws(JournalFailure) -> [String] {
        try await call { journal throws(JournalFailure) in try journal.finishedRollouts(on: target) }
    }

    /// As its protocol says.
    package func machine(of id: String) async throws(JournalFailure) -> RolloutMachine {
        try await call { journal throws(JournalFailure) in try journal.machine(of: id) }
    }

    /// As its protocol says.
    package func history(
        of id: String
    ) async throws(JournalFailure) -> (machine: RolloutMachine, events: [Event]) {
        try await call { journal throws(JournalFailure) in try journal.history(of: id) }
    }

    /// As its protocol says.
    package func driver(of id: String) async throws(JournalFailure) -> ProcessIdentity? {
        try await call { journal throws(JournalFailure) in
            try journal.holder(of: id).flatMap { $0.isLive(at: journal.now) ? $0.process : nil }
        }
    }

    /// As its protocol says.
    package func lastDriver(of id: String) async throws(JournalFailure) -> ProcessIdentity? {
        try await call { journal throws(JournalFailure) in try journal.holder(of: id)?.process }
    }

    /// As its protocol says.
    package func head(of id: String) async throws(JournalFailure) -> (length: Int, hash: String)? {
        try await call { journal throws(JournalFailure) in try journal.head(of: id) }
    }

    /// As its protocol says.
    package func create(
        _ id: String, _ started: Event.Started, key: String?, process: ProcessIdentity, at now: Timestamp
    ) async throws(JournalFailure) -> LeaseGrant {
        try await call { journal throws(JournalFailure) in
            LeaseGrant(epoch: try journal.create(id, started, key: key, process: process, at: now).epoch)
        }
    }

    /// As its protocol says.
    package func acquire(
        _ id: String, process: ProcessIdentity, isForced: Bool
    ) async throws(JournalFailure) -> LeaseGrant {
        try await call { journal throws(JournalFailure) in
            let lease = try journal.acquire(id, process: process, at: journal.now, isForced: isForced)
            return LeaseGrant(epoch: lease.epoch)
        }
    }

    /// As its protocol says.
    package func release(_ lease: Lease) async throws(JournalFailure) {
        try await call { journal throws(JournalFailure) in try journal.release(lease) }
    }

    // MARK: For the engine, which makes these on a queue of its own

    /// As its protocol says.
    package func append(_ append: Driver.Append, under lease: Lease) throws(JournalFailure) {
        try journal.append(append, under: lease)
    }

    /// As its protocol says.
    package func renew(_ lease: Lease) throws(JournalFailure) -> Duration { try journal.renew(lease) }
    /// As its protocol says.
    package func holds(_ lease: Lease) throws(JournalFailure) -> Bool { try journal.holds(lease) }

    /// As its protocol says.
    package func waitingCommands(for rollout: String) throws(JournalFailure) -> [Command] {
        try journal.waitingCommands(for: rollout)
    }

    /// As its protocol says.
    package func answer(_ command: String, refusal: String?) throws(JournalFailure) {
        try journal.answer(command, refusal: refusal)
    }

    /// As its protocol says.
    package func releaseReserve() { journal.releaseReserve() }
}

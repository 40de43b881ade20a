package import BelayCore
package import BelayEngine

/// The journal for those who wait for it without blocking a thread: its calls, made on a queue of their own.
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

    package func rolloutUnderWay(on target: String) async throws(JournalFailure) -> String? {
        try await call { journal throws(JournalFailure) in try journal.rolloutUnderWay(on: target) }
    }

    package func finishedRollouts(on target: String) async throws(JournalFailure) -> [String] {
        try await call { journal throws(JournalFailure) in try journal.finishedRollouts(on: target) }
    }

    package func machine(of id: String) async throws(JournalFailure) -> RolloutMachine {
        try await call { journal throws(JournalFailure) in try journal.machine(of: id) }
    }

    package func driver(of id: String) async throws(JournalFailure) -> ProcessIdentity? {
        try await call { journal throws(JournalFailure) in
            try journal.holder(of: id).flatMap { $0.isLive(at: journal.now) ? $0.process : nil }
        }
    }

    package func lastDriver(of id: String) async throws(JournalFailure) -> ProcessIdentity? {
        try await call { journal throws(JournalFailure) in try journal.holder(of: id)?.process }
    }

    package func head(of id: String) async throws(JournalFailure) -> (length: Int, hash: String)? {
        try await call { journal throws(JournalFailure) in try journal.head(of: id) }
    }

    package func create(
        _ id: String, _ started: Event.Started, key: String?, process: ProcessIdentity, at now: Timestamp
    ) async throws(JournalFailure) -> LeaseGrant {
        try await call { journal throws(JournalFailure) in
            LeaseGrant(epoch: try journal.create(id, started, key: key, process: process, at: now).epoch)
        }
    }

    package func acquire(
        _ id: String, process: ProcessIdentity, isForced: Bool
    ) async throws(JournalFailure) -> LeaseGrant {
        try await call { journal throws(JournalFailure) in
            let lease = try journal.acquire(id, process: process, at: journal.now, isForced: isForced)
            return LeaseGrant(epoch: lease.epoch)
        }
    }

    package func release(_ lease: Lease) async throws(JournalFailure) {
        try await call { journal throws(JournalFailure) in try journal.release(lease) }
    }

    // MARK: For the engine, which makes these on a queue of its own

    package func append(_ append: Driver.Append, under lease: Lease) throws(JournalFailure) {
        try journal.append(append, under: lease)
    }

    package func renew(_ lease: Lease) throws(JournalFailure) -> Duration { try journal.renew(lease) }
    package func holds(_ lease: Lease) throws(JournalFailure) -> Bool { try journal.holds(lease) }

    package func waitingCommands(for rollout: String) throws(JournalFailure) -> [Command] {
        try journal.waitingCommands(for: rollout)
    }

    package func answer(_ command: String, refusal: String?) throws(JournalFailure) {
        try journal.answer(command, refusal: refusal)
    }

    package func releaseReserve() { journal.releaseReserve() }
}

package import BelayCore
package import BelayEngine
package import BelayPlatform

/// A store in memory, for tests of what happens around a drive. Its rollouts are in the order of their beginning.
package final class MemoryStore: RolloutStore {
    private struct State {
        var machines: [(id: String, machine: RolloutMachine)] = []
        var drivers: [String: (process: ProcessIdentity, epoch: Int, isLive: Bool)] = [:]
        var keys: [String: String] = [:]
    }

    private let state = Locked(State())
    /// Called before a lease is given. The caller that asks for the lease has looked at the record by then, and a test
    /// may change it.
    package let beforeAcquire = Locked<(@Sendable (MemoryStore) -> Void)?>(nil)

    package init() {}

    /// Adds an event to a rollout, as an earlier driver that still writes does.
    package func write(_ event: Event, to id: String, at now: Timestamp) {
        state.withLock { state in
            guard let index = state.machines.firstIndex(where: { $0.id == id }) else { return }
            state.machines[index].machine.apply(event, at: now)
        }
    }

    /// - Parameter driver: Who drove it last.
    package func add(_ id: String, _ machine: RolloutMachine, driver: ProcessIdentity? = nil, isLive: Bool = false) {
        state.withLock { state in
            state.machines.append((id, machine))
            state.drivers[id] = driver.map { ($0, 1, isLive) }
        }
    }

    package var place: String { "memory" }

    /// As its protocol says.
    package func rolloutUnderWay(on target: String) async -> String? {
        state.withLock { state in
            state.machines.last { $0.machine.plan.target.identity == target && !$0.machine.state.isFinished }?.id
        }
    }

    /// As its protocol says.
    package func finishedRollouts(on target: String) async -> [String] {
        state.withLock { state in
            state.machines.filter { $0.machine.plan.target.identity == target && $0.machine.state.isFinished }.map(\.id)
        }
    }

    /// The machine alone: this store keeps no events.
    package func history(
        of id: String
    ) async throws(JournalFailure) -> (machine: RolloutMachine, events: [Event]) {
        (try await machine(of: id), [])
    }

    /// As its protocol says.
    package func machine(of id: String) async throws(JournalFailure) -> RolloutMachine {
        guard let found = state.withLock({ state in state.machines.first { $0.id == id } }) else {
            throw JournalFailure(.refused, "there is no rollout \(id)")
        }
        return found.machine
    }

    /// As its protocol says.
    package func driver(of id: String) async -> ProcessIdentity? {
        state.withLock { $0.drivers[id].flatMap { $0.isLive ? $0.process : nil } }
    }

    /// As its protocol says.
    package func lastDriver(of id: String) async -> ProcessIdentity? { state.withLock { $0.drivers[id]?.process } }
    /// As its protocol says.
    package func head(of id: String) async -> (length: Int, hash: String)? { nil }

    /// As its protocol says.
    package func create(
        _ id: String, _ started: Event.Started, key: String?, process: ProcessIdentity, at now: Timestamp
    ) async throws(JournalFailure) -> LeaseGrant {
        if let busy = await rolloutUnderWay(on: started.plan.target.identity) {
            throw JournalFailure(.refused, "\(busy) is under way on this target")
        }
        add(id, RolloutMachine(started, at: now), driver: process, isLive: true)
        return LeaseGrant(epoch: 1)
    }

    /// As its protocol says.
    package func acquire(
        _ id: String, process: ProcessIdentity, isForced: Bool
    ) async throws(JournalFailure) -> LeaseGrant {
        beforeAcquire.withLock { $0 }?(self)
        if let living = await driver(of: id), !isForced {
            throw JournalFailure(.fenced, "\(id) is driven by \(living.text)")
        }
        return state.withLock { state in
            let epoch = (state.drivers[id]?.epoch ?? 0) + 1
            state.drivers[id] = (process, epoch, true)
            return LeaseGrant(epoch: epoch)
        }
    }

    /// As its protocol says.
    package func release(_ lease: Lease) async { state.withLock { $0.drivers[lease.rollout]?.isLive = false } }

    // MARK: Nobody drives on it

    private static let isNoDrive = JournalFailure(.unavailable, "nobody drives on a store in memory")

    /// As its protocol says.
    package func append(_ append: Driver.Append, under lease: Lease) throws(JournalFailure) { throw Self.isNoDrive }
    /// As its protocol says.
    package func renew(_ lease: Lease) throws(JournalFailure) -> Duration { throw Self.isNoDrive }
    /// As its protocol says.
    package func holds(_ lease: Lease) throws(JournalFailure) -> Bool { throw Self.isNoDrive }
    /// As its protocol says.
    package func waitingCommands(for rollout: String) throws(JournalFailure) -> [Command] { [] }
    /// As its protocol says.
    package func answer(_ command: String, refusal: String?) throws(JournalFailure) {}
    /// As its protocol says.
    package func releaseReserve() {}
}

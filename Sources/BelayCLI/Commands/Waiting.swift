internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

/// Waits for something to happen to a rollout that another process drives.
struct Waiting {
    enum Goal: Equatable {
        case finished(stopsForPeople: Bool)
        /// Stable 100 % is confirmed; long connections may still be ending.
        case returned
        case paused
        case step(Int)
    }

    let journal: SQLiteJournal
    let clock: WallClock

    /// - Returns: The exit code: the outcome's, 0 for a reached step, 4 where it waits for a person, 5 after `timeout`, 6
    ///   where it is stuck and nobody drives it.
    func wait(_ id: String, for goal: Goal, timeout: Duration?) async throws -> ExitStatus {
        let end = timeout.map { ContinuousClock.now + $0 }
        var machine = try orFail { () throws(JournalFailure) in try journal.machine(of: id) }
        var orphanedSince: ContinuousClock.Instant?
        while true {
            for record in try orFail({ () throws(JournalFailure) in try journal.records(of: id, from: machine.position)
            }) {
                machine.apply(record.event, at: record.at)
            }
            if let status = status(machine, goal) { return status }
            let holder = try orFail { () throws(JournalFailure) in try journal.holder(of: id) }
            if holder?.isLive(at: clock.now) == true {
                orphanedSince = nil
            } else if let since = orphanedSince, since.duration(to: .now) > .seconds(2) {
                Console.say("\(id): nobody drives it; `belay resume \(id)` picks it up")
                return .needsAttention
            } else {
                orphanedSince = orphanedSince ?? .now
            }
            if let end, ContinuousClock.now >= end { return .timedOut }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func status(_ machine: RolloutMachine, _ goal: Goal) -> ExitStatus? {
        if case .finished(let outcome) = machine.state.phase { return ExitStatus(outcome) }
        if goal == .returned, case .closing(.back(let cause, _)) = machine.state.phase {
            return ExitStatus(.rolledBack(cause))
        }
        if case .step(let step) = goal, (machine.state.step ?? -1) >= step - 1 { return .success }
        let waits = machine.waitsForPerson
        if waits, goal == .paused || goal == .finished(stopsForPeople: true) { return .waitsForPerson }
        return nil
    }
}

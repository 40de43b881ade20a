internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal

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
        if goal == .returned, case .releasing(let cause) = machine.state.phase { return ExitStatus(.rolledBack(cause)) }
        if case .step(let step) = goal, (machine.state.step ?? -1) >= step - 1 { return .success }
        let waits = machine.waitsForPerson
        if waits, goal == .paused || goal == .finished(stopsForPeople: true) { return .waitsForPerson }
        return nil
    }
}

extension RolloutMachine {
    /// Paused, waiting for approval, or in need of attention.
    var waitsForPerson: Bool {
        if state.pause != nil || state.attention != nil { return true }
        if case .approving = state.phase { return true }
        return false
    }
}

struct WaitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Block until a rollout is finished, paused or at a step.",
        discussion: "Ends with the outcome's exit code; 4 where it waits for a person, 5 at the time limit.")

    @Argument(help: "The rollout's id, or a name: its latest rollout.") var rollout: String?
    @Option(name: .customLong("for"), help: "finished, paused or step=N.") var goal: String = "finished"
    @Option(help: "How long to wait at most, e.g. 30m.", transform: DurationArgument.parse) var timeout: Duration?
    @OptionGroup var store: StoreOptions

    func run() async throws {
        Signals.unblock()
        let goal: Waiting.Goal
        switch self.goal {
        case "finished": goal = .finished(stopsForPeople: true)
        case "paused": goal = .paused
        default:
            guard self.goal.hasPrefix("step="), let step = Int(self.goal.dropFirst(5)), step > 0 else {
                throw ValidationError("--for \(self.goal): finished, paused or step=N is expected")
            }
            goal = .step(step)
        }
        let clock = WallClock()
        let journal = try store.open(.operate, clock: clock)
        let found: RolloutSummary
        do throws(CommandFailure) {
            guard let meant = try Operation.meant(by: rollout, in: journal) else {
                throw CommandFailure(.usage, "no rollout is under way; name the one to wait for")
            }
            found = meant
        } catch {
            // A job that waits for what is not there has a mistake in it; it is no outcome of a rollout.
            throw CommandFailure(error.code == .failure ? .usage : error.code, lines: error.lines)
        }
        let status = try await Waiting(journal: journal, clock: clock).wait(found.id, for: goal, timeout: timeout)
        if status == .timedOut { Console.say("\(found.id): not \(self.goal) within \(timeout?.text ?? "")") }
        if store.output == .json {
            Console.print(
                JSONText.write(
                    .object([.init("rollout", .string(found.id)), .init("exit", .int(Int64(status.rawValue)))])))
        }
        throw ExitCode(status.rawValue)
    }
}

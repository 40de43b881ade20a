internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

/// Returns a rollout's traffic by its journal, and waits until that is confirmed.
struct Aborting {
    let options: RolloutOptions

    /// - Throws: ``CommandFailure`` or an exit code where the traffic is not on stable at the end.
    func run() async throws {
        let clock = WallClock()
        let looking = try options.store.open(.operate, clock: clock)
        guard let found = try Operation.meant(by: options.rollout, in: looking) else {
            return try reportLatest(looking)
        }
        if found.outcome != nil { return try reportEnd(of: found.id, looking) }
        let operation = Operation(journal: looking, clock: clock, id: found.id)
        let command = try operation.command(.abort, options.who)
        if try operation.isDriven(), try await isObeyed(command, operation) {
            Signals.unblock()
            Console.say("\(operation.id): the traffic goes back; waiting until the router confirms stable 100 %")
            return try await waitForReturn(operation)
        }
        let machine = try orFail { () throws(JournalFailure) in try looking.machine(of: operation.id) }
        if machine.state.isFinished { return try reportEnd(of: operation.id, looking) }
        if let refusal = machine.refusalToReturn {
            throw CommandFailure(
                .failure, "\(operation.id): refused: \(refusal); `belay resume \(operation.id)` ends it where it is")
        }
        let status = try await options.takeOver(operation, with: command, isForced: true)
        // Another abort was quicker: it is the one that drives now.
        if status == .taken { return try await waitForReturn(operation) }
        try report(status, operation.id)
    }

    /// - Returns: Whether the rollout's driver has obeyed; false where it does not answer.
    private func isObeyed(_ command: Command, _ operation: Operation) async throws -> Bool {
        try orFail { () throws(JournalFailure) in try operation.journal.send(command, to: operation.id) }
        switch try await operation.reply(to: command, within: .seconds(2)) {
        case .refused(let reason):
            let machine = try orFail { () throws(JournalFailure) in try operation.journal.machine(of: operation.id) }
            if machine.state.isFinished || machine.state.isReturning { return true }
            throw CommandFailure(.failure, "\(operation.id): refused: \(reason)")
        case .obeyed: return true
        case .waiting:
            let isBack = try orFail { () throws(JournalFailure) in
                try operation.journal.withdraw(command.id, of: operation.id)
            }
            if isBack { Console.say("\(operation.id): its driver does not answer; taking over") }
            return !isBack
        }
    }

    private func waitForReturn(_ operation: Operation) async throws {
        let status = try await Waiting(journal: operation.journal, clock: operation.clock)
            .wait(operation.id, for: .returned, timeout: nil)
        try report(status, operation.id)
    }

    /// Reports how the latest rollout ended, since none is under way: that says whether the traffic is on stable.
    private func reportLatest(_ journal: SQLiteJournal) throws {
        guard let latest = try orFail({ () throws(JournalFailure) in try journal.rollouts(limit: 1).first }) else {
            throw CommandFailure(.failure, "\(journal.path) has no rollouts")
        }
        Console.say("no rollout is under way; the latest is \(latest.id)")
        try reportEnd(of: latest.id, journal)
    }

    private func reportEnd(of id: String, _ journal: SQLiteJournal) throws {
        let machine = try orFail { () throws(JournalFailure) in try journal.machine(of: id) }
        guard case .finished(let outcome) = machine.state.phase else { return }
        try report(ExitStatus(outcome), id)
    }

    /// The command was asked to return the traffic. So it succeeds (0) once the traffic is on stable, whatever began
    /// the way back, and fails (1) where the rollout was promoted.
    private func report(_ status: ExitStatus, _ id: String) throws {
        switch status {
        case .success: throw CommandFailure(.failure, "\(id) was promoted before the abort came")
        case .failure, .aborted, .blind:
            Console.say("\(id): all traffic is on stable, confirmed by the router")
            if options.store.output == .json {
                Console.print(JSONText.write(.object([.init("rollout", .string(id)), .init("returned", .bool(true))])))
            }
        default: throw ExitCode(status.rawValue)
        }
    }
}

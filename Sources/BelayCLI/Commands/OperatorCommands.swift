internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal

/// The rollout an operator means.
struct RolloutOptions: ParsableArguments {
    @Argument(help: "The rollout's id, or a name: its latest rollout.")
    var rollout: String?

    @OptionGroup var store: StoreOptions
    @OptionGroup var who: ActorOptions

    func tell(_ verb: Command.Verb) async throws {
        Signals.unblock()
        try await Operation(rollout, store).tell(verb, who, output: store.output)
    }
}

struct PromoteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote", abstract: "End the present wait, never past a Failed verdict.")
    @Flag(help: "Go to 100 % now; the last hold is kept.") var full = false
    @OptionGroup var options: RolloutOptions
    func run() async throws { try await options.tell(.promote(full: full)) }
}

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Stay at the present step; metrics are watched on. Limited to waitLimit (1 h).")
    @OptionGroup var options: RolloutOptions
    func run() async throws { try await options.tell(.pause) }
}

struct ApproveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Approve the step that waits for it.")
    @OptionGroup var options: RolloutOptions
    func run() async throws { try await options.tell(.approve) }
}

struct DenyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deny", abstract: "Deny the step that waits for approval: the traffic goes back.")
    @OptionGroup var options: RolloutOptions
    func run() async throws { try await options.tell(.deny) }
}

struct SkipCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "skip", abstract: "Let a metric no longer decide; it is still measured.")
    @Argument(help: "The metric's name.") var metric: String
    @OptionGroup var options: RolloutOptions
    func run() async throws { try await options.tell(.skip(metric: metric)) }
}

struct AbortCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "abort", abstract: "Return all traffic to stable; returns when the router has confirmed it.",
        discussion: "A driver that does not answer within two seconds is fenced out, and this command does it itself.")
    @OptionGroup var options: RolloutOptions

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
        // Opened anew: the file is checked before this process drives.
        let journal = try options.store.open(.drive, clock: operation.clock)
        let release = Release(
            journal: journal, clock: operation.clock, reporter: Reporter(output: options.store.output))
        let status = try await release.resume(operation.id, commands: [command], isForced: true)
        // Another abort was quicker: it is the one that drives now.
        if status == .taken { return try await waitForReturn(operation) }
        try report(status, operation.id)
    }

    /// - Returns: Whether its driver has obeyed; else it does not answer.
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

    /// None is under way: what the latest one came to says whether the traffic is on stable.
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

    /// Asked to return the traffic, a returned traffic is 0, whatever had begun the way back.
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

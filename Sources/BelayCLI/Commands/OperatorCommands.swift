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
        let operation = try Operation(options.rollout, options.store)
        let command = try operation.command(.abort, options.who)
        if try operation.isDriven() {
            try orFail { () throws(JournalFailure) in try operation.journal.send(command, to: operation.id) }
            switch try await operation.reply(to: command, within: .seconds(2)) {
            case .refused(let reason): throw CommandFailure(.failure, "\(operation.id): refused: \(reason)")
            case .obeyed:
                Signals.unblock()
                let status = try await Waiting(journal: operation.journal, clock: operation.clock)
                    .wait(operation.id, for: .returned, timeout: nil)
                return try report(status, operation.id)
            case .waiting:
                Console.say("\(operation.id): its driver does not answer; taking over")
                try orFail { () throws(JournalFailure) in try operation.journal.withdraw(command.id) }
            }
        }
        // Opened anew: the file is checked before this process drives.
        let journal = try options.store.open(.drive, clock: operation.clock)
        let release = Release(
            journal: journal, clock: operation.clock, reporter: Reporter(output: options.store.output))
        let status = try await release.resume(operation.id, commands: [command], isForced: true, onCancel: .rollback)
        try report(status, operation.id)
    }

    /// Asked to return the traffic, a returned traffic is 0, whatever had begun the way back.
    private func report(_ status: ExitStatus, _ id: String) throws {
        switch status {
        case .success: throw CommandFailure(.failure, "\(id) was promoted before the abort came")
        case .failure, .aborted, .blind: Console.say("\(id): all traffic is on stable, confirmed by the router")
        default: throw ExitCode(status.rawValue)
        }
    }
}

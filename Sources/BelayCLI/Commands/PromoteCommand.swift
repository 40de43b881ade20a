internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

struct PromoteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote", abstract: "End the present wait, never past a Failed verdict.")
    @Flag(help: "Go to 100 % now; the last hold is kept.") var full = false
    @OptionGroup var options: RolloutOptions

    func run() async throws {
        Signals.unblock()
        let operation = try Operation(options.rollout, options.store)
        let machine = try orFail { () throws(JournalFailure) in try operation.journal.machine(of: operation.id) }
        guard !full, machine.answerable != nil, try !operation.isDriven() else {
            return try await operation.tell(.promote(full: full), options.who, output: options.store.output)
        }
        // The rollout waits for the answer to a question, and nobody drives it. So this process takes over and answers.
        let command = try operation.command(.promote(full: false), options.who)
        throw ExitCode(try await options.takeOver(operation, with: command).rawValue)
    }
}

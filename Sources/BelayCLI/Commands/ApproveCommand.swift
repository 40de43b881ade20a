internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

struct ApproveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Approve the step that waits for it.")
    @OptionGroup var options: RolloutOptions
    func run() async throws { try await options.tell(.approve) }
}

internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

struct DenyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deny", abstract: "Deny the step that waits for approval: the traffic goes back.")
    @OptionGroup var options: RolloutOptions
    func run() async throws { try await options.tell(.deny) }
}

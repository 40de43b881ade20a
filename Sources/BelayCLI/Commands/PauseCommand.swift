internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Stay at the present step; metrics are watched on. Limited to waitLimit (1 h).")
    @OptionGroup var options: RolloutOptions
    func run() async throws { try await options.tell(.pause) }
}

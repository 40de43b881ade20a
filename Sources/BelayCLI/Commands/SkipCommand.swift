internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

struct SkipCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "skip", abstract: "Let a metric no longer decide; it is still measured.")
    @Argument(help: "The metric's name.") var metric: String
    @OptionGroup var options: RolloutOptions
    func run() async throws { try await options.tell(.skip(metric: metric)) }
}

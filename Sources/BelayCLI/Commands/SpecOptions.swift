internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform
internal import BelayRouters
internal import BelaySpec

/// A rollout's file and what overrides it.
struct SpecOptions: ParsableArguments {
    @Argument(help: "The rollout's file; or --deployment and what goes with it.")
    var file: String?

    @OptionGroup var cluster: ClusterOptions

    @Option(help: "The revision to release; else the file's.")
    var revision: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Overrides one value, e.g. spec.strategy.canary.steps[0].hold=1m.", valueName: "path=value"))
    var overrides: [String] = []

    /// A file that can be released; where it names a cluster, it is known which one.
    func load() async throws(CommandFailure) -> RolloutSpec { try ClusterPlace.locate(try await loadAny()) }

    /// As the file says it.
    func loadAny() async throws(CommandFailure) -> RolloutSpec {
        let source: SpecSource
        if let file {
            guard !cluster.isUsed else {
                throw CommandFailure(.usage, "\(file) or options such as --deployment, not both; nothing was touched")
            }
            source = try SpecFiles.read(file)
        } else {
            source = try await QuickStart(cluster, revision: revision).source()
        }
        let loader = try SpecFiles.loader(overrides: overrides)
        do throws(SpecFailure) {
            return try loader.rollout(source, revision: revision)
        } catch {
            throw CommandFailure(error)
        }
    }
}

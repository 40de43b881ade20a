internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayPlatform
internal import BelaySpec
internal import Foundation

struct RescueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rescue", abstract: "Stable 100 %, now, with no journal at all.",
        discussion: "The owner's mark at the target says which side is stable; without one, say it with --stable.")

    @Argument(help: "The rollout's file; or --deployment.") var file: String?
    @Option(help: ArgumentHelp("The side that gets all traffic; overrides the mark.", valueName: "side")) var stable:
        String?
    @Option(name: .customLong("set"), help: ArgumentHelp("Overrides one value.", valueName: "path=value"))
    var overrides: [String] = []
    @OptionGroup var place: DeploymentOptions
    @OptionGroup var who: ActorOptions

    func run() async throws {
        Signals.unblock()
        // Only the traffic part has to be right: at such a moment a mistake in a gate must not stand in the way.
        if let file, place.deployment != nil {
            throw CommandFailure(.usage, "\(file) or --deployment, not both; nothing was touched")
        }
        let traffic: Traffic
        if let found = try await place.traffic() {
            traffic = found
        } else if let file {
            traffic = try SpecFiles.traffic(file, overrides: overrides)
        } else {
            throw CommandFailure(.usage, "the rollout's file is expected, or --deployment; nothing was touched")
        }
        try await Rescue(traffic: traffic, stable: stable, who: who).run()
    }
}

internal import ArgumentParser
internal import BelayCore

struct AbortCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "abort", abstract: "Return all traffic to stable; returns when the router has confirmed it.",
        discussion: "A driver that does not answer within two seconds is fenced out, and this command does it itself.")
    @OptionGroup var options: RolloutOptions
    @OptionGroup var place: DeploymentOptions

    func run() async throws {
        if let rollout = options.rollout, place.deployment != nil {
            throw CommandFailure(.usage, "\(rollout) or --deployment, not both; nothing was touched")
        }
        if let traffic = try await place.traffic() {
            Signals.unblock()
            return try await Rescue(traffic: traffic, stable: nil, who: options.who).run()
        }
        try await Aborting(options: options).run()
    }
}

internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayRouters
internal import BelaySpec
internal import Foundation

struct RescueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rescue", abstract: "Stable 100 %, now, with no journal at all.",
        discussion: "The owner's mark at the target says which side is stable; without one, say it with --stable.")

    @Argument(help: "The rollout's file.") var file: String
    @Option(help: ArgumentHelp("The side that gets all traffic; overrides the mark.", valueName: "side")) var stable:
        String?
    @Option(name: .customLong("set"), help: ArgumentHelp("Overrides one value.", valueName: "path=value"))
    var overrides: [String] = []

    func run() async throws {
        Signals.unblock()
        // Only the traffic part has to be right: at such a moment a mistake in a gate must not stand in the way.
        let traffic = try SpecFiles.traffic(file, overrides: overrides)
        let kit = Kits.kit(for: traffic)
        let owner = kit.ownership
        let (side, mark) = try stableSide(traffic, owner)
        let roles = Roles(canaryIsSecond: side == traffic.sides.first.name)
        let router = kit.router(roles, WallClock())
        let write = TrafficWrite(share: .zero, kind: .wayBack)
        let rescuer = OwnerMark(rollout: "rescue", epoch: 0, stable: side, original: "", store: "", process: .current)
        let end = ContinuousClock.now + .seconds(60)
        var (complaint, number) = ("", 0)
        while ContinuousClock.now < end {
            number += 1
            let (reading, result) = await router.write(write, number: number, under: rescuer, isOurs: { true })
            var error: String?
            if case .refused(let why) = result { error = why }
            if error == nil, reading.confirms(write) {
                let living = mark.flatMap { owner.mayBeDriven($0) ? $0 : nil }
                if living == nil { owner.removeAnyway() }
                Console.say(
                    "all traffic is on \(side), confirmed by \(reading.instances.filter { $0.running != nil }.count) of \(reading.instances.count) instance(s)"
                )
                for (path, instance) in zip(traffic.instances, reading.instances) where instance.running == nil {
                    Console.say("\(path) is out of reach; it will start with \(side)")
                }
                if let living {
                    Console.say(
                        "\(living.rollout) is still driven by \(living.process.text): a canary that had traffic ends now,"
                    )
                    Console.say(
                        "one that had none yet may still be raised; `belay abort \(living.rollout)` ends it for good")
                }
                return
            }
            let words = error ?? reading.instances.map { $0.running?.text ?? "out of reach" }.joined(separator: ", ")
            if words != complaint { Console.say("not confirmed yet: \(words)") }
            complaint = words
            try await Task.sleep(for: .milliseconds(250))
        }
        throw CommandFailure(.needsAttention, "stable 100 % on \(side) could not be confirmed in 60 s: \(complaint)")
    }

    private func stableSide(_ traffic: Traffic, _ owner: any TargetOwnership) throws -> (String, OwnerMark?) {
        var mark: OwnerMark?
        if case .mark(let found) = owner.read() { mark = found }
        let names = traffic.sides.names
        guard let side = stable ?? mark?.stable else {
            let why =
                if case .unreadable(let words) = owner.read() { words } else { "there is no mark at \(owner.place)" }
            throw CommandFailure(
                .invalid,
                "\(why); say which side is stable: --stable \(names.joined(separator: " or --stable "))"
            )
        }
        guard names.contains(side) else {
            throw CommandFailure(.invalid, "`\(side)` is none of the sides \(names.joined(separator: ", "))")
        }
        return (side, mark)
    }
}

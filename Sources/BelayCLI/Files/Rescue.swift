internal import BelayCore
internal import BelayEngine
internal import BelayPlatform
internal import Foundation

/// Returns a target's traffic without a journal.
struct Rescue {
    let traffic: Traffic
    /// The side that gets all traffic; nil: the mark says it.
    let stable: String?
    /// Who asks for it, and why.
    let who: ActorOptions

    func run() async throws {
        let kit = Kits.kit(for: traffic)
        let owner = kit.ownership
        let (side, mark) = try await stableSide(owner)
        let roles = Roles(canaryIsSecond: side == traffic.sides.first.name)
        let router = kit.router(roles, original: mark?.original ?? .null, WallClock())
        let write = TrafficWrite(share: .zero, kind: .wayBack)
        var rescuer = OwnerMark(rollout: "rescue", epoch: 0, stable: side, original: "", store: "", process: .current)
        rescuer.returnedBy = who.words
        let end = ContinuousClock.now + .seconds(60)
        var (complaint, number) = ("", 0)
        while ContinuousClock.now < end {
            number += 1
            let (reading, result) = await router.write(write, number: number, under: rescuer, isOurs: { true })
            var error: String?
            if case .refused(let why) = result { error = why }
            if error == nil, reading.confirms(write) {
                var living: OwnerMark?
                if let mark, await owner.mayBeDriven(mark) { living = mark }
                if living == nil { await owner.removeAnyway() }
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

    private func stableSide(_ owner: any TargetOwnership) async throws -> (
        String, OwnerMark?
    ) {
        var mark: OwnerMark?
        let record = await owner.read()
        if case .mark(let found) = record { mark = found }
        let names = traffic.sides.names
        guard let side = stable ?? mark?.stable else {
            let why =
                if case .unreadable(let words) = record { words } else { "there is no mark at \(owner.place)" }
            throw CommandFailure(
                .invalid,
                "\(why); say which side is stable: --stable \(names.joined(separator: " or --stable "))"
            )
        }
        if case .cluster(let target) = traffic, target.cloneName != nil, side == traffic.sides.second.name {
            throw CommandFailure(
                .invalid, "`\(side)` is a clone that goes with its release: only `\(names[0])` can have the traffic")
        }
        if case .cluster(let target) = traffic, target.comesHome, let mark, side != mark.stable {
            throw CommandFailure(
                .invalid,
                "\(mark.rollout) has `\(mark.stable)` as stable, and `\(side)` loses its pods with it: only `\(mark.stable)` can have the "
                    + "traffic")
        }
        guard names.contains(side) else {
            throw CommandFailure(.invalid, "`\(side)` is none of the sides \(names.joined(separator: ", "))")
        }
        return (side, mark)
    }
}

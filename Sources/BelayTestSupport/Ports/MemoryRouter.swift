package import BelayCore
package import BelayEngine
package import BelayPlatform

/// A router in memory. Every effect is noted with its time; doors stand before the effects.
package final class MemoryRouter: TrafficRouter {
    /// What the router has, and how it behaves.
    package struct State: Sendable {
        package var share = Weight.zero
        package var file: Weight? = Weight.zero
        package var process: Int64 = 1
        package var mark: OwnerMark?
        package var isUp = true
        package var latest = 0
        /// Where it is set, a write is accepted at once and in force only this much later; the router then starts with
        /// what is in force.
        package var followsAfter: Duration?
        var wanted = Weight.zero
    }

    package let world: Locked<State>
    private let clock: SkippingClock
    private let tell: @Sendable (String) -> Void
    /// Stands where a forward write has asked everything it asks, and is about to take effect.
    package let beforeCommit: Door
    /// Stands where a forward write has asked everything it asks, and is about to change the file.
    package let beforeFile: Door
    package let beforeRelease: Door
    private let latency: Duration

    /// - Parameter tell: Told of each effect.
    package init(
        _ clock: SkippingClock, latency: Duration = .milliseconds(7),
        tell: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.clock = clock
        self.latency = latency
        self.tell = tell
        world = Locked(State())
        (beforeCommit, beforeFile, beforeRelease) = (Door(clock), Door(clock), Door(clock))
    }

    package var share: Weight { world.withLock { $0.share } }
    package var file: Weight? { world.withLock { $0.file } }
    package var mark: OwnerMark? { world.withLock { $0.mark } }

    /// Reloads the router: a new process begins, with the share that the file says.
    package func reload() {
        world.withLock { world in
            world.process += 1
            world.share = world.file ?? .zero
        }
        tell("the router is reloaded: \(share.text)")
    }

    private func wait() async { try? await clock.sleep(until: clock.now.advanced(by: latency)) }

    private func reading(since started: Timestamp) -> Reading {
        world.withLock { world in
            let start: Reading.Start =
                world.followsAfter != nil ? .same : world.file.map { .share($0) } ?? .unknown
            let instance =
                world.isUp
                ? Reading.Instance(running: world.share, start: start, incarnation: "\(world.process)")
                : Reading.Instance(running: nil, start: start, incarnation: nil)
            return Reading(instances: [instance], startedAt: started)
        }
    }

    /// As its protocol says.
    package func read() async -> Reading {
        let started = clock.now
        await wait()
        return reading(since: started)
    }

    /// As its protocol says.
    package func write(
        _ write: TrafficWrite, number: Int, under mark: OwnerMark, isOurs: @Sendable () async -> Bool
    ) async -> (Reading, WriteResult) {
        world.withLock { $0.latest = max($0.latest, number) }
        let started = clock.now
        await wait()
        guard world.withLock({ $0.isUp }) else { return (reading(since: started), .refused("out of reach")) }
        let error: String? =
            switch write.kind {
            case .wayBack: takeBack(write)
            case .forward: await raise(write, number, mark, isOurs)
            }
        let isFollowing = world.withLock { $0.followsAfter != nil }
        return (reading(since: started), error == nil && isFollowing ? .accepted : WriteResult(error: error))
    }

    /// Lets an accepted share come into force later, unless another one was asked for meanwhile.
    /// - Returns: Whether the router follows with a delay at all.
    private func follow(_ share: Weight) -> Bool {
        guard
            let delay = world.withLock({ world -> Duration? in
                world.wanted = share
                return world.followsAfter
            })
        else { return false }
        _ = clock.spawn { [self] in
            try? await clock.sleep(for: delay)
            world.withLock { world in if world.wanted == share { (world.share, world.file) = (share, share) } }
            tell("the router follows: \(share.text)")
        }
        return true
    }

    private func takeBack(_ write: TrafficWrite) -> String? {
        if follow(.zero) { return nil }
        world.withLock { ($0.share, $0.file) = (.zero, .zero) }
        tell("the router is told: stable 100 %")
        return nil
    }

    private func raise(
        _ write: TrafficWrite, _ number: Int, _ mark: OwnerMark, _ isOurs: () async -> Bool
    ) async -> String? {
        func objection() -> String? {
            world.withLock { world in
                if Task.isCancelled || world.latest > number { return "superseded" }
                return world.mark?.epoch == mark.epoch ? nil : "the mark is another driver's"
            }
        }
        let found = share
        guard write.expecting.contains(found) else { return "\(found.text) was found" }
        guard await isOurs() else { return "the lease is another driver's" }
        if let why = objection() { return why }
        await beforeCommit.pass()
        if follow(write.share) { return nil }
        world.withLock { $0.share = write.share }
        tell("the router is told: \(write.share.text)")
        if let why = objection() { return why }
        await beforeFile.pass()
        world.withLock { $0.file = write.share }
        return nil
    }

    /// As its protocol says.
    package func claim(_ mark: OwnerMark, _ kind: Work.ClaimKind, superseding: [String]) async -> Claim {
        let started = clock.now
        await wait()
        let (holder, wasMarked) = world.withLock { world -> (String?, Bool) in
            if let found = world.mark, found.rollout != mark.rollout || found.epoch > mark.epoch {
                return (found.rollout, true)
            }
            let wasMarked = world.mark != nil || kind == .first
            if wasMarked || kind != .closing { world.mark = mark }
            return (nil, wasMarked)
        }
        if let holder { return .taken(by: holder) }
        return .ours(reading(since: started), wasMarked: wasMarked)
    }

    /// As its protocol says.
    package func renew(_ mark: OwnerMark) async {}

    /// As its protocol says.
    package func drain(_ side: Side) async {}

    /// As its protocol says.
    package func release(_ mark: OwnerMark, after ending: Work.Ending) async -> String? {
        await wait()
        await beforeRelease.pass()
        let found = world.withLock { [$0.share, $0.file] }
        let wanted: Weight = ending == .adoption ? .full : .zero
        if found.contains(where: { $0 != wanted }) { return "the last look did not show \(wanted.text)" }
        if Task.isCancelled { return "the driver is leaving" }
        world.withLock { $0.mark = nil }
        tell("the mark is taken away")
        return nil
    }
}

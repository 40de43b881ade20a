internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// Numbers of pods that the steps state: stable gives pods away as the canary gets them, and the side that grows is ready before the
/// other one shrinks. The Service's selector stays as it is.
extension ClusterRouter {
    private var path: ResourcePath { .deployments(namespace) }

    /// Whether the steps state their numbers.
    var isCounted: Bool { target.isCounted }

    /// The numbers that a share stands for.
    private func counts(for share: Weight) throws -> (stable: Int, canary: Int) {
        if let stated = target.counts.first(where: { $0.share == share }) { return (stated.stable, stated.canary) }
        return (Int(try facts().deployments[stableIndex].replicas), 0)
    }

    /// Whether the endpoints are what a share states.
    func isExact(_ share: Weight, _ look: ClusterLook, _ ready: (stable: Int, canary: Int), _ stays: Bool) -> Bool {
        guard let wanted = try? counts(for: share), let stable = try? facts().deployments[stableIndex].name else {
            return false
        }
        if share == .zero {
            // What another hand has taken of stable's is not waited for, and in the end no pod that cannot start.
            let least = isPatienceOver ? 1 : max(1, min(wanted.stable, replicas(look.deployments[stable])))
            return ready.canary == 0 && ready.stable >= least && !stays
        }
        // While stable is brought to the new version its new pods are counted with the canary's.
        return ready.stable == wanted.stable && ready.canary >= wanted.canary
            && (share == .full || ready.canary == wanted.canary)
    }

    /// A number of stable's that somebody else has changed.
    func strangers(inCountsOf look: ClusterLook, _ stable: String) -> String? {
        guard isCounted, !state.withLock({ $0.isReturning }), let object = look.deployments[stable] else { return nil }
        guard let written = object["metadata"]?["annotations"]?[ClusterMarks.count]?.string else {
            let isMissed = state.withLock { $0.hasScaledStable && !$0.isReleasing }
            return isMissed ? "the mark of `\(stable)`\(Self.writer(of: object))" : nil
        }
        if written == "\(replicas(object))" { return nil }
        return
            "\(replicas(object)) pods of `\(stable)` in place of \(written)\(Self.writer(of: object, Self.countField))"
    }

    /// Brings both sides nearer to the numbers of a share; asked for again until they are there.
    func exact(_ share: Weight, _ look: ClusterLook, _ mark: OwnerMark) async throws -> String? {
        let (facts, wanted) = (try facts(), try counts(for: share))
        let (stable, canary) = (facts.deployments[stableIndex], facts.deployments[canaryIndex])
        guard look.deployments[canary.name] != nil else {
            return share == .zero ? nil : "there is no Deployment `\(canary.name)`"
        }
        let present = (
            stable: replicas(look.deployments[stable.name]), canary: replicas(look.deployments[canary.name])
        )
        if present.stable < wanted.stable, let why = try await scaleStable(to: wanted.stable, mark) { return why }
        let more = max(wanted.canary, present.canary)
        if let why = try await scale(canary.name, to: more, share, look, mark) { return why }
        CrashPoint.afterWrite.reached()
        let now = try await self.look()
        // Ready is not enough: the other side goes once these pods get the requests.
        if present.stable > wanted.stable, objection(toServing: canary, now) == nil, serving(now, canary.name) >= more {
            if Task.isCancelled || state.withLock({ $0.isReturning }) { return "the write was superseded" }
            if let why = try await scaleStable(to: wanted.stable, mark) { return why }
        }
        guard present.canary > wanted.canary, objection(toServing: stable, now) == nil,
            serving(now, stable.name) >= wanted.stable
        else { return nil }
        return try await scale(canary.name, to: wanted.canary, share, now, mark)
    }

    /// After an adoption that failed: stable has no pods, as its step states, unless the canary has lost some of its own meanwhile.
    func emptyStable(_ mark: OwnerMark) async throws {
        let (look, canary) = (try await look(), try facts().deployments[canaryIndex].name)
        let isWhole = serving(look, canary) >= replicas(look.deployments[canary])
        guard isWhole, !Task.isCancelled, !state.withLock({ $0.isReturning }) else { return }
        _ = try await scaleStable(to: 0, mark)
    }

    /// So many pods of a Deployment get requests.
    private func serving(_ look: ClusterLook, _ deployment: String) -> Int {
        look.endpoints.count { look.owner(ofEndpoint: $0) == deployment }
    }

    /// - Returns: Why nothing was written.
    func scaleStable(to count: Int, _ mark: OwnerMark) async throws -> String? {
        let name = try facts().deployments[stableIndex].name
        try await marks.claim(path, name, mark)
        if Task.isCancelled || state.withLock({ $0.isReturning }) { return "the write was superseded" }
        if let why = try await patchMarked(name, Self.counting(count), mark) { return why }
        state.withLock { $0.hasScaledStable = true }
        return nil
    }

    /// A number of pods, and what was written as such.
    /// - Parameter share: That the number stands for, where it is the canary's.
    static func counting(_ count: Int, standingFor share: Weight? = nil) -> [JSONValue] {
        let part = share.map {
            ClusterClone.operation(
                "add", ["metadata", "annotations", ClusterMarks.share], .string("\($0.basisPoints)"))
        }
        return [part].compactMap(\.self) + [
            ClusterClone.operation("add", ["metadata", "annotations", ClusterMarks.count], .string("\(count)")),
            ClusterClone.operation("add", ["spec", "replicas"], .count(count)),
        ]
    }

    /// How long the canary's pods stay on the way back where stable's do not come; whoever rescues waits a minute for all of it.
    private var patienceWithStable: Duration { target.revision == nil ? .seconds(20) : .seconds(60) }

    private var isPatienceOver: Bool {
        guard let since = state.withLock({ $0.servedAtReturn?.at }) else { return false }
        return since.duration(to: clock.now) > patienceWithStable
    }

    /// How many pods of the canary's have to serve on the way back, until so many of stable's do: as many as served when it began, and
    /// no longer than a minute where one of stable's serves.
    func stillNeeded(_ look: ClusterLook) throws -> Int {
        let facts = try facts()
        let (stable, canary) = (facts.deployments[stableIndex], facts.deployments[canaryIndex].name)
        let isStated =
            isCounted || look.deployments[stable.name]?["metadata"]?["annotations"]?[ClusterMarks.count] != nil
        guard isStated else { return 0 }
        let old = Set(look.pods(of: stable.name).filter { $0.isReady && !isNew($0.set) }.map(\.name))
        let ready = look.endpoints.count { old.contains($0) }
        let served = state.withLock { state in
            let began = state.servedAtReturn ?? (look.endpoints.count, clock.now)
            state.servedAtReturn = began
            return began.pods
        }
        if ready > 0, isPatienceOver { return 0 }
        return min(replicas(look.deployments[canary]), max(0, min(Int(stable.replicas), served) - ready))
    }
}

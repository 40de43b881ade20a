internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// Numbers of pods that the steps state: stable gives pods away as the canary gets them, and the side that grows is ready before the
/// other one shrinks. The Service's selector stays as it is.
extension ClusterRouter {
    private var path: ResourcePath { .deployments(namespace) }

    /// Whether the steps state their numbers.
    var isCounted: Bool { !target.counts.isEmpty }

    /// The numbers that a share stands for.
    private func counts(for share: Weight) throws -> (stable: Int, canary: Int) {
        if let stated = target.counts.first(where: { $0.share == share }) { return (stated.stable, stated.canary) }
        return (Int(try facts().deployments[stableIndex].replicas), 0)
    }

    /// Whether the endpoints are what a share states.
    func isExact(_ share: Weight, _ look: ClusterLook, _ ready: (stable: Int, canary: Int), _ stays: Bool) -> Bool {
        guard let wanted = try? counts(for: share) else { return false }
        if share == .zero { return ready.canary == 0 && ready.stable >= wanted.stable && !stays }
        // While stable is brought to the new version its new pods are counted with the canary's.
        return ready.stable == wanted.stable && ready.canary >= wanted.canary
            && (share == .full || ready.canary == wanted.canary)
    }

    /// A number of stable's that somebody else has changed.
    func strangers(inCountsOf look: ClusterLook, _ stable: String) -> String? {
        guard isCounted, !state.withLock({ $0.isReturning }), let object = look.deployments[stable],
            let written = object["metadata"]?["annotations"]?[ClusterMarks.count]?.string,
            written != "\(replicas(object))"
        else { return nil }
        return "\(replicas(object)) pods of `\(stable)` in place of \(written)\(Self.writer(of: object))"
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
        if present.stable > wanted.stable, objection(toServing: canary, now) == nil {
            if Task.isCancelled || state.withLock({ $0.isReturning }) { return "the write was superseded" }
            if let why = try await scaleStable(to: wanted.stable, mark) { return why }
        }
        guard present.canary > wanted.canary, objection(toServing: stable, now) == nil else { return nil }
        return try await scale(canary.name, to: wanted.canary, share, now, mark)
    }

    /// - Returns: Why nothing was written.
    func scaleStable(to count: Int, _ mark: OwnerMark) async throws -> String? {
        let name = try facts().deployments[stableIndex].name
        try await marks.claim(path, name, mark)
        let patch: JSONValue = .array(ClusterMarks.tests(mark) + Self.counting(count))
        let result = try await KubernetesClient.persistently {
            try await client.get().patchTested(path, name, patch, timeout: Self.patience)
        }
        switch result {
        case .done: return nil
        case .refused(nil): return "Deployment `\(name)` is gone"
        case .refused: return "Deployment `\(name)` bears another driver's mark: nothing was written"
        }
    }

    /// A number of pods, and what was written as such.
    static func counting(_ count: Int) -> [JSONValue] {
        [
            ClusterClone.operation("add", ["metadata", "annotations", ClusterMarks.count], .string("\(count)")),
            ClusterClone.operation("add", ["spec", "replicas"], .count(count)),
        ]
    }

    /// How many pods of the canary's have to serve on the way back, until so many of stable's do.
    func stillNeeded(_ look: ClusterLook) throws -> Int {
        let facts = try facts()
        let (stable, canary) = (facts.deployments[stableIndex], facts.deployments[canaryIndex].name)
        let isStated =
            isCounted || look.deployments[stable.name]?["metadata"]?["annotations"]?[ClusterMarks.count] != nil
        guard isStated else { return 0 }
        let ready = look.pods(of: stable.name).count { $0.isReady && !isNew($0.set) }
        return min(replicas(look.deployments[canary]), max(0, Int(stable.replicas) - ready))
    }
}

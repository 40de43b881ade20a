internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// Shares by numbers of pods behind one Service: stable keeps its pods, and the canary grows beside it. At 100 % the Service selects the
/// canary's own label in addition, with stable warm.
extension ClusterRouter {
    private static let count = ClusterMarks.count
    private var path: ResourcePath { .deployments(namespace) }

    func replicas(_ deployment: JSONValue?) -> Int { Int(deployment?["spec"]?["replicas"]?.int ?? 1) }

    // MARK: Readings

    /// What the clone's number of pods and the selector say.
    func shared(
        _ look: ClusterLook, _ facts: ClusterFacts, _ side: Int, _ instance: Reading.Instance
    ) -> Reading.Instance {
        var instance = instance
        let (stable, canary) = (facts.deployments[stableIndex].name, facts.deployments[canaryIndex].name)
        if let words = strangers(inCountsOf: look, stable) {
            instance.foreign = words
            return instance
        }
        let full = "\(Weight.full.basisPoints)"
        let isAdopting =
            isCounted && look.deployments[canary]?["metadata"]?["annotations"]?[ClusterMarks.share]?.string == full
        // Once stable is being brought to the new version, its pods of that version are as good as the canary's.
        let of = look.endpoints.map { name in
            let pod = look.pods.first { $0.name == name }
            return pod?.deployment == stable && isAdopting && isNew(pod?.set) ? canary : pod?.deployment
        }
        let ready = (stable: of.count { $0 == stable }, canary: of.count { $0 == canary })
        let isForeign = of.contains { $0 != stable && $0 != canary }
        let stays = hasNewPods(look, facts)
        guard let clone = look.deployments[canary] else {
            instance.running = .zero
            instance.isFollowing = ready.canary > 0 || ready.stable == 0 || isForeign || stays || side == canaryIndex
            return instance
        }
        var annotations = clone["metadata"]?["annotations"]?.texts ?? [:]
        // What another release has left says nothing; whoever rescues takes what there is.
        let isOurs = annotations[ClusterMarks.rollout] == state.withLock { $0.rollout } || target.revision == nil
        if !isOurs { annotations = [:] }
        let written = annotations[Self.count].flatMap { Int($0) } ?? 0
        if replicas(clone) != written {
            instance.foreign =
                "\(replicas(clone)) pods of `\(canary)` in place of \(written)\(Self.writer(of: clone, Self.countField))"
            return instance
        }
        let share = annotations[ClusterMarks.share].flatMap { Int($0) }.flatMap { Weight(basisPoints: $0) } ?? .zero
        instance.running = share
        if isCounted {
            instance.isFollowing = isForeign || !isExact(share, look, ready, stays)
        } else if share == .full {
            if side != canaryIndex, look.service["metadata"]?["annotations"]?[ClusterMarks.switched] != "false" {
                instance.foreign =
                    "a selector without the canary's label\(Self.writer(of: look.service, Self.selectorField))"
                return instance
            }
            instance.isFollowing = side != canaryIndex || ready.canary < written || ready.stable > 0 || isForeign
        } else {
            // Stable 100 % means that nothing else serves; a share means that all pods that make it do.
            let wanted = share == .zero ? 1 : max(replicas(look.deployments[stable]), 1)
            instance.isFollowing =
                side == canaryIndex || ready.canary != written || ready.stable < wanted || isForeign
                || share == .zero && stays
        }
        // Pods that are still wanted may become ready at any time, whatever the endpoints say now.
        if share == .zero, replicas(clone) > 0 { instance.isFollowing = true }
        return instance
    }

    /// Why pods of the canary's cannot start; nil where nothing says so.
    func hindrance() async -> String? {
        guard let look = try? await look(), let name = try? facts().deployments[canaryIndex].name else { return nil }
        let isStuck = look.pods(of: name).contains { pod in
            (pod.json["status"]?["containerStatuses"]?.array ?? []).contains { container in
                let reason = container["state"]?["waiting"]?["reason"]?.string ?? ""
                return reason.contains("BackOff") || reason.hasPrefix("Err") || reason.hasSuffix("Error")
            }
        }
        guard isStuck else { return nil }
        return "the pods of `\(name)` do not become ready" + (await troubles(of: name))
    }

    // MARK: Writes

    /// Brings the canary to a share: first its pods, and for all of the traffic then the selector.
    func share(_ share: Weight, _ look: ClusterLook, _ mark: OwnerMark) async throws -> String? {
        let facts = try facts()
        let (stable, canary) = (facts.deployments[stableIndex].name, facts.deployments[canaryIndex].name)
        let selector = look.service["spec"]?["selector"]?.texts ?? [:]
        if isCounted { return try await exact(share, look, mark) }
        // The side that grows is raised first: stable is whole before the canary loses its label.
        if share < .full, facts.side(of: selector) == canaryIndex {
            if let why = objection(toServing: facts.deployments[stableIndex], look) { return why }
            if let why = try await select(stableIndex, from: canaryIndex, mark) { return why }
        }
        guard look.deployments[canary] != nil else {
            return share == .zero ? nil : "there is no Deployment `\(canary)`"
        }
        var wanted = Reach.beside(replicas(look.deployments[stable])).units(for: share)
        if share == .full { wanted = max(wanted, replicas(look.deployments[canary])) }
        if let why = try await scale(canary, to: wanted, share, look, mark) { return why }
        CrashPoint.afterWrite.reached()
        guard share == .full, facts.side(of: selector) == stableIndex else { return nil }
        let present = try await self.look()
        // Its pods are not all there yet: asked for again.
        if objection(toServing: facts.deployments[canaryIndex], present) != nil { return nil }
        if Task.isCancelled || state.withLock({ $0.isReturning }) { return "the write was superseded" }
        return try await select(canaryIndex, from: stableIndex, mark)
    }

    func scale(
        _ name: String, to count: Int, _ share: Weight, _ look: ClusterLook, _ mark: OwnerMark
    ) async throws -> String? {
        let annotations = look.deployments[name]?["metadata"]?["annotations"]?.texts ?? [:]
        // The idle one of a pair before it is deployed: it has no pods, and bears no mark yet.
        let isUntouched = annotations[ClusterMarks.rollout] != mark.rollout
        if count == 0, isUntouched, replicas(look.deployments[name]) == 0 { return nil }
        if annotations[Self.count] == "\(count)", annotations[ClusterMarks.share] == "\(share.basisPoints)" {
            return nil
        }
        return try await patchMarked(name, Self.counting(count, standingFor: share), mark)
    }

    /// Changes a Deployment that bears this driver's mark.
    /// - Returns: Why nothing was written.
    func patchMarked(_ name: String, _ operations: [JSONValue], _ mark: OwnerMark) async throws -> String? {
        let patch: JSONValue = .array(ClusterMarks.tests(mark) + operations)
        let result = try await KubernetesClient.persistently {
            try await client.get().patchTested(path, name, patch, timeout: Self.patience)
        }
        switch result {
        case .done: return nil
        case .refused(nil): return "Deployment `\(name)` is gone"
        case .refused: return "Deployment `\(name)` bears another driver's mark: nothing was written"
        }
    }

    /// A number of stable's that somebody else has changed is the new base: the canary follows to the nearest share.
    func followStable(_ mark: OwnerMark) async throws {
        let (look, facts) = (try await glance(), try facts())
        let (stable, canary) = (facts.deployments[stableIndex].name, facts.deployments[canaryIndex].name)
        let annotations = look.deployments[canary]?["metadata"]?["annotations"]?.texts ?? [:]
        guard !isCounted, !state.withLock({ $0.isReturning }),
            let base = look.deployments[stable]?["spec"]?["replicas"]?.int,
            base > 0,
            let share = annotations[ClusterMarks.share].flatMap({ Int($0) }).flatMap({ Weight(basisPoints: $0) }),
            share > .zero, annotations[Self.count] == "\(replicas(look.deployments[canary]))"
        else { return }
        let wanted = Reach.beside(Int(base)).units(for: share)
        // With all of the traffic on it, the canary never shrinks.
        if share == .full, wanted <= replicas(look.deployments[canary]) { return }
        _ = try await scale(canary, to: wanted, share, look, mark)
        await (try? eye.get())?.forget()
    }
}

internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// The way back: stable as it was. Its patches test nothing, and nothing else is waited for.
extension ClusterRouter {
    private var path: ResourcePath { .deployments(namespace) }

    /// Stable's template and the selector as they were. It tests nothing, and it changes the mark, so that a forward patch that is
    /// still on its way is refused.
    func takeBack(_ mark: OwnerMark) async throws -> String? {
        // The first time nothing is looked at where stable cannot have changed: the traffic goes back at once.
        let looksFirst = state.withLock { state in
            state.isReturning = true
            state.returns += 1
            return state.mayBeAdopted || state.returns > 1 || state.stableReady == 0 || isCounted
        }
        var left = 0
        var failure: (any Error)?
        let facts = try facts()
        var selector: [String: JSONValue] = facts.selector(ofSide: stableIndex).mapValues { .string($0) }
        selector[facts.label] = selector[facts.label] ?? .null
        if looksFirst {
            if isCounted || target.revision == nil { await fenceStable(mark) }
            let look = try await look()
            if let owner = look.service["metadata"]?["annotations"]?[ClusterMarks.rollout]?.string,
                owner != mark.rollout, target.revision != nil
            {
                return "the target is \(owner)'s now"
            }
            // What another hand has added to the selector would stay.
            for key in (look.service["spec"]?["selector"]?.texts ?? [:]).keys where selector[key] == nil {
                selector[key] = .null
            }
            // Whatever stands against stable's own writes, the traffic goes where it can.
            do {
                try await raiseStable(look)
                try await restore(look, mark)
            } catch {
                failure = error
            }
            if let why = objection(toReturning: look, facts) { return why }
            left = try stillNeeded(look)
        }
        var annotations = [ClusterMarks.epoch: "\(mark.epoch)-back", ClusterMarks.switched: "false"]
        annotations[ClusterMarks.returnedBy] = mark.returnedBy
        let patch: JSONValue = .members([
            "metadata": .members(["annotations": .map(annotations)]),
            "spec": .members([
                "selector": .object(selector.sorted { $0.key < $1.key }.map { .init($0.key, $0.value) })
            ]),
        ])
        try await KubernetesClient.persistently {
            _ = try await client.get().patch(
                .services(namespace), target.service, .merge, patch, timeout: Self.patience)
        }
        CrashPoint.inWayBack.reached()
        let why = target.switchesService ? nil : try await empty(mark, but: left)
        if let failure { throw failure }
        return why
    }

    /// From here on no number of stable's is written forward any more, not by a patch that is on its way either.
    private func fenceStable(_ mark: OwnerMark) async {
        guard let name = try? facts().deployments[stableIndex].name, let found = try? await eye.get().deployment(name),
            let owner = found["metadata"]?["annotations"]?[ClusterMarks.rollout]?.string,
            owner == mark.rollout || target.revision == nil
        else { return }
        let annotations = ["metadata", "annotations"]
        let patch: JSONValue = .array([
            ClusterClone.operation("test", annotations + [ClusterMarks.rollout], .string(owner)),
            ClusterClone.operation("add", annotations + [ClusterMarks.epoch], .string("\(mark.epoch)-back")),
        ])
        _ = try? await client.get().patch(path, name, .json, patch, timeout: Self.patience)
    }

    /// Why the traffic has to wait where it is: stable has no pod of the old version yet, and the canary can serve.
    private func objection(toReturning look: ClusterLook, _ facts: ClusterFacts) -> String? {
        let (stable, canary) = (facts.deployments[stableIndex], facts.deployments[canaryIndex])
        let isServing = look.endpoints.contains { look.owner(ofEndpoint: $0) == canary.name }
        let hasOld = look.pods(of: stable.name).contains { $0.isReady && !isNew($0.set) }
        return hasOld || !isServing
            ? nil : "`\(stable.name)` has no ready pod of \(stable.image) yet; the traffic stays until it has one"
    }

    /// Gives stable its pods back, where somebody has taken all of them, or where the steps have taken some.
    private func raiseStable(_ look: ClusterLook) async throws {
        let own = try facts().deployments[stableIndex]
        guard let object = look.deployments[own.name] else { return }
        let isMarked = object["metadata"]?["annotations"]?[ClusterMarks.count] != nil
        let isOurs = isMarked || state.withLock { $0.hasScaledStable }
        guard replicas(object) == 0 || isOurs && replicas(object) != own.replicas else { return }
        let patch: JSONValue = .members([
            "metadata": isMarked ? .members(["annotations": .map([ClusterMarks.count: "\(own.replicas)"])]) : nil,
            "spec": .members(["replicas": .int(max(own.replicas, 1))]),
        ])
        _ = try await client.get().patch(path, own.name, .merge, patch, timeout: Self.patience)
    }

    /// Puts stable's template back, where it has this release's values.
    func restore(_ look: ClusterLook, _ mark: OwnerMark) async throws {
        let (clone, own) = (try clone(), try facts().deployments[stableIndex])
        guard let object = look.deployments[own.name], target.comesHome,
            object["metadata"]?["annotations"]?[ClusterMarks.rollout] != nil
        else { return }
        let isReturning = state.withLock { $0.isReturning }
        let epoch = ClusterClone.operation(
            "replace", ["metadata", "annotations", ClusterMarks.epoch],
            .string(isReturning ? "\(mark.epoch)-back" : "\(mark.epoch)"))
        func back(_ object: JSONValue) -> [JSONValue] {
            isNew(object)
                ? clone.operations(on: object, side: stableIndex, image: own.image, settings: own.settings) : []
        }
        let first = back(object)
        let patch = (isReturning ? [] : ClusterMarks.tests(mark)) + [epoch] + first
        let after = try await client.get().patch(path, own.name, .json, .array(patch), timeout: Self.patience).body
        // A patch of the adoption's that was on its way came before this one; from here on it is refused.
        if first.isEmpty, isNew(after) {
            _ = try await client.get().patch(path, own.name, .json, .array(back(after)), timeout: Self.patience)
        }
    }

    /// The canary has no pods any more, or so many that stable cannot do without yet. It tests nothing, and changes the mark, so that a
    /// forward patch that is still on its way is refused.
    ///
    /// - Returns: Why nothing was written.
    private func empty(_ mark: OwnerMark, but left: Int) async throws -> String? {
        let name = try facts().deployments[canaryIndex].name
        let found = try await eye.get().deployment(name)
        let owner = found?["metadata"]?["annotations"]?[ClusterMarks.rollout]?.string
        // Whoever rescues empties what it finds.
        guard let owner, owner == mark.rollout || target.revision == nil else {
            guard target.cloneName == nil, let found else { return owner.map { "`\(name)` is \($0)'s" } }
            // Who has slept meanwhile does not hold the Lease any more.
            if target.revision != nil { try await marks.confirm(mark) }
            return try await emptyUnmarked(found, mark, but: left)
        }
        let place = ["metadata", "annotations"]
        let patch: JSONValue = .array(
            [
                ClusterClone.operation("test", place + [ClusterMarks.rollout], .string(owner)),
                ClusterClone.operation("add", place + [ClusterMarks.epoch], .string("\(mark.epoch)-back")),
            ] + Self.counting(left, standingFor: .zero))
        try await ClusterMarks.unlessGone {
            try await KubernetesClient.persistently {
                _ = try await client.get().patch(path, name, .json, patch, timeout: Self.patience)
            }
        }
        return nil
    }

    /// The canary of a pair whose mark somebody took away, or that bears what an earlier release has left: who holds the Lease holds it.
    private func emptyUnmarked(_ found: JSONValue, _ mark: OwnerMark, but left: Int) async throws -> String? {
        let name = try facts().deployments[canaryIndex].name
        if replicas(found) == 0 { return nil }
        let annotations = [
            ClusterMarks.rollout: mark.rollout, ClusterMarks.epoch: "\(mark.epoch)-back", ClusterMarks.share: "0",
            ClusterMarks.count: "\(left)",
        ]
        let patch: JSONValue = .members([
            "metadata": .members([
                "resourceVersion": found["metadata"]?["resourceVersion"], "annotations": .map(annotations),
            ]),
            "spec": .members(["replicas": .count(left)]),
        ])
        _ = try await client.get().patch(path, name, .merge, patch, timeout: Self.patience)
        return nil
    }
}

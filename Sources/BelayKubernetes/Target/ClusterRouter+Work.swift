internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// What the target does by itself. Each of these can be done again after a crash.
extension ClusterRouter {
    func perform(_ run: ActionRun, within limit: Duration, under mark: OwnerMark) async -> String? {
        // A driver that goes on with a way back has not written it itself.
        if run.list == .back { state.withLock { $0.isReturning = true } }
        let complaint = await attempt(run, until: clock.now.advanced(by: limit), mark)
        tell(run, complaint)
        return complaint
    }

    private func attempt(_ run: ActionRun, until deadline: Timestamp, _ mark: OwnerMark) async -> String? {
        do {
            switch (run.kind, run.list) {
            case (.deploy, _):
                if let why = try await holdAutoscalers(mark) { return why }
                return try await deploy(mark)
            case (.awaitReady, _): return try await awaitReady(until: deadline)
            case (.adopt, _): return try await adopt(mark, until: deadline)
            case (.handOver, _): return try await comeHome(mark, until: deadline)
            case (.retire, let list): return try await retire(after: list, mark, until: deadline)
            case (.claim, _), (.hook, _), (.drain, _), (.release, _): return "nothing of that kind is done here"
            }
        } catch {
            return Self.words(error)
        }
    }

    private var path: ResourcePath { .deployments(namespace) }

    /// Looks again and again.
    /// - Returns: What the body says; its last complaint where the time is over.
    private func wait(
        until deadline: Timestamp, _ body: (ClusterLook) async throws -> Waiting
    ) async throws -> String? {
        var complaint = "nothing was seen in time"
        await (try? eye.get())?.forget()  // Something was written just before.
        while clock.now < deadline {
            do {
                switch try await body(try await glance()) {
                case .done: return nil
                case .failed(let words): return words
                case .goesOn(let words): complaint = words
                }
            } catch let error as KubernetesError
                where [.unreachable, .timeout, .busy, .server].contains(error.kind)
            {
                complaint = error.message
            }
            try await clock.sleep(for: .milliseconds(300))
        }
        return complaint
    }

    private enum Waiting {
        case done
        case goesOn(String)
        case failed(String)
    }

    // MARK: The canary

    /// Makes the clone, or brings the idle Deployment to the new version.
    private func deploy(_ mark: OwnerMark) async throws -> String? {
        guard target.cloneName != nil else { return try await change(canaryIndex, mark) }
        let (clone, facts, client) = (try clone(), try facts(), try client.get())
        let annotations = ClusterMarks.annotations(mark)
        let stable = try await client.get(path, facts.deployments[0].name)
        guard stable["metadata"]?["uid"]?.string == facts.deployments[0].uid else {
            return "Deployment `\(facts.deployments[0].name)` is another one than the one that was looked at"
        }
        if let why = try await makeRoom(path, facts.deployments[1].name, mark) { return why }
        let replicas: Int64? = target.switchesService ? nil : 0
        try await create(path, clone.deployment(from: stable, replicas: replicas, marks: annotations), mark)
        if let why = try await makeRoom(.services(namespace), target.canaryService, mark) { return why }
        let service = try await client.get(.services(namespace), target.service)
        try await create(.services(namespace), clone.service(from: service, marks: annotations), mark)
        return nil
    }

    /// One that is there already is this rollout's, from a try before.
    private func create(_ path: ResourcePath, _ object: JSONValue, _ mark: OwnerMark) async throws {
        do {
            try await KubernetesClient.persistently { _ = try await client.get().create(path, object) }
        } catch let error as KubernetesError where error.kind == .exists {
            try await marks.claim(path, object["metadata"]?["name"]?.string ?? "", mark)
        }
    }

    /// Takes away what an earlier release has left under a name of Belay's.
    /// - Returns: Why the name is not free.
    private func makeRoom(_ path: ResourcePath, _ name: String, _ mark: OwnerMark) async throws -> String? {
        let client = try client.get()
        for _ in 0..<50 {
            let found: JSONValue
            do {
                found = try await client.get(path, name)
            } catch let error as KubernetesError where error.kind == .notFound {
                return nil
            }
            guard let owner = found["metadata"]?["annotations"]?[ClusterMarks.rollout]?.string else {
                return "there is \(path.plural.dropLast()) `\(name)`, which is not Belay's"
            }
            if found["metadata"]?["deletionTimestamp"] == nil {
                if owner == mark.rollout { return nil }
                try await delete(path, found)
            }
            try await clock.sleep(for: .milliseconds(200))
        }
        return "\(path.plural.dropLast()) `\(name)` of an earlier release does not go away"
    }

    private func delete(_ path: ResourcePath, _ object: JSONValue) async throws {
        guard let name = object["metadata"]?["name"]?.string, let uid = object["metadata"]?["uid"]?.string else {
            return
        }
        let client = try client.get()
        try await ClusterMarks.unlessGone { try await client.delete(path, name, uid: uid) }
    }

    private func awaitReady(until deadline: Timestamp) async throws -> String? {
        // With shares by numbers the pods come with the steps.
        if !target.switchesService { return nil }
        let name = try facts().deployments[canaryIndex].name
        let complaint = try await wait(until: deadline) { look in
            guard let deployment = look.deployments[name] else { return .failed("Deployment `\(name)` is gone") }
            if let why = Self.stuck(deployment) { return .failed("`\(name)`: \(why)") }
            let (done, words) = Self.progress(of: deployment)
            guard done else { return .goesOn("`\(name)`: \(words)") }
            if target.cloneName == nil { return .done }
            let ready = look.canaryEndpoints.count
            let wanted = Int(deployment["spec"]?["replicas"]?.int ?? 1)
            return ready >= wanted
                ? .done : .goesOn("\(ready) of \(wanted) pods of `\(name)` are endpoints of `\(target.canaryService)`")
        }
        guard let complaint else { return nil }
        return complaint + (await troubles(of: name))
    }

    /// Whether the controller has given up, and why.
    private static func stuck(_ deployment: JSONValue) -> String? {
        guard isObserved(deployment) else { return nil }
        let condition = (deployment["status"]?["conditions"]?.array ?? []).first {
            $0["type"]?.string == "Progressing" && $0["reason"]?.string == "ProgressDeadlineExceeded"
        }
        return condition.map { $0["message"]?.string ?? "its progress deadline has passed" }
    }

    private static func isObserved(_ deployment: JSONValue) -> Bool {
        (deployment["status"]?["observedGeneration"]?.int ?? 0) >= (deployment["metadata"]?["generation"]?.int ?? 0)
    }

    /// Whether a Deployment is as its spec says, by the rules of `kubectl rollout status`.
    static func progress(of deployment: JSONValue) -> (isDone: Bool, words: String) {
        let status = deployment["status"]
        func count(_ key: String) -> Int64 { status?[key]?.int ?? 0 }
        let wanted = deployment["spec"]?["replicas"]?.int ?? 1
        let words =
            "\(count("updatedReplicas")) of \(wanted) pods updated, \(count("availableReplicas")) available, "
            + "\(max(0, count("replicas") - count("updatedReplicas"))) old"
        let isDone =
            isObserved(deployment) && count("updatedReplicas") >= wanted
            && count("replicas") == count("updatedReplicas")
            && count("availableReplicas") >= wanted
        return (isDone, words)
    }

    // MARK: Stable

    /// Brings a Deployment's template to the new version, where it is as it was before the release.
    private func change(_ side: Int, _ mark: OwnerMark) async throws -> String? {
        let (clone, own) = (try clone(), try facts().deployments[side])
        let object = try await client.get().get(path, own.name)
        guard object["metadata"]?["uid"]?.string == own.uid else {
            return "Deployment `\(own.name)` is another one than the one that was looked at"
        }
        let image = clone.image(after: own.image)
        let more = try scaling(object, side)
        let isNew = clone.isNew(object, side: side)
        // Whoever gives the canary its old version again has to be noticed from here on.
        let isDeployed = side != canaryIndex || ClusterMarks.isDeployed(object, by: mark.rollout)
        if isNew, more.isEmpty, isDeployed { return nil }
        guard isNew || clone.isOld(object, side: side) else {
            return
                "the template of `\(own.name)` was changed by another hand\(Self.writer(of: object, Self.templateField)) since the release began"
        }
        try await marks.claim(path, own.name, mark)
        if Task.isCancelled || state.withLock({ $0.isReturning }) { return "nobody wanted it any more" }
        let patch: JSONValue = .array(
            ClusterMarks.tests(mark)
                + clone.operations(on: object, side: side, image: image, settings: clone.newSettings)
                + more + (side == canaryIndex ? [Self.deployed] : []))
        let result = try await KubernetesClient.persistently {
            try await client.get().patchTested(path, own.name, patch)
        }
        switch result {
        case .done: return nil
        case .refused(let present?) where clone.isNew(present, side: side):
            return nil  // A try before this one has had its effect.
        case .refused: return "Deployment `\(own.name)` was changed by another hand at this moment: nothing was written"
        }
    }

    private static let deployed = ClusterClone.operation(
        "add", ["metadata", "annotations", ClusterMarks.deployed], "true")

    /// An idle side of a pair gets as many pods as stable has, or none where these come with the steps; stable gets those that the steps
    /// have taken.
    private func scaling(_ object: JSONValue, _ side: Int) throws -> [JSONValue] {
        if isCounted, side == stableIndex {
            let own = try facts().deployments[side].replicas
            return object["spec"]?["replicas"]?.int == own ? [] : Self.counting(Int(own))
        }
        guard side == canaryIndex, target.cloneName == nil else { return [] }
        if !target.switchesService {
            let annotations = object["metadata"]?["annotations"]
            return annotations?[ClusterMarks.count] == "0" && annotations?[ClusterMarks.share] == "0"
                ? [] : Self.counting(0, standingFor: .zero)
        }
        let wanted = try facts().deployments[stableIndex].replicas
        guard object["spec"]?["replicas"]?.int != wanted else { return [] }
        return [ClusterClone.operation("replace", ["spec", "replicas"], .int(wanted))]
    }

    /// The canary's revision becomes stable's own. Where its pods do not become ready, the template is put back.
    private func adopt(_ mark: OwnerMark, until deadline: Timestamp) async throws -> String? {
        state.withLock { $0.mayBeAdopted = true }
        let canary = try facts().deployments[canaryIndex].name
        guard let released = try await eye.get().deployment(canary), try clone().isNew(released, side: canaryIndex)
        else {
            return "`\(canary)` does not have the version that is to be adopted; the traffic stays where it is"
        }
        if let why = try await change(stableIndex, mark) { return why }
        let name = try facts().deployments[stableIndex].name
        let complaint: String?
        do {
            complaint = try await wait(until: deadline) { look in
                guard let deployment = look.deployments[name] else { return .failed("Deployment `\(name)` is gone") }
                if let why = Self.stuck(deployment) { return .failed("`\(name)`: \(why)") }
                guard try clone().isNew(deployment, side: stableIndex) else {
                    return .failed(
                        "the template of `\(name)` was changed by another hand\(Self.writer(of: deployment, Self.templateField))"
                    )
                }
                let (done, words) = Self.progress(of: deployment)
                let isThere = deployment["spec"]?["replicas"]?.int != 0
                return done && isThere ? .done : .goesOn("`\(name)`: \(words)")
            }
        } catch is CancellationError {
            return "nobody wanted it any more"  // The way back puts the template back.
        }
        guard let complaint else { return nil }
        let why = complaint + (await troubles(of: name))
        try await restore(try await look(), mark)
        if isCounted { try await emptyStable(mark) }
        return "\(why); its template is put back, and the traffic stays where it is"
    }

    /// The Service selects stable again, which has the new version now.
    private func comeHome(_ mark: OwnerMark, until deadline: Timestamp) async throws -> String? {
        let (clone, facts) = (try clone(), try facts())
        let own = facts.deployments[stableIndex]
        let before = try await look()
        guard let object = before.deployments[own.name] else { return "Deployment `\(own.name)` is gone" }
        guard clone.isNew(object, side: stableIndex) else {
            return
                "`\(own.name)` does not have the new version\(Self.writer(of: object, Self.templateField)); the traffic stays where it is"
        }
        let (isDone, words) = Self.progress(of: object)
        guard isDone else { return "`\(own.name)`: \(words); the traffic stays where it is" }
        if let why = objection(toServing: own, before) { return "\(why); the traffic stays where it is" }
        let selector = before.service["spec"]?["selector"]?.texts ?? [:]
        if facts.side(of: selector) != stableIndex, let why = try await select(stableIndex, from: canaryIndex, mark) {
            return why
        }
        CrashPoint.afterWrite.reached()
        if !target.switchesService { return try await leaveToStable(mark, until: deadline) }
        return try await wait(until: deadline) { look in
            let others = look.endpoints.filter { look.owner(ofEndpoint: $0) != own.name }
            return others.isEmpty && !look.endpoints.isEmpty
                ? .done : .goesOn("\(others.count) endpoints of `\(target.service)` are not stable's yet")
        }
    }

    /// With shares by numbers both have the new version now; the canary's pods go once all of stable's are endpoints.
    private func leaveToStable(_ mark: OwnerMark, until deadline: Timestamp) async throws -> String? {
        let facts = try facts()
        let (stable, canary) = (facts.deployments[stableIndex], facts.deployments[canaryIndex].name)
        let complaint = try await wait(until: deadline) { look in
            let ready = look.endpoints.count { look.owner(ofEndpoint: $0) == stable.name }
            let wanted = look.deployments[stable.name]?["spec"]?["replicas"]?.int ?? 1
            return Int64(ready) >= wanted
                ? .done : .goesOn("\(ready) of \(wanted) pods of `\(stable.name)` are endpoints of `\(target.service)`")
        }
        if let complaint { return complaint }
        try await clock.sleep(for: Drain.bound)
        if state.withLock({ $0.isReturning }) { return "nobody wanted it any more" }
        let now = try await look()
        if let why = objection(toServing: stable, now) { return "\(why); the canary's pods stay" }
        if let why = try await share(.zero, now, mark) { return why }
        return try await wait(until: deadline) { look in
            let left = look.endpoints.count { look.owner(ofEndpoint: $0) == canary }
            return left == 0 ? .done : .goesOn("\(left) pods of `\(canary)` are still endpoints of `\(target.service)`")
        }
    }

    // MARK: The end

    /// Open connections end only with their pods. After a way back the canary's go at once; after an adoption they have a while.
    func drain(_ side: Side) async {
        let isBack = state.withLock { $0.isReturning }
        guard isBack else {
            try? await clock.sleep(for: Drain.bound)
            return
        }
        guard let facts = try? facts(), side.backend == facts.deployments[canaryIndex].name else { return }
        let rollout = state.withLock { $0.rollout } ?? ""
        let patch: JSONValue = .array(
            [
                ClusterClone.operation("test", ["metadata", "annotations", ClusterMarks.rollout], .string(rollout))
            ] + Self.counting(0))
        _ = try? await client.get().patch(path, side.backend, .json, patch, timeout: Self.patience)
        let end = clock.now.advanced(by: Drain.bound)
        while clock.now < end, !Task.isCancelled {
            if let look = try? await look(), look.pods(of: side.backend).isEmpty { return }
            try? await clock.sleep(for: .milliseconds(300))
        }
    }

    /// Takes the canary away: the clone and its Service are deleted; the idle Deployment of a pair is scaled to nothing.
    private func retire(
        after list: ActionList, _ mark: OwnerMark, until deadline: Timestamp
    ) async throws -> String? {
        let (client, facts) = (try client.get(), try facts())
        guard target.cloneName != nil else {
            return try await stop(list == .back || target.comesHome ? canaryIndex : stableIndex, list, mark)
        }
        for (path, name) in [(path, facts.deployments[1].name), (.services(namespace), target.canaryService)] {
            while true {
                let found: JSONValue
                do {
                    found = try await client.get(path, name)
                } catch let error as KubernetesError where error.kind == .notFound {
                    break
                }
                // One that is not this release's is not its to delete.
                guard found["metadata"]?["annotations"]?[ClusterMarks.rollout]?.string == mark.rollout else { break }
                if found["metadata"]?["deletionTimestamp"] == nil { try await delete(path, found) }
                if clock.now >= deadline { return "\(path.plural.dropLast()) `\(name)` does not go away" }
                try await clock.sleep(for: .milliseconds(200))
            }
        }
        return nil
    }

    /// Scales a side of a pair to nothing, and after a way back puts its template back.
    private func stop(_ side: Int, _ list: ActionList, _ mark: OwnerMark) async throws -> String? {
        let (clone, own, client) = (try clone(), try facts().deployments[side], try client.get())
        try await marks.claim(path, own.name, mark, isForward: list != .back)
        let object = try await client.get(path, own.name)
        // What is on its way back bears an epoch of its own.
        let test = ClusterClone.operation(
            "test", ["metadata", "annotations", ClusterMarks.rollout], .string(mark.rollout))
        var patch = list == .back ? [test] : ClusterMarks.tests(mark)
        patch += [ClusterClone.operation("add", ["spec", "replicas"], .int(list == .back ? own.replicas : 0))]
        if list == .back, clone.isNew(object, side: side) {
            patch += clone.operations(on: object, side: side, image: own.image, settings: own.settings)
        }
        _ = try await client.patch(path, own.name, .json, .array(patch))
        return nil
    }
}

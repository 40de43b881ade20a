internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// Drives the selector of a Service, and the Deployments behind it. A write is conditional on this driver's own marks, so that the
/// server refuses one that comes late, and it counts once the endpoints say so.
final class ClusterRouter: TrafficRouter {
    struct State {
        /// The way back has begun: nothing goes forward any more.
        var isReturning = false
        /// The end has come: nothing is held any more.
        var isReleasing = false
        /// An adoption may have begun, here or under an earlier driver.
        var mayBeAdopted = true
        /// Pods of the canary's that were seen ready.
        var ready: Set<String> = []
        /// Stable's, when it was last read; nil before that.
        var stableReady: Int?
        /// This driver's.
        var rollout: String?
        var epoch: Int?
        /// Stable's number of pods was written by this driver.
        var hasScaledStable = false
        /// A canary that was there before was seen with the new version.
        var hasDeployed = false
        /// By the plan's pattern for a side's pods: the present one.
        var names: [String: String] = [:]
        /// How many pods served when the way back began, and when that was.
        var servedAtReturn: (pods: Int, at: Timestamp)?
        /// The last write that an Event tells of.
        var told: TrafficWrite?
        /// How often the way back has been written.
        var returns = 0
    }

    let client: Result<KubernetesClient, KubernetesError>
    let target: ClusterTarget
    let namespace: String
    let roles: Roles
    let clock: any EngineClock
    let marks: ClusterMarks
    let state = Locked(State())
    private let known: ClusterFacts?

    /// - Parameter facts: nil where the record of them cannot be read; then nothing is done.
    init(
        _ client: Result<KubernetesClient, KubernetesError>, _ target: ClusterTarget, _ facts: ClusterFacts?,
        _ roles: Roles, _ marks: ClusterMarks, _ clock: any EngineClock
    ) {
        (self.client, self.target, known, self.roles) = (client, target, facts, roles)
        (self.marks, self.clock, namespace) = (marks, clock, marks.namespace)
        eye = client.map { ClusterEye($0, target, pods: facts?.podSelector) }
    }

    let eye: Result<ClusterEye, KubernetesError>
    static let patience: Duration = .seconds(2)

    var stableIndex: Int { roles.canaryIsSecond ? 0 : 1 }
    var canaryIndex: Int { 1 - stableIndex }

    func facts() throws -> ClusterFacts {
        guard let known else {
            throw KubernetesError(.configuration, "the record of what was found before the release cannot be read")
        }
        return known
    }

    func clone() throws -> ClusterClone { ClusterClone(target: target, facts: try facts()) }
    /// A reading that is asked now.
    func look() async throws -> ClusterLook { try await eye.get().look() }
    /// One from watches, where these are current.
    func glance() async throws -> ClusterLook { try await eye.get().glance() }

    // MARK: Readings

    /// On the way back each is asked anew.
    func read() async -> Reading { await reading(isAsked: state.withLock { $0.isReturning }).reading }

    /// - Returns: The reading, and what is wrong where something could not be read.
    func reading(isAsked: Bool = true) async -> (reading: Reading, complaint: String?) {
        let started = clock.now
        do {
            let instance = instance(isAsked ? try await look() : try await glance(), try facts())
            return (Reading(instances: [instance], startedAt: started), nil)
        } catch {
            let nothing = Reading.Instance(running: nil, start: .unknown, incarnation: nil)
            return (Reading(instances: [nothing], startedAt: started), Self.words(error))
        }
    }

    static func words(_ error: any Error) -> String {
        (error as? KubernetesError)?.message ?? "it was cut off: nobody wanted it any more"
    }

    /// The share that a side's traffic is for the canary.
    private func share(ofSide index: Int) -> Weight { roles.mirrored(index == 0 ? .zero : .full) }

    private func instance(_ look: ClusterLook, _ facts: ClusterFacts) -> Reading.Instance {
        let uid = look.service["metadata"]?["uid"]?.string
        var instance = Reading.Instance(running: nil, start: .same, incarnation: uid)
        let selector = look.service["spec"]?["selector"]?.texts ?? [:]
        guard let side = facts.side(of: selector) else {
            instance.foreign =
                "the selector \(LabelSelector.words(selector))\(Self.writer(of: look.service, Self.selectorField))"
            return instance
        }
        state.withLock { $0.stableReady = look.readyCount(of: facts.deployments[stableIndex].name) }
        keepNames(look, facts)
        if uid != facts.serviceUID, !state.withLock({ $0.isReturning }) {
            instance.foreign =
                "another Service `\(target.service)` than the one that was there before: it was made anew"
            return instance
        }
        if isTakenFromUs(look.service) {
            let person = look.service["metadata"]?["annotations"]?[ClusterMarks.returnedBy]?.string
            instance.foreign =
                person.map { "\(String($0.prefix(300)).printable) returned the traffic without a journal" }
                ?? "another mark at the Service: a person returned the traffic, or another driver has it"
            return instance
        }
        // On the way back it counts where the traffic is, and not what others have made of stable meanwhile.
        if !state.withLock({ $0.isReturning }), let words = strangers(look, facts) {
            instance.foreign = words
            return instance
        }
        if !target.switchesService { return shared(look, facts, side, instance) }
        instance.running = share(ofSide: side)
        instance.isFollowing = follows(look, facts, side)
        return instance
    }

    /// Whether the Service bears this rollout's mark with another epoch than this driver's, although nothing goes back.
    private func isTakenFromUs(_ service: JSONValue) -> Bool {
        let (isReturning, rollout, epoch) = state.withLock { ($0.isReturning, $0.rollout, $0.epoch) }
        let found = service["metadata"]?["annotations"]
        guard !isReturning, let rollout, let epoch, found?[ClusterMarks.rollout]?.string == rollout else {
            return false
        }
        let words = found?[ClusterMarks.epoch]?.string
        return words != "\(epoch)" && words != "\(epoch)-back"
    }

    /// Whether what is behind the Service is not yet what its selector says.
    private func follows(_ look: ClusterLook, _ facts: ClusterFacts, _ side: Int) -> Bool {
        let name = facts.deployments[side].name
        if look.endpoints.isEmpty || look.endpoints.contains(where: { look.owner(ofEndpoint: $0) != name }) {
            return true
        }
        return side == stableIndex && hasNewPods(look, facts)
    }

    /// After an adoption was taken back stable is stable again once none of its pods has the new version.
    func hasNewPods(_ look: ClusterLook, _ facts: ClusterFacts) -> Bool {
        guard state.withLock({ $0.isReturning && $0.mayBeAdopted }), target.comesHome else { return false }
        if let stable = look.deployments[facts.deployments[stableIndex].name], isNew(stable) { return true }
        return look.endpoints.contains { endpoint in
            let pod = look.pods.first { $0.name == endpoint }
            return pod?.deployment == facts.deployments[stableIndex].name && isNew(pod?.set)
        }
    }

    /// Whether a template of stable's is the one that is released. Whoever rescues knows only which one was there before.
    func isNew(_ object: JSONValue?) -> Bool {
        guard let object, let clone = try? clone(), !clone.isOld(object, side: stableIndex) else { return false }
        return target.revision == nil || clone.isNew(object, side: stableIndex)
    }

    /// What of the Deployments another hand has changed; nil where nothing is.
    private func strangers(_ look: ClusterLook, _ facts: ClusterFacts) -> String? {
        guard target.revision != nil, let clone = try? clone() else { return nil }
        for (side, own) in facts.deployments.enumerated() {
            guard let object = look.deployments[own.name] else { continue }
            let (isOld, isRight) = (clone.isOld(object, side: side), clone.isNew(object, side: side))
            let isClone = target.cloneName == own.name
            // One that an earlier release has left is replaced before it counts.
            let isMarked =
                object["metadata"]?["annotations"]?[ClusterMarks.rollout]?.string == state.withLock { $0.rollout }
            let isDeployed = side == canaryIndex && !isClone && hasDeployed(object)
            let isStrange = isClone ? !isRight && isMarked : !isRight && (isDeployed || !isOld)
            if isStrange {
                return "the template of `\(own.name)`\(Self.writer(of: object, Self.templateField))"
            }
            if side == stableIndex, target.comesHome, !isCounted, replicas(object) == 0 {
                return "0 pods of `\(own.name)`\(Self.writer(of: object, Self.countField))"
            }
        }
        return target.switchesService ? missingPods(look, facts) : nil
    }

    /// Where a selector alone divides the traffic, nothing else says how many pods a side should have: none at the side that is selected is
    /// another hand's.
    private func missingPods(_ look: ClusterLook, _ facts: ClusterFacts) -> String? {
        guard let side = facts.side(of: look.service["spec"]?["selector"]?.texts ?? [:]) else { return nil }
        let name = facts.deployments[side].name
        guard let object = look.deployments[name] else {
            return "Deployment `\(name)`, which has the traffic and is gone"
        }
        return replicas(object) == 0 ? "0 pods of `\(name)`\(Self.writer(of: object, Self.countField))" : nil
    }

    /// Whether a canary that was there before has got the new version; from then on its old one is another hand's, with or without a mark.
    private func hasDeployed(_ canary: JSONValue) -> Bool {
        state.withLock { state in
            if ClusterMarks.isDeployed(canary, by: state.rollout) { state.hasDeployed = true }
            return state.hasDeployed
        }
    }

    static let countField = ["f:spec", "f:replicas"]
    static let templateField = ["f:spec", "f:template"]
    static let selectorField = ["f:spec", "f:selector"]

    /// Who wrote last: ` (kubectl-edit)`.
    /// - Parameter field: That was changed, as `managedFields` has it; where nobody is known to own it, any writer counts. Status is no
    ///   writing. An entry without a time, as of the subresource `scale`, counts as the newest.
    static func writer(of object: JSONValue, _ field: [String] = []) -> String {
        let entries = (object["metadata"]?["managedFields"]?.array ?? []).filter {
            $0["manager"]?.string != KubernetesClient.fieldManager && $0["subresource"]?.string != "status"
        }
        let owners = entries.filter { !field.isEmpty && $0["fieldsV1"]?.value(at: field) != nil }
        func time(_ entry: JSONValue) -> String { entry["time"]?.string ?? "~" }
        let last = (owners.isEmpty ? entries : owners).max { time($0) < time($1) }
        return last?["manager"]?.string.map { " (\($0))" } ?? ""
    }

    // MARK: Writes

    func write(
        _ write: TrafficWrite, number: Int, under mark: OwnerMark, isOurs: @Sendable () async -> Bool
    ) async -> (Reading, WriteResult) {
        var error: String?
        do {
            switch write.kind {
            case .forward: error = try await raise(write, mark, isOurs)
            case .wayBack: error = try await takeBack(mark)
            }
        } catch let failure {
            error = Self.words(failure)
        }
        if error == nil { tell(write, by: mark.returnedBy) }
        await (try? eye.get())?.forget()
        // The endpoints follow within a second, as a rule.
        var (reading, complaint) = await reading()
        for _ in 0..<4 where error == nil && complaint == nil && reading.instances[0].isFollowing {
            guard (try? await clock.sleep(for: .milliseconds(200))) != nil else { break }
            (reading, complaint) = await self.reading()
        }
        if let error = error ?? complaint { return (reading, .refused(error)) }
        if reading.confirms(write) { return (reading, .done) }
        // Pods that cannot start are told each time, and not only when the time is over.
        if write.kind == .forward, !target.switchesService, let why = await hindrance() {
            return (reading, .refused(why))
        }
        return (reading, .accepted)
    }

    private func raise(_ write: TrafficWrite, _ mark: OwnerMark, _ isOurs: () async -> Bool) async throws -> String? {
        let (look, facts) = (try await look(), try facts())
        let now = Reading(instances: [instance(look, facts)], startedAt: clock.now)
        if let why = now.objection(to: write) { return why }
        let isSwitched = target.switchesService || write.share == .full
        if isSwitched, now.instances[0].running == write.share, !now.instances[0].isFollowing { return nil }
        if target.switchesService, write.share > .zero,
            let why = objection(toServing: facts.deployments[canaryIndex], look)
        {
            return why
        }
        guard await isOurs() else { return "the lease is another driver's, or the journal does not answer" }
        try await marks.keep(mark, share: write.share)
        // Whoever replaces the Service by its manifest takes the mark away; who holds the Lease sets it again.
        if ClusterMarks.isUnmarked(look.service) {
            let isSwitched = facts.side(of: look.service["spec"]?["selector"]?.texts ?? [:]) == canaryIndex
            try await marks.claim(
                .services(namespace), target.service, mark, [ClusterMarks.switched: isSwitched ? "true" : "false"])
        }
        if Task.isCancelled || state.withLock({ $0.isReturning }) { return "the write was superseded" }
        if !target.switchesService { return try await share(write.share, look, mark) }
        if now.instances[0].running == write.share { return nil }
        let (from, to) = write.share > .zero ? (stableIndex, canaryIndex) : (canaryIndex, stableIndex)
        let error = try await select(to, from: from, mark)
        CrashPoint.afterWrite.reached()
        return error
    }

    /// Why a side cannot serve; nil where all of its pods are ready.
    func objection(toServing deployment: ClusterFacts.Deployment, _ look: ClusterLook) -> String? {
        guard let found = look.deployments[deployment.name] else {
            return "there is no Deployment `\(deployment.name)`"
        }
        let (wanted, ready) = (found["spec"]?["replicas"]?.int ?? 1, look.readyCount(of: deployment.name))
        if wanted > 0, Int64(ready) >= wanted { return nil }
        return "\(ready) of \(wanted) pods of `\(deployment.name)` are ready"
    }

    /// Lets the Service select a side, where it still selects the other one and still is this driver's.
    func select(_ side: Int, from: Int, _ mark: OwnerMark) async throws -> String? {
        let facts = try facts()
        let place = ["spec", "selector"]
        let patch: JSONValue = .array(
            ClusterMarks.tests(mark) + [
                ClusterClone.operation("test", place, .map(facts.selector(ofSide: from))),
                ClusterClone.operation("replace", place, .map(facts.selector(ofSide: side))),
                ClusterClone.operation(
                    "add", ["metadata", "annotations", ClusterMarks.switched],
                    .string(side == canaryIndex ? "true" : "false")),
            ])
        func send() async throws -> KubernetesClient.Tested {
            try await KubernetesClient.persistently {
                try await client.get().patchTested(.services(namespace), target.service, patch, timeout: Self.patience)
            }
        }
        var result = try await send()
        // Whoever replaces the Service by its manifest takes the mark away; who holds the Lease sets it again.
        if case .refused(let present?) = result, ClusterMarks.isUnmarked(present) {
            try await marks.claim(.services(namespace), target.service, mark)
            if Task.isCancelled || state.withLock({ $0.isReturning }) { return "the write was superseded" }
            result = try await send()
        }
        switch result {
        case .done: return nil
        case .refused(nil): return "the Service `\(target.service)` is gone"
        case .refused(let present?):
            let own = ClusterMarks.annotations(mark)
            let found = present["metadata"]?["annotations"]?.texts ?? [:]
            if own.contains(where: { found[$0.key] != $0.value }) {
                return "the Service bears another driver's mark: nothing was written"
            }
            let selector = present["spec"]?["selector"]?.texts ?? [:]
            // A try before this one has had its effect.
            if facts.side(of: selector) == side { return nil }
            return "the Service selects \(selector)\(Self.writer(of: present, Self.selectorField)): nothing was written"
        }
    }

    // MARK: The mark

    func claim(_ mark: OwnerMark, _ kind: Work.ClaimKind, superseding: [String]) async -> Claim {
        do {
            state.withLock { state in
                (state.rollout, state.epoch) = (mark.rollout, mark.epoch)
                if kind == .first, mark.epoch == 1 { state.mayBeAdopted = false }
            }
            switch try await marks.take(mark, kind, superseding: superseding) {
            case .foreign(let holder): return .taken(by: holder)
            case .ours(let wasMarked):
                CrashPoint.inTakeover.reached()
                if kind != .closing || wasMarked {
                    try await marks.keep(mark, share: nil)
                    try await claimObjects(mark, isFirst: kind == .first)
                }
                let (reading, complaint) = await reading()
                if let complaint { return .failed(complaint) }
                return .ours(reading, wasMarked: wasMarked)
            }
        } catch {
            return .failed(Self.words(error))
        }
    }

    /// Marks the Service, and whatever this rollout has written before.
    private func claimObjects(_ mark: OwnerMark, isFirst: Bool) async throws {
        let more = isFirst ? [ClusterMarks.switched: "false"] : [:]
        try await marks.claim(.services(namespace), target.service, mark, more, isForward: false)
        for scaler in try facts().autoscalers where !isFirst {
            try await ClusterMarks.unlessGone {
                try await marks.claim(.autoscalers(namespace), scaler.name, mark, isForward: false)
            }
        }
        for deployment in try facts().deployments {
            let object = try await eye.get().deployment(deployment.name)
            guard let object, object["metadata"]?["annotations"]?[ClusterMarks.rollout]?.string == mark.rollout else {
                continue
            }
            try await marks.claim(.deployments(namespace), deployment.name, mark, isForward: false)
        }
    }

    func renew(_ mark: OwnerMark) async {
        try? await marks.renew(mark)
        // A controller of the autoscaler's own may have put its minimum back.
        await holdAutoscalersAgain(mark)
        if !target.switchesService { try? await followStable(mark) }
    }
}

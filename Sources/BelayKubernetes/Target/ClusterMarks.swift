package import BelayCore
package import BelayEngine
internal import BelayPlatform
internal import Foundation

/// What a release writes down at its target: a Lease that says who drives, a ConfigMap with the originals, and an annotation on each
/// object that is written, by which the server refuses a driver that comes late.
package struct ClusterMarks: TargetOwnership {
    let client: Result<KubernetesClient, KubernetesError>
    let target: ClusterTarget
    let namespace: String

    static let rollout = "belay.dev/rollout"
    static let epoch = "belay.dev/epoch"
    /// On a Deployment whose number of pods divides the traffic: that number, as it was written.
    static let count = "belay.dev/replicas"
    /// On a canary whose number of pods divides the traffic: the share that the number stands for.
    static let share = "belay.dev/share"
    /// On a canary that was there before the release: it has got the new version.
    static let deployed = "belay.dev/deployed"
    /// On the Service: whether it leads to the canary alone.
    static let switched = "belay.dev/switched"
    /// On the Service: who returned the traffic without a journal, and why.
    static let returnedBy = "belay.dev/returned-by"
    /// On the Lease: the Deployments of the release, so that it is found by any of them.
    private static let deployments = "belay.dev/deployments"
    private static let mark = "belay.dev/mark"
    private static let patience: Duration = .seconds(2)
    private var leases: ResourcePath { .leases(namespace) }
    private var configMaps: ResourcePath { .configMaps(namespace) }

    package var place: String { "Lease \(target.ownerName) in \(namespace)" }

    // MARK: The Lease

    /// As its protocol says.
    package func read() async -> OwnerRecord {
        do {
            guard let lease = try await lease() else { return try await kept().map { .mark($0) } ?? .none }
            guard let mark = Self.mark(of: lease) else {
                return .unreadable("\(place) has no mark that this version can read")
            }
            return .mark(mark)
        } catch let error as KubernetesError {
            return .unreadable(error.message)
        } catch {
            return .unreadable("the look at \(place) was cut off")
        }
    }

    /// As its protocol says.
    package func mayBeDriven(_ mark: OwnerMark) async -> Bool {
        if mark.process.host == ProcessIdentity.hostName { return mark.process.mayBeAlive }
        // Clocks of two machines differ, so a driver elsewhere is known by the movement of its Lease.
        do {
            guard let before = try await lease() else { return false }
            let end = ContinuousClock.now + Lease.life
            while ContinuousClock.now < end {
                try await Task.sleep(for: .seconds(1))
                guard let after = try await lease() else { return false }
                if before["spec"]?["renewTime"] != after["spec"]?["renewTime"] { return true }
            }
            return false
        } catch {
            return true  // It cannot be read, so nobody knows.
        }
    }

    /// As its protocol says.
    package func lastTraffic(of side: String) async -> Timestamp? { nil }

    private func lease() async throws -> JSONValue? {
        do {
            return try await client.get().get(
                leases, target.ownerName, timeout: Self.patience)
        } catch let error as KubernetesError where error.kind == .notFound {
            return nil
        }
    }

    private static func mark(of lease: JSONValue) -> OwnerMark? {
        guard let text = lease["metadata"]?["annotations"]?[mark]?.string, let json = try? JSONText.parse(text) else {
            return nil
        }
        return OwnerMark(json: json)
    }

    private static func spec(_ mark: OwnerMark) -> JSONValue {
        .members([
            "holderIdentity": .string("\(mark.rollout), \(mark.process.text)"),
            "leaseDurationSeconds": .int(Lease.life.wholeMilliseconds / 1000), "leaseTransitions": .count(mark.epoch),
            "renewTime": .string(now),
        ])
    }

    /// A `MicroTime`: the server takes six digits of a second and nothing else.
    private static var now: String {
        Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)).replacing("Z", with: "000Z")
    }

    /// What came of taking the Lease.
    enum Taking {
        case ours(wasMarked: Bool)
        case foreign(String)
    }

    /// Takes the Lease for a driver.
    func take(_ mark: OwnerMark, _ kind: Work.ClaimKind, superseding: [String]) async throws -> Taking {
        let client = try client.get()
        var attempt = 0
        while true {
            attempt += 1
            do {
                return try await takeOnce(mark, kind, superseding, client)
            } catch let error as KubernetesError where [.conflict, .exists].contains(error.kind) && attempt < 5 {
                continue
            }
        }
    }

    private func takeOnce(
        _ mark: OwnerMark, _ kind: Work.ClaimKind, _ superseding: [String], _ client: KubernetesClient
    ) async throws -> Taking {
        var mark = mark
        guard let lease = try await lease() else {
            if kind == .closing { return .ours(wasMarked: false) }
            mark.isAfterRescue = kind == .takeover
            try await create(mark)
            return .ours(wasMarked: kind == .first)
        }
        let found = Self.mark(of: lease)
        if found == nil { return .foreign("whoever wrote \(place), which this version cannot read") }
        if let found {
            let isOurs = found.rollout == mark.rollout
            if isOurs, found.epoch > mark.epoch { return .foreign("epoch \(found.epoch) of \(found.rollout)") }
            if !isOurs, !superseding.contains(found.rollout) {
                return .foreign("\(found.rollout) (\(found.process.text), journal \(found.store))")
            }
            if isOurs { mark.isAfterRescue = found.isAfterRescue }
        }
        let annotations = (lease["metadata"]?["annotations"]?.texts ?? [:])
            .merging(annotations(ofLease: mark)) { $1 }
        let object = lease.setting(at: ["metadata", "annotations"], .map(annotations)).setting("spec", Self.spec(mark))
        _ = try await client.replace(leases, target.ownerName, object, timeout: Self.patience)
        return .ours(wasMarked: kind == .first || !mark.isAfterRescue)
    }

    private func annotations(ofLease mark: OwnerMark) -> [String: String] {
        [
            Self.mark: JSONText.write(mark.json), Self.rollout: mark.rollout,
            Self.deployments: target.names.joined(separator: ","),
        ]
    }

    private func create(_ mark: OwnerMark) async throws {
        let object: JSONValue = .members([
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": .members([
                "name": .string(target.ownerName),
                "annotations": .map(annotations(ofLease: mark)),
            ]),
            "spec": Self.spec(mark),
        ])
        _ = try await client.get().create(leases, object, timeout: Self.patience)
    }

    /// Shows that the driver is alive, where the Lease is still its own. One that somebody has removed is made again.
    func renew(_ mark: OwnerMark) async throws {
        let holder = JSONValue.string("\(mark.rollout), \(mark.process.text)")
        let patch: JSONValue = .array([
            ClusterClone.operation("test", ["spec", "holderIdentity"], holder),
            ClusterClone.operation("replace", ["spec", "renewTime"], .string(Self.now)),
        ])
        do {
            _ = try await client.get().patch(leases, target.ownerName, .json, patch, timeout: Self.patience)
        } catch let error as KubernetesError where error.kind == .notFound {
            try await makeAgain(mark)
        }
    }

    /// Makes a Lease again that another hand has removed, where the Service still bears this driver's mark: nobody has succeeded it.
    /// - Returns: Whether it is there again.
    @discardableResult
    private func makeAgain(_ mark: OwnerMark) async throws -> Bool {
        let service = try await client.get().get(.services(namespace), target.service, timeout: Self.patience)
        let found = service["metadata"]?["annotations"]?.texts ?? [:]
        guard Self.annotations(mark).allSatisfy({ found[$0.key] == $0.value }) else { return false }
        try await create(mark)
        return true
    }

    /// Takes the Lease away, where it is this rollout's, and the ConfigMap before it.
    /// - Parameter mark: nil: whoever owns it.
    func remove(_ mark: OwnerMark?) async throws {
        let client = try client.get()
        let lease = try await lease()
        if let mark, let lease, let found = Self.mark(of: lease),
            found.rollout != mark.rollout || found.epoch > mark.epoch
        {
            return
        }
        try await Self.unlessGone {
            let map = try await client.get(configMaps, target.ownerName, timeout: Self.patience)
            guard let uid = map["metadata"]?["uid"]?.string else { return }
            try await client.delete(configMaps, target.ownerName, uid: uid, timeout: Self.patience)
        }
        guard let lease, let uid = lease["metadata"]?["uid"]?.string else { return }
        let revision = lease["metadata"]?["resourceVersion"]?.string
        try await Self.unlessGone {
            try await client.delete(
                leases, target.ownerName, uid: uid, revision: mark == nil ? nil : revision,
                timeout: Self.patience)
        }
    }

    /// Takes away all that a release has left at the target: the canary with its Service, and every mark.
    package func removeAnyway() async {
        guard let client = try? client.get() else { return }
        let (deployments, services) = (ResourcePath.deployments(namespace), ResourcePath.services(namespace))
        if let kept = try? await kept(), let facts = ClusterFacts(json: kept.original) {
            try? await giveBack(facts.autoscalers, rollout: kept.rollout)
        }
        if let clone = target.cloneName {
            for (path, name) in [(deployments, clone), (services, target.canaryService)] {
                guard let found = try? await client.get(path, name), let uid = found["metadata"]?["uid"]?.string,
                    found["metadata"]?["annotations"]?[Self.rollout] != nil
                else { continue }
                try? await client.delete(path, name, uid: uid)
            }
        }
        // Before the marks: without the Lease nobody who wakes up late can set them again.
        try? await remove(nil)
        for (path, name) in target.names.map({ (deployments, $0) }) + [(services, target.service)] {
            guard let found = try? await client.get(path, name) else { continue }
            let owner = found["metadata"]?["annotations"]?[Self.rollout]?.string ?? ""
            try? await leave(path, name, rollout: owner)
        }
    }

    static func unlessGone(_ body: () async throws -> Void) async throws {
        do { try await body() } catch let error as KubernetesError where error.kind == .notFound {}
    }

    // MARK: Originals

    /// The mark as the ConfigMap has it, where the Lease is gone; nil where there is none.
    private func kept() async throws -> OwnerMark? {
        do {
            let data = try await client.get().get(configMaps, target.ownerName, timeout: Self.patience)["data"]
            guard let rollout = data?["rollout"]?.string, let stable = data?["stable"]?.string,
                let original = data?["original"]?.string.flatMap({ try? JSONText.parse($0) })
            else { return nil }
            let nobody = ProcessIdentity(host: "a machine that is not known", bootID: "", pid: 0, startTime: 0)
            return OwnerMark(
                rollout: rollout, epoch: data?["epoch"]?.string.flatMap { Int($0) } ?? 0, stable: stable,
                original: original, store: "", process: nobody)
        } catch let error as KubernetesError where error.kind == .notFound {
            return nil
        }
    }

    /// The target of the release that is under way on a Deployment, as the ConfigMap has it.
    /// - Throws: ``KubernetesError`` `.notFound` where none is under way.
    static func target(of deployment: String, _ namespace: String, _ client: KubernetesClient) async throws
        -> ClusterTarget
    {
        let map: JSONValue
        do {
            map = try await client.get(.configMaps(namespace), "belay-\(deployment)")
        } catch let error as KubernetesError where [.notFound, .forbidden].contains(error.kind) {
            // A right to read one ConfigMap by its name is none to read another.
            guard let owner = try await lease(of: deployment, namespace, client) else { throw error }
            map = try await client.get(.configMaps(namespace), owner)
        }
        guard let text = map["data"]?["target"]?.string, let json = try? JSONText.parse(text),
            let target = try? ClusterTarget(json: json)
        else {
            throw KubernetesError(
                .invalid, "ConfigMap belay-\(deployment) in \(namespace) cannot be read by this version")
        }
        return target
    }

    /// The name of the Lease of a release in which a Deployment is the other one of two; nil where there is none, or where it may not be
    /// looked for.
    private static func lease(of deployment: String, _ namespace: String, _ client: KubernetesClient) async throws
        -> String?
    {
        do {
            return try await client.list(.leases(namespace)).items.first { lease in
                let names = lease["metadata"]?["annotations"]?[deployments]?.string?.split(separator: ",") ?? []
                return names.contains { $0 == deployment }
            }?["metadata"]?["name"]?.string
        } catch let error as KubernetesError where error.kind == .forbidden {
            throw KubernetesError(
                .notFound,
                "there is no ConfigMap belay-\(deployment) in \(namespace); where it is one of two Deployments, name the first one of the "
                    + "file, since this identity may not list Leases")
        }
    }

    /// Writes down what was found before the release, and how far it is, for whoever has no journal.
    func keep(_ mark: OwnerMark, share: Weight?) async throws {
        let client = try client.get()
        let data: JSONValue = .members([
            "rollout": .string(mark.rollout), "epoch": .string("\(mark.epoch)"), "stable": .string(mark.stable),
            "original": .string(JSONText.write(mark.original)), "share": share.map { .string($0.text) },
            "target": .string(JSONText.write(target.json)),
        ])
        let object: JSONValue = .members([
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": .members(["name": .string(target.ownerName)]),
            "data": data,
        ])
        try await KubernetesClient.persistently {
            do {
                _ = try await client.patch(
                    configMaps, target.ownerName, .merge, .members(["data": data]), timeout: Self.patience)
            } catch let error as KubernetesError where error.kind == .notFound {
                _ = try await client.create(configMaps, object, timeout: Self.patience)
            }
        }
    }

    // MARK: Annotations

    /// The annotations of an object that this driver writes. They stay the same as long as it drives.
    static func annotations(_ mark: OwnerMark) -> [String: String] {
        [rollout: mark.rollout, epoch: "\(mark.epoch)"]
    }

    /// Whether a canary that was there before has got the new version of a rollout.
    static func isDeployed(_ object: JSONValue, by rollout: String?) -> Bool {
        let found = object["metadata"]?["annotations"]
        return found?[deployed] != nil && found?[Self.rollout]?.string == rollout
    }

    /// Tests by which the server refuses the patch of a driver that was succeeded.
    static func tests(_ mark: OwnerMark) -> [JSONValue] {
        annotations(mark).sorted { $0.key < $1.key }.map { key, value in
            ClusterClone.operation("test", ["metadata", "annotations", key], .string(value))
        }
    }

    /// Marks an object as this driver's. What another rollout has left there is replaced: who holds the Lease holds the target.
    ///
    /// - Parameter more: Annotations beside those of the mark.
    /// - Parameter isForward: Whether a forward write follows. It does not where the object is on its way back; else that stays so.
    func claim(
        _ path: ResourcePath, _ name: String, _ mark: OwnerMark, _ more: [String: String] = [:], isForward: Bool = true
    ) async throws {
        let client = try client.get()
        try await confirm(mark)
        for attempt in 1... {
            let object = try await client.get(path, name, timeout: Self.patience)
            let found = object["metadata"]?["annotations"]?.texts ?? [:]
            let wanted = Self.annotations(mark).merging(more) { $1 }
            let epoch = found[Self.epoch].flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
            if found[Self.rollout] == mark.rollout, epoch > mark.epoch { throw Self.succeeded }
            // 0 is a rescue's.
            let isGoingBack = ["\(mark.epoch)-back", "0-back"].contains(found[Self.epoch])
            if isGoingBack, found[Self.rollout] == nil || found[Self.rollout] == mark.rollout {
                if !isForward { return }
                throw KubernetesError(.conflict, "`\(name)` is on its way back: nothing was written")
            }
            if wanted.allSatisfy({ found[$0.key] == $0.value }) { return }
            var annotations = JSONValue.map(wanted)
            // Who returned an earlier release's traffic says nothing of this one.
            if found[Self.returnedBy] != nil { annotations = annotations.setting(Self.returnedBy, .null) }
            let metadata: JSONValue = .members([
                "resourceVersion": object["metadata"]?["resourceVersion"], "annotations": annotations,
            ])
            do {
                _ = try await client.patch(
                    path, name, .merge, .members(["metadata": metadata]), timeout: Self.patience)
                return
            } catch let error as KubernetesError where error.kind == .conflict && attempt < 5 {
                continue
            }
        }
    }

    private static let succeeded = KubernetesError(.conflict, "another driver has the target now: nothing was written")

    /// - Throws: ``KubernetesError`` where the Lease is not this driver's any more: it may have slept.
    func confirm(_ mark: OwnerMark) async throws {
        guard let lease = try await lease() else {
            if try await makeAgain(mark) { return }
            throw Self.succeeded
        }
        guard let found = Self.mark(of: lease), found.rollout == mark.rollout, found.epoch == mark.epoch else {
            throw Self.succeeded
        }
    }
}

internal import BelayCore
internal import BelayPlatform

/// The Deployment controller: rolls from one ReplicaSet to the next within surge and unavailability.
/// https://kubernetes.io/docs/concepts/workloads/controllers/deployment
extension Cluster {
    /// What the controller looks at.
    private struct Scene {
        var deployment: JSONValue
        var new: JSONValue?
        var old: [JSONValue]

        var sets: [JSONValue] { (new.map { [$0] } ?? []) + old }
        var replicas: Int { deployment.at("spec", "replicas")?.count ?? 1 }

        func total(_ key: String) -> Int { sets.reduce(0) { $0 + ($1.at("status", key)?.count ?? 0) } }
    }

    private static let revision = "deployment.kubernetes.io/revision"
    private static let desired = "deployment.kubernetes.io/desired-replicas"
    private static let most = "deployment.kubernetes.io/max-replicas"

    func reconcile(deployment: JSONValue) {
        guard deployment.at("metadata", "deletionTimestamp") == nil else { return }
        let scene = scene(deployment)
        let isPaused = deployment.at("spec", "paused")?.bool ?? false
        if isPaused || isScaling(scene) {
            note(scene, isPaused: isPaused)
            scale(scene)
            return writeStatus(scene)
        }
        if scene.new == nil {
            // One thing at a time, as watchers of a real server see it.
            createSet(scene)
            return
        }
        if note(scene, isPaused: false) { return }
        if deployment.text("spec", "strategy", "type") == "Recreate" {
            recreate(scene)
        } else if !growNew(scene) {
            shrinkOld(scene)
        }
        cleanUp(scene)
        // Of what was there before this pass, as the real controller counts.
        writeStatus(scene)
    }

    private func scene(_ deployment: JSONValue) -> Scene {
        let uid = deployment.text("metadata", "uid") ?? ""
        let all = store.list(type(ofKind: "ReplicaSet"), deployment.text("metadata", "namespace")).filter {
            $0.isOwned(by: uid)
        }
        let hash = Self.hash(of: deployment.at("spec", "template") ?? .empty)
        let new = all.first { $0.text("metadata", "labels", "pod-template-hash") == hash }
        return Scene(
            deployment: deployment, new: new,
            old: all.filter { $0.at("metadata", "uid") != new?.at("metadata", "uid") }.sorted {
                Self.number($0) < Self.number($1)
            })
    }

    private static func number(_ set: JSONValue) -> Int {
        Int(set.text("metadata", "annotations", revision) ?? "") ?? 0
    }

    /// Ten letters of the template: FNV-1a over its text.
    static func hash(of template: JSONValue) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in JSONText.write(template.sorted).utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let letters = Array("bcdf456789")
        return String((0..<10).map { letters[Int(hash >> ($0 * 6) & 0x3f) % letters.count] })
    }

    private func createSet(_ scene: Scene) {
        let deployment = scene.deployment
        var template = deployment.at("spec", "template") ?? .empty
        let hash = Self.hash(of: template)
        var labels = template.at("metadata", "labels")?.stringMap ?? [:]
        labels["pod-template-hash"] = hash
        template.put(.map(labels), at: "metadata", "labels")
        var selector = deployment.at("spec", "selector") ?? .empty
        selector.put(.string(hash), at: "matchLabels", "pod-template-hash")
        let name = "\(deployment.text("metadata", "name") ?? "")-\(hash)"
        let set: JSONValue = .members([
            "metadata": .members([
                "name": .string(name), "namespace": deployment.at("metadata", "namespace"), "labels": .map(labels),
                "annotations": .map(annotations(scene)),
                "ownerReferences": .array([reference(to: deployment, "apps/v1", "Deployment")]),
            ]),
            "spec": .members([
                "replicas": .count(firstSize(scene)), "selector": selector, "template": template,
                "minReadySeconds": deployment.at("spec", "minReadySeconds"),
            ]),
        ])
        _ = try? create(type(ofKind: "ReplicaSet"), set, Writer(manager: "kube-controller-manager"))
        change(type(ofKind: "Deployment"), deployment, subresource: "status") { deployment in
            deployment.put(.string("\(self.nextRevision(scene))"), at: "metadata", "annotations", Self.revision)
            self.setCondition(
                &deployment, "Progressing", "True", "NewReplicaSetCreated", "Created new replica set \"\(name)\"")
        }
    }

    func reference(to owner: JSONValue, _ apiVersion: String, _ kind: String) -> JSONValue {
        .members([
            "apiVersion": .string(apiVersion), "kind": .string(kind), "name": owner.at("metadata", "name"),
            "uid": owner.at("metadata", "uid"), "controller": .bool(true), "blockOwnerDeletion": .bool(true),
        ])
    }

    private func nextRevision(_ scene: Scene) -> Int { (scene.old.map(Self.number).max() ?? 0) + 1 }

    /// What the controller writes on the ReplicaSet: the Deployment's annotations, its revision and its size.
    private func annotations(_ scene: Scene) -> [String: String] {
        var map = (scene.new?.at("metadata", "annotations")?.stringMap ?? [:])
        for (key, value) in scene.deployment.at("metadata", "annotations")?.stringMap ?? [:]
        where key != Self.revision && key != "kubectl.kubernetes.io/last-applied-configuration" { map[key] = value }
        map[Self.desired] = "\(scene.replicas)"
        map[Self.most] = "\(scene.replicas + surge(scene))"
        if Self.number(scene.new ?? .empty) < nextRevision(scene) { map[Self.revision] = "\(nextRevision(scene))" }
        return map
    }

    /// Brings the new ReplicaSet's annotations up to date.
    /// - Returns: Whether anything changed.
    @discardableResult
    private func note(_ scene: Scene, isPaused: Bool) -> Bool {
        let before = store.revision
        if let new = scene.new, !isPaused {
            change(type(ofKind: "ReplicaSet"), new) {
                $0.put(.map(self.annotations(scene)), at: "metadata", "annotations")
            }
        }
        change(type(ofKind: "Deployment"), scene.deployment, subresource: "status") { deployment in
            if let new = scene.new, !isPaused {
                let number = max(Self.number(new), self.nextRevision(scene))
                deployment.put(.string("\(number)"), at: "metadata", "annotations", Self.revision)
            }
            guard isPaused != (self.reason(deployment) == "DeploymentPaused") else { return }
            if isPaused {
                self.setCondition(&deployment, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
            } else {
                self.setCondition(&deployment, "Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed")
            }
        }
        return store.revision != before
    }

    // MARK: Sizes

    private func surge(_ scene: Scene) -> Int { part(scene, "maxSurge", .up) }

    private func unavailable(_ scene: Scene) -> Int {
        let most = part(scene, "maxUnavailable", .down)
        return most == 0 && surge(scene) == 0 ? 1 : min(most, scene.replicas)
    }

    private func part(_ scene: Scene, _ key: String, _ rule: FloatingPointRoundingRule) -> Int {
        guard scene.deployment.text("spec", "strategy", "type") != "Recreate" else { return 0 }
        switch scene.deployment.at("spec", "strategy", "rollingUpdate", key) {
        case .int(let number): return Int(number)
        case .string(let text):
            return Int((Double(scene.replicas) * (Double(text.dropLast()) ?? 0) / 100).rounded(rule))
        default: return 0
        }
    }

    /// How many pods a new ReplicaSet begins with.
    private func firstSize(_ scene: Scene) -> Int {
        let total = scene.old.reduce(0) { $0 + Self.size($1) }
        if scene.deployment.text("spec", "strategy", "type") == "Recreate" { return total == 0 ? scene.replicas : 0 }
        return min(scene.replicas, max(0, scene.replicas + surge(scene) - total))
    }

    private static func size(_ set: JSONValue) -> Int { set.at("spec", "replicas")?.count ?? 0 }

    private func resize(_ set: JSONValue, to size: Int, _ scene: Scene) {
        let before = Self.size(set)
        if size == before { return }
        change(type(ofKind: "ReplicaSet"), set) { set in
            set.put(.count(size), at: "spec", "replicas")
            set.put(.string("\(scene.replicas)"), at: "metadata", "annotations", Self.desired)
            set.put(.string("\(scene.replicas + self.surge(scene))"), at: "metadata", "annotations", Self.most)
        }
        let direction = size > before ? "up" : "down"
        tell(
            scene.deployment, "Deployment", "ScalingReplicaSet",
            "Scaled \(direction) replica set \(set.text("metadata", "name") ?? "") from \(before) to \(size)",
            by: "deployment-controller")
    }

    private func isScaling(_ scene: Scene) -> Bool {
        scene.sets.contains { set in
            guard Self.size(set) > 0, let text = set.text("metadata", "annotations", Self.desired) else { return false }
            return Int(text) != scene.replicas
        }
    }

    /// Another size was asked for in the middle of a rollout, or while it is paused: every ReplicaSet gets its share.
    private func scale(_ scene: Scene) {
        let active = scene.sets.filter { Self.size($0) > 0 }
        if active.count <= 1 {
            let latest = active.first ?? scene.new ?? scene.old.last
            if let latest { resize(latest, to: scene.replicas, scene) }
            return
        }
        let allowed = scene.replicas + (scene.replicas > 0 ? surge(scene) : 0)
        let total = active.reduce(0) { $0 + Self.size($1) }
        var left = allowed - total
        for set in active.sorted(by: { Self.size($0) > Self.size($1) }) {
            let before = Int(set.text("metadata", "annotations", Self.most) ?? "") ?? total
            let share = (Double(Self.size(set)) * Double(allowed) / Double(max(before, 1))).rounded()
            var change = Int(share) - Self.size(set)
            change = left >= 0 ? min(max(change, 0), left) : max(min(change, 0), left)
            left -= change
            let size = max(0, Self.size(set) + change)
            self.change(type(ofKind: "ReplicaSet"), set) { set in
                set.put(.count(size), at: "spec", "replicas")
                set.put(.string("\(scene.replicas)"), at: "metadata", "annotations", Self.desired)
                set.put(.string("\(allowed)"), at: "metadata", "annotations", Self.most)
            }
        }
    }

    private func growNew(_ scene: Scene) -> Bool {
        guard let new = scene.new else { return false }
        let size = Self.size(new)
        if size > scene.replicas {
            resize(new, to: scene.replicas, scene)
            return true
        }
        let most = scene.replicas + surge(scene)
        let total = scene.sets.reduce(0) { $0 + Self.size($1) }
        let wanted = min(scene.replicas, size + max(0, most - total))
        resize(new, to: wanted, scene)
        return wanted != size
    }

    private func shrinkOld(_ scene: Scene) {
        guard let new = scene.new, scene.old.contains(where: { Self.size($0) > 0 }) else { return }
        let least = scene.replicas - unavailable(scene)
        let newMissing = Self.size(new) - (new.at("status", "availableReplicas")?.count ?? 0)
        let all = scene.sets.reduce(0) { $0 + Self.size($1) }
        var spare = all - least - newMissing
        // What is not available goes first: nobody misses it.
        for set in scene.old where spare > 0 {
            let missing = Self.size(set) - (set.at("status", "availableReplicas")?.count ?? 0)
            let gone = min(spare, max(0, missing))
            if gone > 0 {
                resize(set, to: Self.size(set) - gone, scene)
                return
            }
        }
        spare = min(spare, scene.total("availableReplicas") - least)
        for set in scene.old where spare > 0 && Self.size(set) > 0 {
            resize(set, to: Self.size(set) - min(spare, Self.size(set)), scene)
            return
        }
    }

    private func recreate(_ scene: Scene) {
        for set in scene.old where Self.size(set) > 0 { return resize(set, to: 0, scene) }
        guard scene.old.allSatisfy({ ($0.at("status", "replicas")?.count ?? 0) == 0 }), let new = scene.new else {
            return
        }
        resize(new, to: scene.replicas, scene)
    }

    /// Keeps as many old ReplicaSets as the history may have.
    private func cleanUp(_ scene: Scene) {
        let most = scene.deployment.at("spec", "revisionHistoryLimit")?.count ?? 10
        let idle = scene.old.filter { Self.size($0) == 0 && ($0.at("status", "replicas")?.count ?? 0) == 0 }
        for set in idle.dropLast(min(most, idle.count)) { store.delete(type(ofKind: "ReplicaSet"), set) }
    }

    // MARK: Status

    private func writeStatus(_ scene: Scene) {
        change(type(ofKind: "Deployment"), scene.deployment, subresource: "status") { deployment in
            let before = deployment["status"] ?? .empty
            var status = JSONValue.empty
            status.setMember("observedGeneration", scene.deployment.at("metadata", "generation"))
            let (total, available) = (scene.total("replicas"), scene.total("availableReplicas"))
            let counts = [
                ("replicas", total), ("updatedReplicas", scene.new?.at("status", "replicas")?.count ?? 0),
                ("readyReplicas", scene.total("readyReplicas")), ("availableReplicas", available),
                ("unavailableReplicas", max(0, scene.sets.reduce(0) { $0 + Self.size($1) } - available)),
            ]
            for (key, count) in counts where count > 0 { status.setMember(key, .count(count)) }
            status.setMember("terminatingReplicas", .count(scene.total("terminatingReplicas")))
            status.setMember("conditions", before["conditions"])
            deployment.setMember("status", status)
            self.judge(&deployment, scene, before, available)
        }
    }

    private func judge(_ deployment: inout JSONValue, _ scene: Scene, _ before: JSONValue, _ available: Int) {
        if available >= scene.replicas - unavailable(scene) {
            setCondition(
                &deployment, "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        } else {
            setCondition(
                &deployment, "Available", "False", "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.")
        }
        let failure = scene.sets.lazy.compactMap { set in
            (set.at("status", "conditions")?.array ?? []).first { $0["type"]?.string == "ReplicaFailure" }
        }.first
        if let failure {
            setCondition(&deployment, "ReplicaFailure", "True", "FailedCreate", failure["message"]?.string ?? "")
        } else {
            dropCondition(&deployment, "ReplicaFailure")
        }
        if deployment.at("spec", "paused")?.bool == true { return }
        judgeProgress(&deployment, scene, before)
    }

    private func judgeProgress(_ deployment: inout JSONValue, _ scene: Scene, _ before: JSONValue) {
        guard let new = scene.new else { return }
        let name = new.text("metadata", "name") ?? ""
        func count(_ status: JSONValue?, _ key: String) -> Int { status?[key]?.count ?? 0 }
        let now = deployment["status"]
        let isComplete =
            count(now, "updatedReplicas") == scene.replicas && count(now, "replicas") == scene.replicas
            && count(now, "availableReplicas") == scene.replicas
        let isProgress =
            count(now, "updatedReplicas") > count(before, "updatedReplicas")
            || count(now, "replicas") - count(now, "updatedReplicas") < count(before, "replicas")
                - count(before, "updatedReplicas")
            || count(now, "readyReplicas") > count(before, "readyReplicas")
            || count(now, "availableReplicas") > count(before, "availableReplicas")
        // What was complete once is not watched any more, whatever its size.
        if reason(deployment) == "NewReplicaSetAvailable", count(now, "replicas") == count(now, "updatedReplicas") {
            return
        }
        if isComplete {
            setCondition(
                &deployment, "Progressing", "True", "NewReplicaSetAvailable",
                "ReplicaSet \"\(name)\" has successfully progressed.")
        } else if isProgress {
            setCondition(
                &deployment, "Progressing", "True", "ReplicaSetUpdated", "ReplicaSet \"\(name)\" is progressing.",
                isNews: true)
        } else if let due = progressDue(deployment), self.now >= due {
            setCondition(
                &deployment, "Progressing", "False", "ProgressDeadlineExceeded",
                "ReplicaSet \"\(name)\" has timed out progressing.")
        }
    }
}

internal import BelayCore

/// Time passes: controllers work until there is nothing left to do, then the clock goes on to what falls due next.
extension Cluster {
    func advance(by duration: Duration) {
        let end = now.advanced(by: duration)
        while true {
            settle()
            guard now < end else { break }
            now = min(end, nextDue().map { max($0, now.advanced(by: .milliseconds(1))) } ?? end)
            endWatches()
        }
    }

    /// A pass of every controller after another, until none of them changes anything.
    private func settle() {
        if let until = pods.controllersHangUntil, now < until { return }
        for _ in 0..<500 {
            let before = store.revision
            runController()
            if store.revision == before { return }
        }
    }

    /// Each controller once.
    func runController() {
        collectGarbage()
        // Twice: a real one sees its own write before the ReplicaSet controller has done anything.
        for _ in 0..<2 {
            for deployment in store.list(type(ofKind: "Deployment"), nil) { reconcile(deployment: deployment) }
        }
        for set in store.list(type(ofKind: "ReplicaSet"), nil) { reconcile(replicaSet: set) }
        for job in store.list(type(ofKind: "Job"), nil) { reconcile(job: job) }
        runPods()
        for service in store.list(type(ofKind: "Service"), nil) { reconcile(service: service) }
        if pods.autoscales, now.milliseconds % 15_000 == 0 { autoscale() }
        countQuotas()
    }

    private func nextDue() -> Timestamp? {
        var due = store.watches.map(\.deadline)
        if let until = pods.controllersHangUntil, until > now { due.append(until) }
        due += podsDue() + deploymentsDue() + endpointsDue.values
        if !store.list(type(ofKind: "HorizontalPodAutoscaler"), nil).isEmpty {
            due.append(Timestamp(milliseconds: (now.milliseconds / 15_000 + 1) * 15_000))
        }
        if store.watches.contains(where: \.wantsBookmarks) {
            // About once a minute, as a real server does.
            due.append(Timestamp(milliseconds: (now.milliseconds / 60_000 + 1) * 60_000))
        }
        return due.filter { $0 > now }.min()
    }

    private func endWatches() {
        for watch in store.watches {
            if watch.wantsBookmarks, now.milliseconds % 60_000 == 0 || now >= watch.deadline { bookmark(watch) }
            if now >= watch.deadline { watch.end() }
        }
        store.watches.removeAll(where: \.isOver)
    }

    // MARK: Small controllers

    /// Takes away what has lost its owner, and ends foreground deletions and namespaces.
    private func collectGarbage() {
        for kind in ["ReplicaSet", "Pod", "EndpointSlice", "Job"] {
            let type = type(ofKind: kind)
            for object in store.list(type, nil) {
                guard let owner = object.controller, let ownerKind = owner["kind"]?.string else { continue }
                let found = store.get(
                    self.type(ofKind: ownerKind, group: Self.group(of: owner)), object.text("metadata", "namespace"),
                    owner["name"]?.string ?? "")
                let isGone = found?.at("metadata", "uid") != owner["uid"]
                let isForeground = (found?.at("metadata", "finalizers")?.strings ?? []).contains("foregroundDeletion")
                if isGone || isForeground, object.at("metadata", "deletionTimestamp") == nil {
                    _ = remove(object, type, policy: isForeground ? "Foreground" : "Background", grace: nil)
                }
            }
        }
        for type in types where type.kind != "Pod" && type.kind != "Namespace" {
            for object in store.list(type, nil) where object.at("metadata", "deletionTimestamp") != nil {
                let finalizers = object.at("metadata", "finalizers")?.strings ?? []
                guard finalizers.contains("foregroundDeletion"), dependents(of: object).isEmpty else { continue }
                change(type, object) { object in
                    object.put(.strings(finalizers.filter { $0 != "foregroundDeletion" }), at: "metadata", "finalizers")
                }
            }
        }
        endNamespaces()
    }

    private static func group(of owner: JSONValue) -> String {
        let parts = (owner["apiVersion"]?.string ?? "").split(separator: "/")
        return parts.count > 1 ? String(parts[0]) : ""
    }

    private func endNamespaces() {
        let spaces = type(ofKind: "Namespace")
        for space in store.list(spaces, nil) where space.at("metadata", "deletionTimestamp") != nil {
            let name = space.text("metadata", "name")
            var isEmpty = true
            for type in types where type.isNamespaced {
                for object in store.list(type, name) {
                    isEmpty = false
                    if object.at("metadata", "deletionTimestamp") == nil {
                        _ = remove(object, type, policy: "Background", grace: nil)
                    }
                }
            }
            if isEmpty { store.delete(spaces, space) }
        }
    }

    /// Keeps a Deployment within its autoscaler's bounds; there are no metrics that would move it within them.
    private func autoscale() {
        for scaler in store.list(type(ofKind: "HorizontalPodAutoscaler"), nil) {
            let type = type(ofKind: "Deployment")
            guard
                let deployment = store.get(
                    type, scaler.text("metadata", "namespace"), scaler.text("spec", "scaleTargetRef", "name") ?? ""),
                let replicas = deployment.at("spec", "replicas")?.int, replicas > 0
            else { continue }
            let least = scaler.at("spec", "minReplicas")?.int ?? 1
            let most = max(least, scaler.at("spec", "maxReplicas")?.int ?? replicas)
            let wanted = min(max(replicas, least), most)
            if wanted == replicas { continue }
            change(type, deployment, subresource: "scale") { $0.put(.int(wanted), at: "spec", "replicas") }
        }
    }

    private func countQuotas() {
        let type = type(ofKind: "ResourceQuota")
        for quota in store.list(type, nil) {
            let used = store.list(self.type(ofKind: "Pod"), quota.text("metadata", "namespace")).count
            change(type, quota, subresource: "status") { quota in
                quota.put(quota.at("spec", "hard"), at: "status", "hard")
                quota.put(.string("\(used)"), at: "status", "used", "pods")
            }
        }
    }

    /// Why one more pod is not admitted; nil where it is.
    func quotaRefusal(in namespace: String?) -> String? {
        for quota in store.list(type(ofKind: "ResourceQuota"), namespace) {
            guard let text = quota.text("spec", "hard", "pods"), let most = Int(text) else { continue }
            let used = store.list(type(ofKind: "Pod"), namespace).count
            if used >= most {
                return
                    "exceeded quota: \(quota.text("metadata", "name") ?? ""), requested: pods=1, used: pods=\(used), limited: pods=\(most)"
            }
        }
        return nil
    }

    /// Tells something about an object, once; the same thing again counts up.
    func tell(
        _ object: JSONValue, _ kind: String, _ reason: String, _ message: String, isWarning: Bool = false,
        by component: String
    ) {
        let events = type(ofKind: "Event", group: "")
        let name = object.text("metadata", "name") ?? ""
        let subject: JSONValue = .members([
            "kind": .string(kind), "namespace": object.at("metadata", "namespace"), "name": .string(name),
            "uid": object.at("metadata", "uid"), "apiVersion": object["apiVersion"],
            "resourceVersion": object.at("metadata", "resourceVersion"),
        ])
        let event: JSONValue = .members([
            "metadata": .members([
                "name": .string("\(name).\(String(nextSerial() + 0x18ec_19a8, radix: 16))"),
                "namespace": object.at("metadata", "namespace"),
            ]),
            "involvedObject": subject, "reason": .string(reason), "message": .string(message),
            "source": .members(["component": .string(component)]), "firstTimestamp": .string(Calendar.text(now)),
            "lastTimestamp": .string(Calendar.text(now)), "count": 1, "type": .string(isWarning ? "Warning" : "Normal"),
            "eventTime": .null, "reportingComponent": .string(component), "reportingInstance": "",
        ])
        _ = try? create(events, event, Writer(manager: "kube-controller-manager"))
    }
}

internal import BelayCore

/// The ReplicaSet controller: as many pods as are wanted, and their counts.
extension Cluster {
    func reconcile(replicaSet set: JSONValue) {
        guard set.at("metadata", "deletionTimestamp") == nil else { return }
        let uid = set.text("metadata", "uid") ?? ""
        let type = type(ofKind: "Pod")
        let all = store.list(type, set.text("metadata", "namespace")).filter { $0.isOwned(by: uid) }
        let live = all.filter { !PodWorld.isEnding($0) }
        let wanted = set.at("spec", "replicas")?.count ?? 1
        var refusal: String?
        if live.count < wanted {
            for _ in live.count..<wanted where refusal == nil { refusal = createPod(of: set) }
        } else if live.count > wanted {
            // Those that serve nobody go first, and the youngest before the older ones.
            let order = live.sorted { left, right in
                (PodWorld.isReady(left) ? 1 : 0, -Self.number(left)) < (
                    PodWorld.isReady(right) ? 1 : 0, -Self.number(right)
                )
            }
            for pod in order.prefix(live.count - wanted) {
                _ = remove(pod, type, policy: "Background", grace: nil)
                tell(
                    set, "ReplicaSet", "SuccessfulDelete", "Deleted pod: \(pod.text("metadata", "name") ?? "")",
                    by: "replicaset-controller")
            }
        }
        writeStatus(of: set, refusal)
    }

    private static func number(_ pod: JSONValue) -> Int { Int(pod.text("metadata", "resourceVersion") ?? "") ?? 0 }

    /// - Returns: Why it was not admitted.
    private func createPod(of set: JSONValue) -> String? {
        let base = (set.text("metadata", "name") ?? "") + "-"
        let name = base + newSuffix()
        let template = set.at("spec", "template") ?? .empty
        if let refusal = quotaRefusal(in: set.text("metadata", "namespace")) {
            let words = "pods \"\(name)\" is forbidden: \(refusal)"
            if condition(set, "ReplicaFailure") == nil {
                tell(
                    set, "ReplicaSet", "FailedCreate", "Error creating: \(words)", isWarning: true,
                    by: "replicaset-controller")
            }
            return words
        }
        let pod: JSONValue = .members([
            "metadata": .members([
                "name": .string(name), "generateName": .string(base), "namespace": set.at("metadata", "namespace"),
                "labels": template.at("metadata", "labels"), "annotations": template.at("metadata", "annotations"),
                "ownerReferences": .array([reference(to: set, "apps/v1", "ReplicaSet")]),
            ]),
            "spec": template["spec"],
        ])
        _ = try? create(type(ofKind: "Pod"), pod, Writer(manager: "kube-controller-manager"))
        tell(set, "ReplicaSet", "SuccessfulCreate", "Created pod: \(name)", by: "replicaset-controller")
        return nil
    }

    private func writeStatus(of set: JSONValue, _ refusal: String?) {
        let uid = set.text("metadata", "uid") ?? ""
        let all = store.list(type(ofKind: "Pod"), set.text("metadata", "namespace")).filter { $0.isOwned(by: uid) }
        let live = all.filter { !PodWorld.isEnding($0) }
        let delay = Duration.seconds(set.at("spec", "minReadySeconds")?.int ?? 0)
        let available = live.filter { pod in
            PodWorld.isReady(pod)
                && (readySince[pod.text("metadata", "uid") ?? ""].map { now >= $0.advanced(by: delay) } ?? false)
        }
        change(type(ofKind: "ReplicaSet"), set, subresource: "status") { set in
            var status = JSONValue.members(["replicas": .count(live.count)])
            let counts = [
                ("fullyLabeledReplicas", live.count), ("readyReplicas", live.filter(PodWorld.isReady).count),
                ("availableReplicas", available.count),
            ]
            for (key, count) in counts where count > 0 { status.setMember(key, .count(count)) }
            status.setMember("terminatingReplicas", .count(all.count - live.count))
            status.setMember("observedGeneration", set.at("metadata", "generation"))
            status.setMember("conditions", set.at("status", "conditions"))
            set.setMember("status", status)
            if let refusal {
                if self.condition(set, "ReplicaFailure") == nil {
                    self.setCondition(&set, "ReplicaFailure", "True", "FailedCreate", refusal)
                }
            } else if set.at("status", "conditions") != nil {
                self.dropCondition(&set, "ReplicaFailure")
                if set.at("status", "conditions")?.array?.isEmpty ?? false { set.put(nil, at: "status", "conditions") }
            }
        }
    }
}

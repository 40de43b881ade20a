internal import BelayCore

/// Conditions, and when a rollout is taken for stuck.
extension Cluster {
    func condition(_ object: JSONValue, _ name: String) -> JSONValue? {
        (object.at("status", "conditions")?.array ?? []).first { $0["type"]?.string == name }
    }

    /// Of the rollout's progress.
    func reason(_ deployment: JSONValue) -> String? { condition(deployment, "Progressing")?["reason"]?.string }

    func dropCondition(_ object: inout JSONValue, _ name: String) {
        let left = (object.at("status", "conditions")?.array ?? []).filter { $0["type"]?.string != name }
        object.put(.array(left), at: "status", "conditions")
    }

    /// - Parameter isNews: The time of the update moves even where nothing else does: something has progressed.
    func setCondition(
        _ object: inout JSONValue, _ name: String, _ status: String, _ reason: String, _ message: String,
        isNews: Bool = false
    ) {
        let old = condition(object, name)
        let isSame = old?["status"]?.string == status && old?["reason"]?.string == reason
        if isSame, !isNews, old?["message"]?.string == message { return }
        let time = JSONValue.string(Calendar.text(now))
        let since = old?["status"]?.string == status ? old?["lastTransitionTime"] ?? time : time
        let condition: JSONValue = .members([
            "type": .string(name), "status": .string(status), "lastUpdateTime": time, "lastTransitionTime": since,
            "reason": .string(reason), "message": .string(message),
        ])
        // A condition that changes goes to the end of the list, as a real controller writes it.
        var list = (object.at("status", "conditions")?.array ?? []).filter { $0["type"]?.string != name }
        list.append(condition)
        object.put(.array(list), at: "status", "conditions")
        if name == "Progressing" { progress[object.text("metadata", "uid") ?? ""] = now }
    }

    /// When a rollout that does not get on is taken for stuck; nil where it is complete, paused or has no limit.
    func progressDue(_ deployment: JSONValue) -> Timestamp? {
        guard let seconds = deployment.at("spec", "progressDeadlineSeconds")?.int, seconds < Int64(Int32.max),
            deployment.at("spec", "paused")?.bool != true,
            !["NewReplicaSetAvailable", "ProgressDeadlineExceeded"].contains(reason(deployment)),
            let since = progress[deployment.text("metadata", "uid") ?? ""]
        else { return nil }
        return since.advanced(by: .seconds(seconds))
    }

    func deploymentsDue() -> [Timestamp] { store.list(type(ofKind: "Deployment"), nil).compactMap(progressDue) }
}

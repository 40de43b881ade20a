internal import BelayCore

/// Why pods do not become ready, in the cluster's own words.
extension ClusterRouter {
    /// Waiting reasons, exit codes, the last words of a container that died, the last warnings; empty where nothing is known.
    func troubles(of deployment: String) async -> String {
        guard let client = try? client.get(), let look = try? await look() else { return "" }
        var found: [String] = []
        let conditions = look.deployments[deployment]?["status"]?["conditions"]?.array ?? []
        for condition in conditions where condition["type"]?.string == "ReplicaFailure" {
            if let words = condition["message"]?.string { found.append(words) }
        }
        // One pod is told in full: the others have the same trouble, as a rule.
        let waiting = look.pods(of: deployment).filter { !$0.isReady }
        for pod in waiting where found.isEmpty { found += await troubles(of: pod, client) }
        if waiting.count > 1, !found.isEmpty { found.append("\(waiting.count - 1) more pods are not ready") }
        let words = found.map { $0.printable.count > 300 ? $0.printable.prefix(299) + "…" : $0.printable }
            .joined(separator: "; ")
        return words.isEmpty ? "" : ": \(words)"
    }

    private func troubles(of pod: ClusterLook.Pod, _ client: KubernetesClient) async -> [String] {
        var found: [String] = []
        let status = pod.json["status"]
        let containers =
            (status?["initContainerStatuses"]?.array ?? []) + (status?["containerStatuses"]?.array ?? [])
        for container in containers where container["ready"]?.bool != true {
            let name = container["name"]?.string ?? ""
            if let waiting = container["state"]?["waiting"] {
                let message = waiting["message"]?.string.map { " (\($0))" } ?? ""
                found.append("pod \(pod.name), \(name): \(waiting["reason"]?.string ?? "waiting")\(message)")
            }
            let died = container["lastState"]?["terminated"] ?? container["state"]?["terminated"]
            if let died {
                let code = died["exitCode"]?.int.map { "status \($0)" } ?? "its end"
                let reason = died["reason"]?.string.map { " (\($0))" } ?? ""
                let log = await lastWords(of: pod.name, name, client)
                found.append("\(name) ended with \(code)\(reason)\(log)")
            }
        }
        if found.isEmpty { found += await warnings(about: pod.name, client) }
        return found.isEmpty ? ["pod \(pod.name) runs and is not ready: does its readiness probe succeed?"] : found
    }

    /// The last lines of a container that died.
    private func lastWords(of pod: String, _ container: String, _ client: KubernetesClient) async -> String {
        let path = ResourcePath.pods(namespace).path(pod, subresource: "log")
        let query = [("container", container), ("previous", "true"), ("tailLines", "2")]
        guard let text = try? await client.text(path, query: query, timeout: Self.patience) else { return "" }
        let lines = text.split(separator: "\n").map { String($0).printable }.joined(separator: " / ")
        return lines.isEmpty ? "" : ", saying: \(lines)"
    }

    private func warnings(about pod: String, _ client: KubernetesClient) async -> [String] {
        let path = ResourcePath.events(namespace)
        let found = try? await client.list(
            path, fields: "involvedObject.name=\(pod)", timeout: Self.patience
        ) { event -> String? in
            event["type"]?.string == "Warning" ? event["message"]?.string : nil
        }.values
        return (found ?? []).suffix(1).map { "pod \(pod): \($0)" }
    }
}

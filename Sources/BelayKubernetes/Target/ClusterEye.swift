internal import BelayCore

/// Reads what a target's cluster shows. It remembers the ReplicaSets with their owners and templates, which do not change.
actor ClusterEye {
    private let client: KubernetesClient
    private let target: ClusterTarget
    private let namespace: String
    /// Of the pods that are looked at, as `kubectl -l` takes it; nil: all of the namespace.
    private let pods: String?
    private var sets: [String: (owner: String, json: JSONValue)] = [:]

    init(_ client: KubernetesClient, _ target: ClusterTarget, pods: String? = nil) {
        (self.client, self.target, self.pods) = (client, target, pods)
        namespace = target.namespace ?? client.access.namespace
    }

    static let patience: Duration = .seconds(3)

    /// A reading of everything, asked now.
    func look() async throws -> ClusterLook {
        async let service = client.get(.services(namespace), target.service, timeout: Self.patience)
        async let endpoints = self.endpoints(of: target.service)
        async let canaryEndpoints = self.endpoints(of: target.canaryService)
        var deployments: [String: JSONValue] = [:]
        for name in [target.sides.first.backend, target.sides.second.backend] {
            deployments[name] = try await self.deployment(name)
        }
        let pods = try await podsWithOwners()
        return ClusterLook(
            service: try await service, deployments: deployments, pods: pods, endpoints: try await endpoints,
            canaryEndpoints: try await canaryEndpoints)
    }

    /// nil where there is none.
    func deployment(_ name: String) async throws -> JSONValue? {
        do {
            return try await client.get(.deployments(namespace), name, timeout: Self.patience)
        } catch let error as KubernetesError where error.kind == .notFound {
            return nil
        }
    }

    private func endpoints(of service: String) async throws -> [String] {
        let path = ResourcePath.endpointSlices(namespace)
        let slices = try await client.list(
            path, labels: "kubernetes.io/service-name=\(service)", timeout: Self.patience
        ) { slice -> [String]? in
            (slice["endpoints"]?.array ?? []).compactMap { endpoint in
                // Absent means ready. https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions
                let isReady = endpoint["conditions"]?["ready"]?.bool ?? true
                return isReady ? endpoint["targetRef"]?["name"]?.string ?? "an address without a pod" : nil
            }
        }.values
        return Array(Set(slices.flatMap(\.self))).sorted()
    }

    private func podsWithOwners() async throws -> [ClusterLook.Pod] {
        let found = try await client.list(.pods(namespace), labels: pods, timeout: Self.patience) { pod -> JSONValue? in
            ["Succeeded", "Failed"].contains(pod["status"]?["phase"]?.string ?? "") ? nil : pod
        }.values
        let named = found.compactMap { $0.owner(ofKind: "ReplicaSet") }
        if named.contains(where: { sets[$0] == nil }) { try await learnSets() }
        return found.map { pod in
            let set = pod.owner(ofKind: "ReplicaSet").flatMap { sets[$0] }
            return ClusterLook.Pod(
                name: pod["metadata"]?["name"]?.string ?? "", deployment: set?.owner, set: set?.json, json: pod)
        }
    }

    private func learnSets() async throws {
        let found = try await client.list(.replicaSets(namespace), timeout: Self.patience) {
            set -> (String, String, JSONValue)? in
            guard let name = set["metadata"]?["name"]?.string, let owner = set.owner(ofKind: "Deployment") else {
                return nil
            }
            let template = set["spec"]?["template"]
            return (name, owner, .members(["spec": .members(["template": template])]))
        }.values
        for (name, owner, json) in found { sets[name] = (owner, json) }
    }
}

internal import BelayCore

/// Reads what a target's cluster shows. It remembers the ReplicaSets with their owners and templates, which do not change.
actor ClusterEye {
    /// What one reading got from the server.
    private struct Answers {
        var service: JSONValue
        /// The Deployments of the sides.
        var deployments: [JSONValue]
        /// Of the Service and of the canary's own.
        var slices: [JSONValue]
        var pods: [JSONValue]

        /// In the order of the mirrors.
        func lists(of names: [String]) -> [[JSONValue]] {
            [[service], slices, pods]
                + names.map { name in deployments.filter { $0["metadata"]?["name"]?.string == name } }
        }
    }

    private let client: KubernetesClient
    private let target: ClusterTarget
    private let namespace: String
    /// Of the pods that are looked at, as `kubectl -l` takes it; nil: all of the namespace.
    private let labels: String?
    private var sets: [String: (owner: String, json: JSONValue)] = [:]
    /// Of the Service, the slices, the pods and each side's Deployment; begun by the first glance.
    private var mirrors: [ClusterMirror] = []
    /// The last reading that was asked, with how many events each mirror had had when it began.
    private var reading: (number: Int, lists: [[JSONValue]], events: [Int])?
    /// How many readings have begun.
    private var readings = 0
    /// Only a reading that began later says something of what is there now.
    private var outdated = 0

    init(_ client: KubernetesClient, _ target: ClusterTarget, pods: String? = nil) {
        (self.client, self.target, labels) = (client, target, pods)
        namespace = target.namespace ?? client.access.namespace
    }

    static let patience: Duration = .seconds(3)
    private var names: [String] { [target.sides.first.backend, target.sides.second.backend] }
    private var slices: String { "kubernetes.io/service-name in (\(target.service),\(target.canaryService))" }

    // MARK: Readings

    /// A reading of everything, asked now.
    func look() async throws -> ClusterLook {
        readings += 1
        let (number, events) = (readings, mirrors.map(\.events))
        let answers = try await ask()
        if number > reading?.number ?? 0 { reading = (number, answers.lists(of: names), events) }
        return try await compose(answers)
    }

    /// A reading from watches, as long as their connection answers and they have come to what was last asked; else one that is asked.
    func glance() async throws -> ClusterLook {
        if mirrors.isEmpty { begin() }
        if let answers = mirrored { return try await compose(answers) }
        return try await look()
    }

    /// Something was written: what was read before says nothing any more.
    func forget() { outdated = readings }

    private func begin() {
        mirrors = [
            ClusterMirror(client.watch(.services(namespace), fields: "metadata.name=\(target.service)")),
            ClusterMirror(client.watch(.endpointSlices(namespace), labels: slices)),
            ClusterMirror(client.watch(.pods(namespace), labels: labels)),
        ]
        mirrors += names.map { ClusterMirror(client.watch(.deployments(namespace), fields: "metadata.name=\($0)")) }
    }

    private var mirrored: Answers? {
        // After a suspension the watches do not know yet that they have missed something.
        guard client.probe.isAnswered, let reading, reading.number > outdated, reading.events.count == mirrors.count
        else { return nil }
        var found: [[JSONValue]] = []
        for (index, mirror) in mirrors.enumerated() {
            guard let objects = mirror.objects(caughtUpWith: reading.lists[index], since: reading.events[index]) else {
                return nil
            }
            found.append(objects)
        }
        guard let service = found[0].first else { return nil }
        return Answers(service: service, deployments: found[3...].flatMap(\.self), slices: found[1], pods: found[2])
    }

    private func ask() async throws -> Answers {
        async let service = client.get(.services(namespace), target.service, timeout: Self.patience)
        async let slices = client.list(.endpointSlices(namespace), labels: slices, timeout: Self.patience).items
        async let pods = client.list(.pods(namespace), labels: labels, timeout: Self.patience).items
        var deployments: [JSONValue] = []
        for name in names { if let found = try await deployment(name) { deployments.append(found) } }
        return Answers(
            service: try await service, deployments: deployments, slices: try await slices, pods: try await pods)
    }

    /// nil where there is none.
    func deployment(_ name: String) async throws -> JSONValue? {
        do {
            return try await client.get(.deployments(namespace), name, timeout: Self.patience)
        } catch let error as KubernetesError where error.kind == .notFound {
            return nil
        }
    }

    // MARK: What they say

    private func compose(_ answers: Answers) async throws -> ClusterLook {
        let deployments = answers.deployments.map { ($0["metadata"]?["name"]?.string ?? "", $0) }
        return ClusterLook(
            service: answers.service, deployments: Dictionary(deployments) { $1 },
            pods: try await withOwners(answers.pods), endpoints: Self.endpoints(of: target.service, answers.slices),
            canaryEndpoints: Self.endpoints(of: target.canaryService, answers.slices))
    }

    private static func endpoints(of service: String, _ slices: [JSONValue]) -> [String] {
        let own = slices.filter { $0["metadata"]?["labels"]?["kubernetes.io/service-name"]?.string == service }
        let names = own.flatMap { $0["endpoints"]?.array ?? [] }.compactMap { endpoint -> String? in
            // Absent means ready. https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions
            let isReady = endpoint["conditions"]?["ready"]?.bool ?? true
            return isReady ? endpoint["targetRef"]?["name"]?.string ?? "an address without a pod" : nil
        }
        return Array(Set(names)).sorted()
    }

    private func withOwners(_ pods: [JSONValue]) async throws -> [ClusterLook.Pod] {
        let found = pods.filter { !["Succeeded", "Failed"].contains($0["status"]?["phase"]?.string ?? "") }
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

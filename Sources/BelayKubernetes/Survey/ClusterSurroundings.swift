internal import BelayCore
internal import BelayEngine

/// What else in the namespace has to do with the pods of a release: by their labels others gain the clone's pods or miss them, and what
/// pods need may not be there twice.
struct ClusterSurroundings {
    let client: KubernetesClient
    let target: ClusterTarget
    let namespace: String
    let facts: ClusterFacts
    /// The Deployment that has the traffic.
    let stable: JSONValue
    /// Its autoscalers.
    let scalers: [JSONValue]

    private var template: JSONValue { stable["spec"]?["template"] ?? .null }
    private var labels: [String: String] { template["metadata"]?["labels"]?.texts ?? [:] }
    private var cloneLabels: [String: String] { labels.merging([facts.label: facts.values[1]]) { $1 } }
    private var canary: String { facts.deployments.first { $0.name != Self.name(stable) }?.name ?? "" }

    func look(_ survey: inout Survey) async throws {
        lookAtAutoscalers(&survey)
        try await lookAtQuotas(&survey)
        try await lookAtClaims(&survey)
        lookAtPorts(&survey)
        guard target.cloneName != nil else { return }
        let services = try await client.list(.services(namespace)).items
        lookAtServices(services, &survey)
        try await lookAtPolicies(services, &survey)
    }

    /// Objects that a release may do without knowing: where they may not be listed, that is told, and where the cluster has no such kind,
    /// there are none.
    private func others(_ path: ResourcePath, _ survey: inout Survey) async throws -> [JSONValue] {
        do {
            return try await client.list(path).items
        } catch let error as KubernetesError where error.kind == .notFound {
            return []
        } catch let error as KubernetesError {
            let why = error.kind == .forbidden ? "this identity may not list them" : error.message
            survey.remarks.append("\(path.qualified) were not looked at: \(why)")
            return []
        }
    }

    private static func name(_ object: JSONValue) -> String { object["metadata"]?["name"]?.string ?? "" }

    // MARK: By labels

    /// A Service besides the named one that would send requests to the canary before its time.
    private func lookAtServices(_ services: [JSONValue], _ survey: inout Survey) {
        for service in services {
            let name = Self.name(service)
            if name == target.canaryService {
                guard service["metadata"]?["annotations"]?[ClusterMarks.rollout] == nil else { continue }
                survey.invalid(
                    "there is a Service `\(name)` already, which is not Belay's; a release would make one of that name")
                continue
            }
            let (isStables, isClones) = (
                LabelSelector.isServed(labels, by: service), LabelSelector.isServed(cloneLabels, by: service)
            )
            let place = target.switchesService ? "traffic.service" : "traffic.replicas"
            switch (isStables, isClones) {
            case (_, true) where name == target.service: continue
            case (_, true) where target.alsoServices.contains(name):
                survey.remarks.append(
                    "Service `\(name)` sends its requests to pods of `\(canary)`, too, as soon as they are ready: the file allows it"
                )
            case (_, true):
                survey.invalid(
                    "\(place): Service `\(name)` selects the pods of `\(canary)`, too: they would get its requests as soon as they are "
                        + "ready; `alsoServices: [\(name)]` allows it")
            case (true, false) where name != target.service:
                survey.remarks.append(
                    "Service `\(name)` selects \(LabelSelector.words(service["spec"]?["selector"]?.texts ?? [:])): it never leads to `\(canary)`"
                )
            case (_, false): continue
            }
        }
        for name in target.alsoServices where !services.contains(where: { Self.name($0) == name }) {
            survey.invalid("alsoServices: there is no Service `\(name)` in namespace `\(namespace)`")
        }
    }

    private func lookAtPolicies(_ services: [JSONValue], _ survey: inout Survey) async throws {
        func tell(_ kind: String, _ object: JSONValue, _ gains: Bool) {
            survey.remarks.append(
                gains
                    ? "\(kind) `\(Self.name(object))` covers the pods of `\(canary)`, too"
                    : "\(kind) `\(Self.name(object))` covers the pods of `\(facts.deployments[0].name)` and not those of `\(canary)`"
            )
        }
        let kinds: [(String, ResourcePath, String)] = [
            ("PodDisruptionBudget", .init("policy", "v1", "poddisruptionbudgets", namespace: namespace), "selector"),
            ("NetworkPolicy", .init("networking.k8s.io", "v1", "networkpolicies", namespace: namespace), "podSelector"),
            ("PodMonitor", .init("monitoring.coreos.com", "v1", "podmonitors", namespace: namespace), "selector"),
        ]
        for (kind, path, key) in kinds {
            for object in try await others(path, &survey) {
                let selector = LabelSelector(json: object["spec"]?[key])
                let (isStables, isClones) = (selector.fits(labels), selector.fits(cloneLabels))
                if isStables || isClones { tell(kind, object, isClones) }
            }
        }
        let path = ResourcePath("monitoring.coreos.com", "v1", "servicemonitors", namespace: namespace)
        for monitor in try await others(path, &survey) {
            let selector = LabelSelector(json: monitor["spec"]?["selector"])
            let watched = services.filter { selector.fits($0["metadata"]?["labels"]?.texts ?? [:]) }
            guard watched.contains(where: { LabelSelector.isServed(labels, by: $0) }) else { continue }
            // The named Service leads to the canary once it has traffic.
            let isGained = watched.contains {
                Self.name($0) == target.service || LabelSelector.isServed(cloneLabels, by: $0)
            }
            tell("ServiceMonitor", monitor, isGained)
        }
    }

    // MARK: What pods need

    private func lookAtAutoscalers(_ survey: inout Survey) {
        guard let own = facts.deployments.first(where: { $0.name == Self.name(stable) }) else { return }
        for scaler in scalers {
            let name = Self.name(scaler)
            if let most = scaler["spec"]?["maxReplicas"]?.int, most < own.replicas {
                survey.invalid(
                    "autoscaler `\(name)` has maxReplicas \(most), and `\(own.name)` has \(own.replicas) pods: it would take some away in "
                        + "the middle of a release")
            }
            let selector = LabelSelector(json: stable["spec"]?["selector"])
            if target.cloneName != nil, selector.fits(cloneLabels) {
                survey.invalid(
                    "autoscaler `\(name)` would count the pods of `\(canary)` as `\(own.name)`'s: no label that Service "
                        + "`\(target.service)` selects by is in the selector of `\(own.name)`")
            }
            if let owner = scaler.controller {
                survey.invalid(
                    "workload.kubernetes: autoscaler `\(name)` is driven by \(owner.kind) \(owner.name), which would put its minimum back "
                        + "while the canary has the traffic: pause it for the release")
            } else if facts.autoscalers.contains(where: { $0.name == name }) {
                survey.remarks.append(
                    "autoscaler `\(name)` may not go below \(own.replicas) pods until the traffic is back on `\(own.name)`; `\(canary)` has "
                        + "\(own.replicas) pods and no autoscaler")
            }
        }
    }

    /// So many pods are there more than before at a time: the canary's, and while stable is brought to the new version what it may have
    /// above its number.
    private var more: Int {
        let replicas = Int(stable["spec"]?["replicas"]?.int ?? 1)
        guard target.comesHome else { return max(0, replicas - idle) }
        if target.isCounted {
            // While stable is brought to the new version it has its own number beside the canary's.
            let widest = target.counts.map { $0.stable + $0.canary - replicas }.max() ?? 0
            return max(widest, target.counts.first { $0.stable == 0 }?.canary ?? 0)
        }
        let surge = stable["spec"]?["strategy"]?["rollingUpdate"]?["maxSurge"]
        if let count = surge?.count { return replicas + count }
        let percent = (surge?.string ?? "25%").dropLast()
        return replicas + Int((Double(replicas) * (Double(percent) ?? 25) / 100).rounded(.up))
    }

    /// The pods that the other side of a pair has already.
    private var idle: Int { Int(facts.deployments.first { $0.name != Self.name(stable) }?.replicas ?? 0) }

    private func lookAtQuotas(_ survey: inout Survey) async throws {
        let path = ResourcePath("", "v1", "resourcequotas", namespace: namespace)
        let (needs, more) = (needs, more)
        for quota in try await others(path, &survey)
        where quota["spec"]?["scopes"] == nil && quota["spec"]?["scopeSelector"] == nil {
            let (hard, used) = (quota["status"]?["hard"]?.texts ?? [:], quota["status"]?["used"]?.texts ?? [:])
            for (key, limit) in hard.sorted(by: { $0.key < $1.key }) {
                guard let need = needs[key], need > 0, let most = Quantity.value(of: limit),
                    let present = Quantity.value(of: used[key] ?? "0"), present + need > most + most.magnitude * 1e-9
                else { continue }
                let why =
                    !target.comesHome
                    ? "as many as `\(Self.name(stable))` has"
                    : "those of `\(canary)`, and what `\(Self.name(stable))` has above its number while it gets the new version"
                survey.invalid(
                    "workload.kubernetes: quota `\(Self.name(quota))` has \(used[key] ?? "0") of \(limit) \(key) in use, and a release needs "
                        + "\(Quantity.words(need)) more, for \(more) pod\(more == 1 ? "" : "s"): \(why)")
            }
        }
    }

    /// What a release takes of each thing that a quota counts.
    private var needs: [String: Double] {
        var needs = ["pods": Double(more)]
        if target.cloneName != nil {
            for key in ["count/deployments.apps", "count/services", "services"] { needs[key] = 1 }
            needs["count/replicasets.apps"] = 2
        }
        let containers = template["spec"]?["containers"]?.array ?? []
        for (kind, prefix) in [("requests", "requests."), ("limits", "limits."), ("requests", "")] {
            for resource in ["cpu", "memory"] {
                let sum = containers.reduce(0) { sum, container in
                    let own = container["resources"]?[kind]?[resource] ?? container["resources"]?["limits"]?[resource]
                    return sum + (own.flatMap { Quantity.value(of: $0.string ?? "\($0.int ?? 0)") } ?? 0)
                }
                needs[prefix + resource] = sum * Double(more)
            }
        }
        return needs
    }

    /// A volume that pods of one node alone can have.
    private func lookAtClaims(_ survey: inout Survey) async throws {
        let claims = (template["spec"]?["volumes"]?.array ?? []).compactMap {
            $0["persistentVolumeClaim"]?["claimName"]?.string
        }
        guard !claims.isEmpty else { return }
        for claim in try await others(.init("", "v1", "persistentvolumeclaims", namespace: namespace), &survey)
        where claims.contains(Self.name(claim)) {
            let modes = claim["spec"]?["accessModes"]?.strings ?? []
            if modes.contains("ReadWriteMany") || modes.contains("ReadOnlyMany") { continue }
            let words = "claim `\(Self.name(claim))` of the pods of `\(Self.name(stable))`"
            if modes == ["ReadWriteOncePod"] {
                survey.invalid(
                    "workload.kubernetes.deployment: \(words) is for one pod (ReadWriteOncePod): two versions cannot have it"
                )
            } else {
                survey.remarks.append(
                    "\(words) is for one node (ReadWriteOnce): the canary's pods start on that node or not at all, and both versions write to it"
                )
            }
        }
    }

    private func lookAtPorts(_ survey: inout Survey) {
        let containers = template["spec"]?["containers"]?.array ?? []
        let ports = containers.flatMap { $0["ports"]?.array ?? [] }.compactMap { $0["hostPort"]?.int }.filter { $0 > 0 }
        if template["spec"]?["hostNetwork"]?.bool == true {
            survey.remarks.append(
                "pods have their node's network: the canary's start on nodes without one of stable's, or not at all")
        } else if !ports.isEmpty {
            let words = ports.map(String.init).joined(separator: ", ")
            survey.remarks.append(
                "pods take port \(words) of their node: the canary's start on nodes without one of stable's, or not at all"
            )
        }
    }
}

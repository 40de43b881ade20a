internal import BelayCore
internal import BelayEngine

/// Every write of a release in words, and each of them sent as a server's dry run: what admission refuses is known before anything is
/// changed. https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run
struct ClusterRehearsal {
    private struct Write {
        var title: String
        var differences: [String]
        var place: String
        var send: () async throws -> Void
    }

    let client: KubernetesClient
    let target: ClusterTarget
    let facts: ClusterFacts
    /// Of the side that has the traffic.
    let stableIndex: Int
    let look: ClusterLook

    private var clone: ClusterClone { ClusterClone(target: target, facts: facts) }
    private var namespace: String { target.namespace ?? client.access.namespace }

    /// Adds the words to a survey, and what the server refuses to its problems. Without a revision nothing would be written, and while a
    /// release is under way its objects are there already.
    func play(_ survey: inout Survey) async throws {
        guard target.revision != nil, look.service["metadata"]?["annotations"]?[ClusterMarks.rollout] == nil else {
            return
        }
        let writes = writes
        survey.writes = writes.flatMap { [$0.title] + $0.differences.map { "  \($0)" } }
        var taken = 0
        for write in writes {
            do {
                try await write.send()
                taken += 1
            } catch let error as KubernetesError {
                if [.exists, .conflict].contains(error.kind) || error.message.contains("does not support dry run") {
                    survey.remarks.append("\(write.title) was not tried: \(error.message)")
                } else if error.isAway {
                    survey.problems.append(.unreachable(error.message))
                } else {
                    let causes = error.causes.isEmpty ? "" : " (\(error.causes.joined(separator: "; ")))"
                    survey.invalid(
                        "\(write.place): the server will refuse to \(write.title): \(error.message)\(causes)")
                }
            }
        }
        if survey.problems.isEmpty { survey.writes.append("the server takes \(taken) of \(writes.count) (dry run)") }
    }

    private var writes: [Write] {
        let (stable, canary) = (facts.deployments[stableIndex], facts.deployments[1 - stableIndex])
        var writes = [mark(), deploy(canary, from: stable)]
        if target.cloneName != nil { writes.append(canaryService()) }
        writes += facts.autoscalers.map(hold) + [target.isCounted ? counting(stable) : selection()]
        if !target.comesHome {
            writes.append(
                change(
                    stable.name, "once its drain is over",
                    [ClusterClone.operation("add", ["spec", "replicas"], .int(0))]))
        } else {
            let operations = clone.operations(
                on: look.deployments[stable.name] ?? .null, side: stableIndex,
                image: clone.image(after: stable.image), settings: clone.newSettings)
            writes.append(change(stable.name, "when the last hold is over", operations))
        }
        return writes
    }

    private func mark() -> Write {
        let lease: JSONValue = .members([
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": .members(["name": .string(target.ownerName)]), "spec": .object([]),
        ])
        let title =
            "create Lease and ConfigMap \(target.ownerName), and mark what follows by annotations of belay.dev; they go at the end"
        return Write(title: title, differences: [], place: "workload.kubernetes") {
            _ = try await client.create(.leases(namespace), lease, isDryRun: true)
        }
    }

    private func deploy(_ canary: ClusterFacts.Deployment, from stable: ClusterFacts.Deployment) -> Write {
        guard let present = look.deployments[stable.name], target.cloneName != nil else {
            var operations = clone.operations(
                on: look.deployments[canary.name] ?? .null, side: 1 - stableIndex,
                image: clone.image(after: canary.image), settings: clone.newSettings)
            if target.switchesService, canary.replicas != stable.replicas {
                operations.append(ClusterClone.operation("replace", ["spec", "replicas"], .int(stable.replicas)))
            }
            var write = change(canary.name, "first", operations)
            if !target.switchesService { write.differences.append("~ spec.replicas follows the steps") }
            return write
        }
        let made = clone.deployment(from: present, replicas: target.switchesService ? nil : 0, marks: Self.marks)
        var differences = ObjectDifference.lines(present["spec"], made["spec"], at: "spec")
        if !target.switchesService { differences.append("  spec.replicas follows the steps") }
        let labels = (present["metadata"]?["labels"], made["metadata"]?["labels"])
        differences += ObjectDifference.lines(labels.0, labels.1, at: "metadata.labels")
        return Write(
            title: "create Deployment \(canary.name), which is \(stable.name) but for", differences: differences,
            place: "workload.kubernetes.deployment"
        ) {
            _ = try await client.create(.deployments(namespace), made, isDryRun: true)
        }
    }

    private func canaryService() -> Write {
        let made = clone.service(from: look.service, marks: Self.marks)
        let ports = (made["spec"]?["ports"]?.array ?? []).map { "\($0["port"]?.int ?? 0)" }.joined(separator: ", ")
        let selector = LabelSelector.words(facts.selector(ofSide: 1))
        return Write(
            title: "create Service \(target.canaryService), which leads to the canary alone",
            differences: ["  selector \(selector), port \(ports)"], place: "traffic"
        ) {
            _ = try await client.create(.services(namespace), made, isDryRun: true)
        }
    }

    private func hold(_ scaler: ClusterFacts.Autoscaler) -> Write {
        let patch: JSONValue = .members(["spec": .members(["minReplicas": .int(scaler.held)])])
        return Write(
            title:
                "change HorizontalPodAutoscaler \(scaler.name) until the traffic is back on \(facts.deployments[stableIndex].name)",
            differences: ["~ spec.minReplicas: \(scaler.minimum) → \(scaler.held)"], place: "workload.kubernetes"
        ) {
            _ = try await client.patch(.autoscalers(namespace), scaler.name, .merge, patch, isDryRun: true)
        }
    }

    private func counting(_ stable: ClusterFacts.Deployment) -> Write {
        let words = target.counts.map { "\($0.stable)" }.joined(separator: ", ")
        return Write(
            title: "change Deployment \(stable.name) with the steps",
            differences: ["~ spec.replicas: \(stable.replicas) → \(words)"],
            place: "workload.kubernetes.deployment"
        ) {
            let patch: JSONValue = .members(["spec": .members(["replicas": .count(target.counts.last?.stable ?? 0)])])
            _ = try await client.patch(.deployments(namespace), stable.name, .merge, patch, isDryRun: true)
        }
    }

    private func selection() -> Write {
        let (from, to) = (facts.selector(ofSide: stableIndex), facts.selector(ofSide: 1 - stableIndex))
        let patch: JSONValue = .members([
            "metadata": .members(["annotations": .map(Self.marks)]), "spec": .members(["selector": .map(to)]),
        ])
        return Write(
            title: "change Service \(target.service) for 100 %",
            differences: ObjectDifference.lines(.map(from), .map(to), at: "spec.selector"), place: "traffic"
        ) {
            _ = try await client.patch(.services(namespace), target.service, .merge, patch, isDryRun: true)
        }
    }

    private func change(_ name: String, _ when: String, _ operations: [JSONValue]) -> Write {
        let present = look.deployments[name] ?? .null
        let differences = operations.compactMap { operation -> String? in
            guard let kind = operation["op"]?.string, kind != "test", let path = operation["path"]?.string else {
                return nil
            }
            let steps = path.split(separator: "/").map {
                String($0.replacing("~1", with: "/").replacing("~0", with: "~"))
            }
            let (old, new) = (present.value(at: steps), kind == "remove" ? nil : operation["value"])
            return ObjectDifference.lines(old, new, at: ObjectDifference.path(steps)).first
        }
        return Write(
            title: "change Deployment \(name) \(when)", differences: differences,
            place: "workload.kubernetes.deployment"
        ) {
            _ = try await client.patch(.deployments(namespace), name, .json, .array(operations), isDryRun: true)
        }
    }

    private static let marks = [ClusterMarks.rollout: "dry-run", ClusterMarks.epoch: "0"]
}

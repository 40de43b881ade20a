package import BelayCore

/// Looks at everything that a release on a cluster will need.
package struct ClusterDoctor: Sendable {
    let client: KubernetesClient
    let target: ClusterTarget
    let namespace: String
    static let work = "workload.kubernetes"

    package init(_ client: KubernetesClient, _ target: ClusterTarget) {
        (self.client, self.target) = (client, target)
        namespace = target.namespace ?? client.access.namespace
    }

    /// The namespace that is meant.
    package var rights: ClusterRights { ClusterRights(target, namespace: namespace) }

    /// Asks the cluster.
    /// - Throws: `CancellationError` alone; whatever else goes wrong is in the survey.
    package func survey() async throws -> ClusterSurvey {
        var survey = ClusterSurvey()
        guard try await reach(&survey) else { return survey }
        guard try await lookAtNamespace(&survey) else { return survey }
        let templates = try await lookAtDeployments(&survey)
        try await lookAtService(&survey, templates)
        try await lookAtRights(&survey)
        return survey
    }

    /// What the API said, at its place; whether nothing is known follows from its kind.
    func fail(
        _ survey: inout ClusterSurvey, _ part: ClusterSurvey.Part, _ error: KubernetesError, at place: String? = nil
    ) {
        survey.fail(part, error.message, at: place, isUnreachable: error.isAway)
    }

    // MARK: The cluster

    private func reach(_ survey: inout ClusterSurvey) async throws -> Bool {
        do {
            let version = try await client.version()
            survey.note(
                .cluster,
                "context \(client.access.context) of \(client.access.origin): Kubernetes \(version) at \(client.access.server)"
            )
            for path in [ResourcePath.deployments(namespace), .endpointSlices(namespace)]
            where try await !client.has(path) {
                survey.fail(
                    .cluster,
                    "Kubernetes \(version) at \(client.access.server) has no \(path.qualified) in version \(path.version); 1.23 or later is needed"
                )
            }
            return survey.isGood
        } catch let error as KubernetesError {
            var words = error.message
            if error.kind == .unauthorized {
                words +=
                    "; the credential of context \(client.access.context) in \(client.access.origin) is not known or has expired"
            }
            survey.fail(.cluster, words, at: "\(Self.work).context", isUnreachable: error.isAway)
            return false
        }
    }

    private func lookAtNamespace(_ survey: inout ClusterSurvey) async throws -> Bool {
        do {
            let space = try await client.get(.namespaces(), namespace)
            if space["metadata"]?["deletionTimestamp"] != nil {
                survey.fail(.namespace, "namespace `\(namespace)` is being deleted", at: "\(Self.work).namespace")
                return false
            }
            survey.note(.namespace, "`\(namespace)` is there")
        } catch let error as KubernetesError {
            switch error.kind {
            case .notFound:
                survey.fail(.namespace, "there is no namespace `\(namespace)`", at: "\(Self.work).namespace")
                return false
            // Most identities may not look at namespaces; what is in it shows whether it is there.
            case .forbidden:
                survey.note(.namespace, "`\(namespace)`; this identity may not look at namespaces themselves")
            default:
                fail(&survey, .namespace, error, at: "\(Self.work).namespace")
                return false
            }
        }
        return true
    }

    // MARK: Deployments

    /// - Returns: Labels and containers of the pods, by the Deployment's name.
    private func lookAtDeployments(_ survey: inout ClusterSurvey) async throws -> [String: JSONValue] {
        var templates: [String: JSONValue] = [:]
        for (index, name) in target.names.enumerated() {
            var place = "\(Self.work).deployment"
            if case .two(let sides) = target.deployments {
                place = "\(Self.work).deployments.\(index == 0 ? sides.first.name : sides.second.name)"
            }
            do {
                let deployment = try await client.get(.deployments(namespace), name)
                let template = deployment["spec"]?["template"] ?? .null
                templates[name] = template
                lookAt(deployment, name, place, &survey)
            } catch let error as KubernetesError {
                guard error.kind == .notFound else {
                    fail(&survey, .deployment, error, at: place)
                    continue
                }
                survey.fail(
                    .deployment, "there is no Deployment `\(name)` in namespace `\(namespace)`\(try await others())",
                    at: place)
            }
        }
        try await lookAtClone(&survey)
        try await lookAtAutoscalers(&survey)
        return templates
    }

    /// The Deployment that a release would make must not be somebody else's.
    private func lookAtClone(_ survey: inout ClusterSurvey) async throws {
        guard let clone = target.cloneName else { return }
        do {
            let found = try await client.get(.deployments(namespace), clone)
            if found["metadata"]?["annotations"]?[ClusterMarks.rollout] != nil {
                survey.note(.deployment, "`\(clone)` is there from a release that has not ended")
            } else {
                survey.fail(
                    .deployment,
                    "there is a Deployment `\(clone)` already, which is not Belay's; a release would make one of that name",
                    at: "\(Self.work).deployment")
            }
        } catch let error as KubernetesError where error.kind == .notFound || error.kind == .forbidden {
            return  // Rights are looked at by themselves.
        } catch let error as KubernetesError {
            fail(&survey, .deployment, error)
        }
    }

    private func lookAtAutoscalers(_ survey: inout ClusterSurvey) async throws {
        do {
            let found = try await client.list(.autoscalers(namespace)) { scaler -> String? in
                let aim = scaler["spec"]?["scaleTargetRef"]
                guard aim?["kind"]?.string == "Deployment", target.names.contains(aim?["name"]?.string ?? "") else {
                    return nil
                }
                return "`\(scaler["metadata"]?["name"]?.string ?? "")` of `\(aim?["name"]?.string ?? "")`"
            }.values
            for name in found {
                if case .replicas = target.division {
                    survey.fail(
                        .deployment, "the autoscaler \(name) would change the numbers of pods that divide the traffic",
                        at: "traffic.\(divisionKey)")
                } else {
                    survey.note(.deployment, "autoscaler \(name)")
                }
            }
        } catch is KubernetesError {}  // Rights are looked at by themselves.
    }

    private func others() async throws -> String {
        do {
            let (names, _) = try await client.list(.deployments(namespace)) { $0["metadata"]?["name"]?.string }
            if names.isEmpty { return "; there is none at all" }
            let shown = names.prefix(8).map { "`\($0)`" }.joined(separator: ", ")
            return
                "; there \(names.count == 1 ? "is" : "are") \(shown)\(names.count > 8 ? " and \(names.count - 8) more" : "")"
        } catch is KubernetesError {
            return ""
        }
    }

    private func lookAt(_ deployment: JSONValue, _ name: String, _ place: String, _ survey: inout ClusterSurvey) {
        let containers = deployment["spec"]?["template"]?["spec"]?["containers"]?.array ?? []
        let names = containers.compactMap { $0["name"]?.string }
        let list = names.map { "`\($0)`" }.joined(separator: ", ")
        var container = containers.first
        if let wanted = target.container {
            container = containers.first { $0["name"]?.string == wanted }
            if container == nil {
                survey.fail(
                    .deployment, "Deployment `\(name)` has no container `\(wanted)`; it has \(list)",
                    at: "\(Self.work).container")
            }
        } else if names.count > 1 {
            survey.fail(
                .deployment, "Deployment `\(name)` has \(names.count) containers, \(list): say which one",
                at: "\(Self.work).container")
        }
        if deployment["metadata"]?["deletionTimestamp"] != nil {
            survey.fail(.deployment, "Deployment `\(name)` is being deleted", at: place)
        }
        if deployment["spec"]?["paused"]?.bool == true {
            survey.fail(
                .deployment, "Deployment `\(name)` is paused: `kubectl rollout resume deployment/\(name)`", at: place)
        }
        let selector = deployment["spec"]?["selector"]?["matchLabels"] ?? .null
        for setting in target.settings {
            guard let label = setting.label, let value = selector[label]?.string, value != setting.value else {
                continue
            }
            survey.fail(
                .deployment,
                "`\(setting.path)`: Deployment `\(name)` finds its pods by `\(label)=\(value)`, which cannot change",
                at: "\(Self.work).set")
        }
        let wanted = deployment["spec"]?["replicas"]?.int ?? 1
        let ready = deployment["status"]?["readyReplicas"]?.int ?? 0
        for condition in deployment["status"]?["conditions"]?.array ?? []
        where condition["reason"]?.string == "ProgressDeadlineExceeded" {
            survey.fail(
                .deployment,
                "Deployment `\(name)` does not get on: \(condition["message"]?.string ?? "its deadline has passed")",
                at: place)
        }
        if let generation = deployment["metadata"]?["generation"]?.int,
            generation != deployment["status"]?["observedGeneration"]?.int
        {
            survey.note(.deployment, "`\(name)` is being changed right now")
        }
        if case .one = target.deployments, wanted == 0 {
            survey.fail(.deployment, "Deployment `\(name)` has 0 replicas: nobody serves", at: place)
        } else if wanted > 0, ready == 0 {
            survey.fail(.deployment, "Deployment `\(name)`: 0 of \(wanted) pods are ready", at: place)
        }
        let image = container?["image"]?.string ?? "no image"
        survey.note(.deployment, "`\(name)`: \(image), \(ready) of \(wanted) pods ready")
    }

    // MARK: Rights

    private func lookAtRights(_ survey: inout ClusterSurvey) async throws {
        var missing: [String] = []
        do {
            for right in rights.all where try await !client.may(right) { missing.append(right.text) }
        } catch let error as KubernetesError {
            return fail(&survey, .rights, error)
        }
        if missing.isEmpty { return survey.note(.rights, "all \(rights.all.count) that a release needs") }
        for right in missing {
            survey.fail(
                .rights,
                "this identity may not \(right) in namespace `\(namespace)`; `belay doctor FILE --rbac` prints the Role"
            )
        }
    }
}

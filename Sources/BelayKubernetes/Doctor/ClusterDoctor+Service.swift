internal import BelayCore

/// The Service: where it leads, and whether it can tell the versions apart.
extension ClusterDoctor {
    var divisionKey: String {
        switch target.division {
        case .service: "service.name"
        case .replicas: "replicas.service"
        }
    }

    private var servicePlace: String { "traffic.\(divisionKey)" }

    /// - Parameter templates: The pods' templates by their Deployments; those that could not be read are missing.
    func lookAtService(_ survey: inout ClusterSurvey, _ templates: [String: JSONValue]) async throws {
        let name = target.service
        let service: JSONValue
        do {
            service = try await client.get(.services(namespace), name)
        } catch let error as KubernetesError {
            guard error.kind == .notFound else { return fail(&survey, .service, error, at: servicePlace) }
            return tell(&survey, "there is no Service `\(name)` in namespace `\(namespace)`")
        }
        let spec = service["spec"] ?? .null
        if spec["type"]?.string == "ExternalName" {
            return tell(
                &survey,
                "Service `\(name)` is only another name for `\(spec["externalName"]?.string ?? "")`: it selects no pods"
            )
        }
        let selector = spec["selector"]?.texts ?? [:]
        if selector.isEmpty {
            return tell(&survey, "Service `\(name)` has no selector: somebody else says where it leads")
        }
        let words = LabelSelector.words(selector)
        survey.note(.service, "`\(name)` selects \(words)")
        if spec["clusterIP"]?.string == "None" {
            survey.note(
                .service, "it is headless: clients keep addresses, so that a switch takes as long as they keep them")
        } else if spec["ports"]?.array?.isEmpty ?? true {
            tell(&survey, "Service `\(name)` has no ports")
        }
        check(selector, words, templates, &survey)
        for (deployment, template) in templates.sorted(by: { $0.key < $1.key }) {
            checkPorts(of: spec, deployment, template, &survey)
        }
        try await lookAtPods(selected: words, templates, &survey)
    }

    private func tell(_ survey: inout ClusterSurvey, _ message: String) {
        survey.fail(.service, message, at: servicePlace)
    }

    /// Whether the selector finds the templates that it has to.
    private func check(
        _ selector: [String: String], _ words: String, _ templates: [String: JSONValue], _ survey: inout ClusterSurvey
    ) {
        let labels = templates.mapValues { $0["metadata"]?["labels"]?.texts ?? [:] }
        let matching = labels.filter { LabelSelector(selector).fits($0.value) }.keys.sorted()
        switch target.deployments {
        case .one(let name, _):
            guard let own = labels[name], matching.isEmpty else { return }
            let differing = selector.keys.filter { own[$0] != selector[$0] }.sorted()
                .map { "\($0)=\(own[$0] ?? "nothing")" }.joined(separator: ", ")
            tell(
                &survey,
                "Service `\(target.service)` selects \(words), and the pods of Deployment `\(name)` have \(differing)")
        case .two(let sides):
            let (first, second) = (sides.first.backend, sides.second.backend)
            guard let one = labels[first], let other = labels[second] else { return }
            switch target.division {
            case .service:
                if one == other {
                    tell(
                        &survey,
                        "the pods of `\(first)` and `\(second)` have the same labels: no selector tells them apart")
                } else if matching.count == 2 {
                    tell(
                        &survey,
                        "Service `\(target.service)` selects \(words), which is both sides; it has to select one of them"
                    )
                } else if matching.isEmpty {
                    tell(
                        &survey,
                        "Service `\(target.service)` selects \(words), which is neither `\(first)` nor `\(second)`")
                } else {
                    survey.note(.service, "that is `\(matching[0])`")
                }
            case .replicas where matching.count < 2:
                tell(
                    &survey,
                    "Service `\(target.service)` selects \(words), and shares by numbers of pods need both `\(first)` and `\(second)` behind it"
                )
            case .replicas: break
            }
        }
    }

    private func checkPorts(
        of spec: JSONValue, _ deployment: String, _ template: JSONValue, _ survey: inout ClusterSurvey
    ) {
        let pod = template["spec"]
        // A container that starts before the others and goes on beside them has ports as they do.
        let beside = (pod?["initContainers"]?.array ?? []).filter { $0["restartPolicy"]?.string == "Always" }
        let ports = ((pod?["containers"]?.array ?? []) + beside).flatMap { $0["ports"]?.array ?? [] }
        func proto(_ port: JSONValue) -> String { port["protocol"]?.string ?? "TCP" }
        for port in spec["ports"]?.array ?? [] {
            let number = port["port"]?.int ?? 0
            let same = ports.filter { proto($0) == proto(port) }
            if let name = port["targetPort"]?.string, !same.contains(where: { $0["name"]?.string == name }) {
                tell(
                    &survey,
                    "port \(number) of Service `\(target.service)` leads to the port `\(name)`, which Deployment `\(deployment)` does not have"
                )
            } else if let wanted = port["targetPort"]?.int, !ports.isEmpty,
                !same.contains(where: { $0["containerPort"]?.int == wanted })
            {
                // Ports need not be declared; where some are, one that is missing is most likely a mistake.
                survey.note(
                    .service, "port \(number) leads to \(wanted), which Deployment `\(deployment)` does not declare")
            }
        }
    }

    // MARK: Whose pods

    private func lookAtPods(
        selected words: String, _ templates: [String: JSONValue], _ survey: inout ClusterSurvey
    ) async throws {
        let owners: [String]
        do {
            let deployments = try await deploymentsOfReplicaSets()
            owners = try await client.list(.pods(namespace), labels: words) { pod -> String? in
                let phase = pod["status"]?["phase"]?.string ?? ""
                if ["Succeeded", "Failed"].contains(phase) || pod["metadata"]?["deletionTimestamp"] != nil {
                    return nil
                }
                guard let owner = pod.controller else { return "nobody" }
                if owner.kind == "ReplicaSet" { return deployments[owner.name] ?? "ReplicaSet/\(owner.name)" }
                return "\(owner.kind)/\(owner.name)"
            }.values
        } catch let error as KubernetesError {
            return fail(&survey, .service, error, at: servicePlace)
        }
        if owners.isEmpty {
            // A Deployment without pods is told at its own place.
            let isTold = survey.problems[.deployment] != nil || survey.problems[.service] != nil
            if !isTold { tell(&survey, "Service `\(target.service)` selects \(words), and no pod has that") }
            return
        }
        let known = Set(target.names + [target.cloneName].compactMap(\.self))
        for owner in Set(owners).sorted() {
            let count = owners.count { $0 == owner }
            let pods = "\(count) pod\(count == 1 ? "" : "s") of `\(owner)`"
            if known.contains(owner) {
                survey.note(.service, pods)
            } else {
                tell(
                    &survey,
                    "Service `\(target.service)` selects \(pods), too, which this file does not name: they would get traffic of neither version"
                )
            }
        }
    }

    /// The Deployments by the names of their ReplicaSets.
    private func deploymentsOfReplicaSets() async throws -> [String: String] {
        let pairs = try await client.list(.replicaSets(namespace)) { set -> (String, String)? in
            guard let name = set["metadata"]?["name"]?.string, let owner = set.controller,
                owner.kind == "Deployment"
            else { return nil }
            return (name, owner.name)
        }.values
        return Dictionary(pairs) { first, _ in first }
    }
}

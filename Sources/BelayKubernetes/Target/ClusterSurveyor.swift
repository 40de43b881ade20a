internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// The look at a cluster before a release.
struct ClusterSurveyor {
    private let client: KubernetesClient
    private let target: ClusterTarget
    private let namespace: String

    init(_ client: KubernetesClient, _ target: ClusterTarget) {
        (self.client, self.target) = (client, target)
        namespace = target.namespace ?? client.access.namespace
    }

    func survey() async -> Survey {
        var survey = Survey()
        survey.reach = .parts(1)
        survey.cutsConnections = .init(isThere: true, why: "its pods end")
        survey.fencesWriters = .init(isThere: true)
        do {
            let start = ContinuousClock.now
            let doctor = try await ClusterDoctor(client, target).survey()
            for part in ClusterSurvey.Part.allCases {
                survey.notes += (doctor.notes[part] ?? []).map { "\(part.rawValue): \($0)" }
                for problem in doctor.problems[part] ?? [] {
                    let words = problem.place.map { "\($0): \(problem.message)" } ?? problem.message
                    survey.problems.append(problem.isUnreachable ? .unreachable(words) : .invalid(words))
                }
            }
            survey.missingRights = (doctor.problems[.rights] ?? []).map(\.message)
            if survey.problems.isEmpty { try await lookCloser(&survey) }
            survey.roundTrip = start.duration(to: .now) / 20
        } catch let error as KubernetesError {
            survey.problems.append(error.isAway ? .unreachable(error.message) : .invalid(error.message))
        } catch {
            survey.problems.append(.unreachable("the look at the cluster was cut off"))
        }
        return survey
    }

    /// What the release writes down as the state before it, and what stands against it.
    private func lookCloser(_ survey: inout Survey) async throws {
        let look = try await ClusterEye(client, target).look()
        let selector = look.service["spec"]?["selector"]?.texts ?? [:]
        guard let facts = try await facts(look, selector, &survey) else { return }
        guard let side = facts.side(of: selector) else {
            return survey.invalid(
                "traffic.service.name: the selector of Service `\(target.service)` leads to neither side of the release"
            )
        }
        survey.secondShare = side == 0 ? .zero : .full
        survey.original = facts.json
        if !target.switchesService { survey.reach = .beside(Int(facts.deployments[side].replicas)) }
        for (index, deployment) in facts.deployments.enumerated() {
            guard let object = look.deployments[deployment.name] else { continue }
            check(object, deployment.name, isStable: index == side, &survey)
        }
        if look.service["spec"]?["publishNotReadyAddresses"]?.bool == true {
            survey.invalid(
                "traffic.service.name: Service `\(target.service)` publishes pods that are not ready (publishNotReadyAddresses): nobody "
                    + "could see when the traffic is safe")
        }
        try await checkOtherServices(facts, &survey)
        try await checkAutoscalers(of: facts.deployments[side], &survey)
        remark(look.service, &survey)
    }

    private func remark(_ service: JSONValue, _ survey: inout Survey) {
        let spec = service["spec"]
        if spec?["clusterIP"]?.string == "None" {
            survey.remarks.append("headless: clients follow the switch when their names' time to live is over")
        }
        if spec?["sessionAffinity"]?.string == "ClientIP" {
            survey.remarks.append("ClientIP affinity: clients stay with a pod as long as it is an endpoint")
        }
        if target.cloneName != nil {
            survey.remarks.append(
                "a replace or a server-side apply of the Service's own manifest while the canary has traffic takes the traffic back to stable"
            )
        }
    }

    private func check(_ object: JSONValue, _ name: String, isStable: Bool, _ survey: inout Survey) {
        let place = "workload.kubernetes.deployment: Deployment `\(name)`"
        if let owner = object.controller {
            survey.invalid("\(place) is driven by \(owner.kind) \(owner.name), which would undo what is done")
        }
        if object["spec"]?["strategy"]?["type"]?.string == "Recreate" {
            survey.invalid(
                "\(place) has the strategy Recreate: its pods may not overlap, and a release needs both versions")
        }
        guard isStable else { return }
        let (isDone, words) = ClusterRouter.progress(of: object)
        if !isDone {
            survey.invalid("\(place) is in the middle of an update (\(words)): a release begins from a version at rest")
        }
    }

    /// While it has no traffic, an autoscaler would take stable's pods away, and the way back leads to them.
    private func checkAutoscalers(of stable: ClusterFacts.Deployment, _ survey: inout Survey) async throws {
        let path = ResourcePath("autoscaling", "v2", "horizontalpodautoscalers", namespace: namespace)
        let found = try await client.list(path) { scaler -> (name: String, minimum: Int64)? in
            let aim = scaler["spec"]?["scaleTargetRef"]
            guard aim?["kind"]?.string == "Deployment", aim?["name"]?.string == stable.name else { return nil }
            return (scaler["metadata"]?["name"]?.string ?? "", scaler["spec"]?["minReplicas"]?.int ?? 1)
        }.values
        for scaler in found where scaler.minimum < stable.replicas {
            survey.invalid(
                "autoscaler `\(scaler.name)` may bring `\(stable.name)` from \(stable.replicas) to \(scaler.minimum) pods while the canary "
                    + "has the traffic: give it minReplicas \(stable.replicas) for the release")
        }
    }

    /// A Service besides the named one that would send requests to the canary before its time.
    private func checkOtherServices(_ facts: ClusterFacts, _ survey: inout Survey) async throws {
        guard target.cloneName != nil,
            let stable = try await ClusterEye(client, target).deployment(facts.deployments[0].name)
        else { return }
        let labels = (stable["spec"]?["template"]?["metadata"]?["labels"]?.texts ?? [:])
            .merging([facts.label: facts.values[1]]) { $1 }
        let names = try await client.list(.services(namespace)) { service -> String? in
            let selector = service["spec"]?["selector"]?.texts ?? [:]
            let name = service["metadata"]?["name"]?.string ?? ""
            let isOwn = [target.service, target.canaryService].contains(name)
            let matches = !selector.isEmpty && selector.allSatisfy { labels[$0.key] == $0.value }
            return matches && !isOwn ? name : nil
        }.values
        if let own = try? await client.get(.services(namespace), target.canaryService),
            own["metadata"]?["annotations"]?[ClusterMarks.rollout] == nil
        {
            survey.invalid(
                "there is a Service `\(target.canaryService)` already, which is not Belay's; a release would make one of that name"
            )
        }
        for name in names {
            survey.invalid(
                "Service `\(name)` selects the pods of `\(facts.deployments[1].name)`, too: they would get its requests as soon as they are "
                    + "ready")
        }
    }

    // MARK: Facts

    private func facts(
        _ look: ClusterLook, _ selector: [String: String], _ survey: inout Survey
    ) async throws -> ClusterFacts? {
        let uid = look.service["metadata"]?["uid"]?.string ?? ""
        switch target.deployments {
        case .one(let name, _):
            guard let stable = look.deployments[name], let own = deployment(stable, name) else { return nil }
            if !target.switchesService {
                var clone = own
                (clone.name, clone.uid) = (target.cloneName ?? "", nil)
                return ClusterFacts(
                    serviceUID: uid, selector: selector, label: Self.ownLabel,
                    values: ["", ClusterClone.cut(clone.name)], deployments: [own, clone])
            }
            let label = try await label(stable, selector)
            guard let label, let value = selector[label] else {
                survey.invalid(
                    "traffic.service.name: Service `\(target.service)` selects by no label of the pods of `\(name)` that the clone could "
                        + "have another value of")
                return nil
            }
            var clone = own
            (clone.name, clone.uid) = (target.cloneName ?? "", nil)
            return ClusterFacts(
                serviceUID: uid, selector: selector, label: label,
                values: [value, ClusterClone.cut("\(value)-canary")], deployments: [own, clone])
        case .two(let sides):
            let names = [sides.first.backend, sides.second.backend]
            let objects = names.compactMap { look.deployments[$0] }
            let deployments = zip(objects, names).compactMap { deployment($0, $1) }
            let labels = objects.map { $0["spec"]?["template"]?["metadata"]?["labels"]?.texts ?? [:] }
            guard deployments.count == 2 else { return nil }
            let differing = selector.keys.filter {
                labels[0][$0] != nil && labels[1][$0] != nil && labels[0][$0] != labels[1][$0]
            }
            guard differing.count == 1, let label = differing.first, let one = labels[0][label],
                let two = labels[1][label]
            else {
                survey.invalid(
                    "traffic.service.name: Service `\(target.service)` has to tell `\(names[0])` and `\(names[1])` apart by one label that "
                        + "both have, and there are \(differing.count)")
                return nil
            }
            return ClusterFacts(
                serviceUID: uid, selector: selector, label: label, values: [one, two], deployments: deployments)
        }
    }

    /// Of a clone whose pods are behind the same Service as stable's.
    private static let ownLabel = "belay.dev/clone"

    private func deployment(_ object: JSONValue, _ name: String) -> ClusterFacts.Deployment? {
        let containers = object.value(at: ["spec", "template", "spec", "containers"])?.array ?? []
        let index = target.container.flatMap { wanted in containers.firstIndex { $0["name"]?.string == wanted } } ?? 0
        guard containers.indices.contains(index), let container = containers[index]["name"]?.string,
            let image = containers[index]["image"]?.string
        else { return nil }
        return ClusterFacts.Deployment(
            name: name, uid: object["metadata"]?["uid"]?.string, replicas: object["spec"]?["replicas"]?.int ?? 1,
            container: container, containerIndex: index, image: image,
            settings: target.settings.map { object.value(at: $0.steps) ?? .null })
    }

    /// The label that the clone gets another value of: one that the Service selects by, if possible one of the Deployment's own
    /// selector (else an autoscaler of stable's would count the clone's pods), and the one that fewest other Services select by.
    private func label(_ stable: JSONValue, _ selector: [String: String]) async throws -> String? {
        let own = stable["spec"]?["selector"]?["matchLabels"]?.texts ?? [:]
        let pods = stable["spec"]?["template"]?["metadata"]?["labels"]?.texts ?? [:]
        let others = try await client.list(.services(namespace)) { $0["spec"]?["selector"]?.texts }.values
        func rank(_ key: String) -> (Int, Int, String) {
            (own[key] == nil ? 1 : 0, others.count { $0[key] == pods[key] }, key)
        }
        return selector.keys.filter { pods[$0] == selector[$0] }.min { rank($0) < rank($1) }
    }
}

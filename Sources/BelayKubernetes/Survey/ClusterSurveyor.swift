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
        guard var facts = try await facts(look, selector, &survey) else { return }
        guard let side = facts.side(of: selector) else {
            return survey.invalid(
                "traffic.service.name: the selector of Service `\(target.service)` leads to neither side of the release"
            )
        }
        let own = facts.deployments[side]
        let scalers = try await autoscalers(of: own.name)
        facts.autoscalers = scalers.compactMap { scaler in
            let minimum = scaler["spec"]?["minReplicas"]?.int ?? 1
            guard minimum < own.replicas, let name = scaler["metadata"]?["name"]?.string else { return nil }
            return ClusterFacts.Autoscaler(name: name, minimum: minimum, held: own.replicas)
        }
        survey.secondShare = side == 0 ? .zero : .full
        survey.original = facts.json
        if !target.switchesService { survey.reach = .beside(Int(facts.deployments[side].replicas)) }
        if target.isCounted {
            survey.reach = .stated(target.counts)
            for step in target.counts where Int64(step.stable + step.canary) < own.replicas {
                let all = step.stable + step.canary
                survey.remarks.append(
                    "\(step.asked.text) is \(all) pod\(all == 1 ? "" : "s") in all: \((Int(own.replicas) - all) * 100 / Int(own.replicas)) % less than the "
                        + "\(own.replicas) of `\(own.name)` now")
            }
        }
        for (index, deployment) in facts.deployments.enumerated() {
            guard let object = look.deployments[deployment.name] else { continue }
            check(object, deployment.name, isStable: index == side, &survey)
        }
        if look.service["spec"]?["publishNotReadyAddresses"]?.bool == true {
            survey.invalid(
                "traffic.service.name: Service `\(target.service)` publishes pods that are not ready (publishNotReadyAddresses): nobody "
                    + "could see when the traffic is safe")
        }
        for label in selector.keys.sorted() where isSet(label) {
            survey.invalid(
                "workload.kubernetes.set: Service `\(target.service)` selects by the label `\(label)`, which the release would change: "
                    + "stable's pods would leave it at the end")
        }
        refuseOthersReleases(look, &survey)
        try await lookAtMarks(look, &survey)
        remark(look.service, &survey)
        guard let stable = look.deployments[facts.deployments[side].name] else { return }
        let surroundings = ClusterSurroundings(
            client: client, target: target, namespace: namespace, facts: facts, stable: stable, scalers: scalers)
        try await surroundings.look(&survey)
        let rehearsal = ClusterRehearsal(client: client, target: target, facts: facts, stableIndex: side, look: look)
        if survey.problems.isEmpty { try await rehearsal.play(&survey) }
    }

    /// Objects that another release tool drives: it would undo what is done, or do it a second time.
    /// https://argo-rollouts.readthedocs.io/en/stable/migrating/ (the annotations), https://docs.flagger.app (it owns the Service)
    private func refuseOthersReleases(_ look: ClusterLook, _ survey: inout Survey) {
        let service = "traffic: Service `\(target.service)`"
        if let owner = look.service.controller {
            survey.invalid("\(service) is driven by \(owner.kind) \(owner.name), which would undo what is done")
        }
        if let rollout = look.service["metadata"]?["annotations"]?["argo-rollouts.argoproj.io/managed-by-rollouts"]?
            .string
        {
            survey.invalid("\(service) is driven by the Rollout \(rollout.printable) of Argo Rollouts")
        } else if look.service["spec"]?["selector"]?["rollouts-pod-template-hash"] != nil {
            survey.invalid("\(service) selects by `rollouts-pod-template-hash`: Argo Rollouts drives it")
        }
        for name in target.names
        where look.deployments[name]?["metadata"]?["annotations"]?["rollout.argoproj.io/workload-generation"] != nil {
            survey.invalid(
                "workload.kubernetes.deployment: Deployment `\(name)` is the template of a Rollout of Argo Rollouts, which drives it"
            )
        }
    }

    /// What bears a mark although no release of these Deployments is under way: another one that drives the same Service, or what is left
    /// of one. Annotations come back by `kubectl rollout undo`, too.
    private func lookAtMarks(_ look: ClusterLook, _ survey: inout Survey) async throws {
        let objects =
            [("Service", target.service, Optional(look.service))]
            + target.names.map { ("Deployment", $0, look.deployments[$0]) }
        let leases = try? await client.list(.leases(namespace)).items
        let own = leases?.first { $0["metadata"]?["name"]?.string == target.ownerName }
        guard own == nil else { return }  // A release of these is under way; who drives it is told elsewhere.
        for (kind, name, object) in objects {
            guard let rollout = object?["metadata"]?["annotations"]?[ClusterMarks.rollout]?.string else { continue }
            let lease = leases?.first { $0["metadata"]?["annotations"]?[ClusterMarks.rollout]?.string == rollout }
            if let place = lease?["metadata"]?["name"]?.string {
                survey.invalid(
                    "\(kind) `\(name)` is \(rollout.printable)'s, whose Lease is \(place.printable): two releases cannot have it"
                )
            } else {
                let why =
                    leases == nil
                    ? "Leases cannot be listed, so nobody knows whether it is over" : "whose Lease is gone"
                survey.remarks.append(
                    "\(kind) `\(name)` bears what \(rollout.printable) has left, \(why); it is replaced")
            }
        }
    }

    private func remark(_ service: JSONValue, _ survey: inout Survey) {
        let spec = service["spec"]
        if spec?["clusterIP"]?.string == "None" {
            survey.remarks.append("headless: clients follow the switch when their names' time to live is over")
        }
        if spec?["sessionAffinity"]?.string == "ClientIP" {
            survey.remarks.append("ClientIP affinity: clients stay with a pod as long as it is an endpoint")
        }
        if !target.switchesService, let words = Self.whoeverIsNear(service) {
            survey.remarks.append("\(words): shares by numbers of pods hold for all clients together and not for each")
        }
        if let owner = Self.applier(ofSelector: service) {
            let words = "the selector of Service `\(target.service)` is managed by `\(owner)` (server-side apply)"
            if target.switchesService || target.isCounted {
                survey.remarks.append(
                    "\(words): its next apply while the canary has traffic takes the traffic back to stable")
            } else {
                survey.invalid(
                    "traffic.replicas.service: \(words): its next apply would take the canary's label away in the middle of a release; "
                        + "`traffic: {service: {name: \(target.service)}}` can be used with it")
            }
        } else if target.comesHome {
            survey.remarks.append(
                "a replace or a server-side apply of the Service's own manifest while the canary has traffic takes the traffic back to stable"
            )
            if !target.switchesService, !target.isCounted {
                survey.remarks.append(
                    "at 100 % a client-side apply or Helm 3 leaves the canary's label in the Service: who deletes the canary by hand then "
                        + "empties it until `belay abort --deployment` or `belay rescue`")
            }
        }
    }

    /// Who manages a Service's selector by server-side apply; nil where nobody does.
    private static func applier(ofSelector service: JSONValue) -> String? {
        let entry = (service["metadata"]?["managedFields"]?.array ?? []).first { entry in
            entry["operation"]?.string == "Apply" && entry["fieldsV1"]?["f:spec"]?["f:selector"] != nil
        }
        return entry?["manager"]?.string
    }

    /// How a Service prefers pods by their place; nil where it does not.
    private static func whoeverIsNear(_ service: JSONValue) -> String? {
        let spec = service["spec"]
        for key in ["internalTrafficPolicy", "externalTrafficPolicy"] where spec?[key]?.string == "Local" {
            return "\(key) is Local: each node sends to its own pods alone"
        }
        if let words = spec?["trafficDistribution"]?.string { return "trafficDistribution is \(words)" }
        let annotations = service["metadata"]?["annotations"]?.texts ?? [:]
        let hints = ["service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints"]
        let isOn = hints.contains { ["auto", "Auto"].contains(annotations[$0] ?? "") }
        return isOn ? "topology hints are on: each zone sends to its own pods, where it can" : nil
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

    /// The autoscalers that change the number of a Deployment's pods.
    private func autoscalers(of deployment: String) async throws -> [JSONValue] {
        try await client.list(.autoscalers(namespace)).items.filter { scaler in
            let aim = scaler["spec"]?["scaleTargetRef"]
            return aim?["kind"]?.string == "Deployment" && aim?["name"]?.string == deployment
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
            if !target.switchesService {
                return behindOneService(uid, selector, deployments, labels, objects, &survey)
            }
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

    /// Two that exist behind one Service: stable is the one that has pods. At 100 % the Service selects by a label in addition that only
    /// the canary's pods have with this value.
    private func behindOneService(
        _ uid: String, _ selector: [String: String], _ deployments: [ClusterFacts.Deployment],
        _ labels: [[String: String]], _ objects: [JSONValue], _ survey: inout Survey
    ) -> ClusterFacts? {
        let names = deployments.map { "`\($0.name)`" }
        let serving = deployments.indices.filter { deployments[$0].replicas > 0 }
        guard serving.count == 1 else {
            survey.invalid(
                serving.isEmpty
                    ? "workload.kubernetes.deployments: \(names[0]) and \(names[1]) have 0 replicas: nobody serves"
                    : "workload.kubernetes.deployments: \(names[0]) has \(deployments[0].replicas) pods and \(names[1]) "
                        + "\(deployments[1].replicas) behind Service `\(target.service)`: a release begins where one of them has all of the "
                        + "traffic and the other none, `kubectl scale deployment NAME --replicas=0`")
            return nil
        }
        let selectors = objects.map { $0["spec"]?["selector"]?["matchLabels"]?.texts ?? [:] }
        let telling = labels[0].keys.filter { key in
            selector[key] == nil && labels[1][key] != nil && labels[0][key] != labels[1][key] && !isSet(key)
        }
        // One that belongs to the Deployments' own selectors cannot be changed by anybody.
        let label = telling.min { one, other in
            let firm = [one, other].map { key in selectors.allSatisfy { $0[key] != nil } ? 0 : 1 }
            return (firm[0], one) < (firm[1], other)
        }
        let canary = 1 - serving[0]
        guard let label, let value = labels[canary][label] else {
            survey.invalid(
                "workload.kubernetes.deployments: no label has one value at the pods of \(names[0]) and another one at those of "
                    + "\(names[1]): at 100 % nothing could tell them apart")
            return nil
        }
        return ClusterFacts(
            serviceUID: uid, selector: selector, label: label, values: canary == 0 ? [value, ""] : ["", value],
            deployments: deployments)
    }

    /// Whether the release itself gives a label of the pods another value.
    private func isSet(_ label: String) -> Bool { target.settings.contains { $0.label == label } }

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

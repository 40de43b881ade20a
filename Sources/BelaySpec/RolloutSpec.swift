internal import BelayAnalysis
package import BelayCore
internal import Yams

/// A rollout's file, read and checked. Bound to the roles of the live router it becomes a plan.
package struct RolloutSpec {
    package let name: String
    package let revision: String
    package private(set) var traffic: Traffic
    /// Where each `ref` was found.
    package let notes: [String]

    /// The file's `spec`, to say where something stands.
    let root: SpecReader
    let workload: WorkloadUse
    let strategy: StrategySteps
    let uses: [TemplateUse]
    let server: Endpoint?
    let environment: [String: String]

    /// Set where the versions run in a cluster.
    package var cluster: ClusterTarget? { if case .cluster(let target) = traffic { target } else { nil } }

    /// The same release, once it is known which cluster and namespace are meant.
    package func located(_ cluster: ClusterTarget) -> RolloutSpec {
        var spec = self
        spec.traffic = .cluster(cluster)
        return spec
    }

    /// Where a value of the file stands, as far as there is one: `release.yaml:7:19: spec.traffic`.
    /// - Parameter path: Below `spec`.
    package func place(of path: String) -> String {
        let found = root.descendant(path)
        let (line, column) = (found.node.mark?.line ?? 1, found.node.mark?.column ?? 1)
        return "\(root.context.file):\(line):\(column): \(found.path)"
    }

    /// The plan under these roles.
    /// - Throws: ``SpecFailure`` with everything that is wrong with templates and arguments.
    package func plan(roles: Roles, identity: String) throws(SpecFailure) -> Plan {
        try compiled(roles: roles, identity: identity).plan
    }

    /// The plan, and what is no mistake in it and worth knowing.
    func compiled(roles: Roles, identity: String) throws(SpecFailure) -> (plan: Plan, notes: [SpecIssue]) {
        let sides = traffic.sides
        let (stable, canary) = (roles.stable(of: sides), roles.canary(of: sides))
        var facts = [
            "canary.side": canary.name, "canary.backend": canary.backend, "stable.side": stable.name,
            "stable.backend": stable.backend, "revision": revision, "name": name,
        ]
        if let cluster {
            facts["stable.service"] = cluster.service
            if cluster.cloneName != nil { facts["canary.service"] = cluster.canaryService }
            facts["stable.pods"] = ClusterTarget.podPattern(of: stable.backend)
            facts["canary.pods"] = ClusterTarget.podPattern(of: canary.backend)
        }
        let reader = TemplateReader(environment: environment, facts: facts, server: server)
        var (issues, notes): ([SpecIssue], [SpecIssue]) = ([], [])
        var metrics: [Metric] = []
        for (use, scope) in scopedUses {
            let before = use.reader.context.issues.count
            let read = reader.metrics(of: use, scope: scope, issues: &issues, notes: &notes)
            issues += use.reader.context.issues[before...]
            for metric in read {
                if let reason = cannotCompare(metric) { issues.append(use.issue(reason)) }
                if metrics.contains(where: { $0.name == metric.name }) {
                    issues.append(use.issue("a metric named \(metric.name) is there already"))
                }
                metrics.append(metric)
            }
        }
        issues += unguarded(metrics)
        if cluster != nil {
            if metrics.contains(where: { $0.name == Self.pods.name }) {
                issues.append(
                    root.issue(
                        "a metric named \(Self.pods.name) is there already: the one that watches the canary's pods"))
            }
            metrics.append(Self.pods)
        }
        let steps = steps(facts, &issues)
        if let counts = self.strategy.steps.compactMap(\.counts).first, cluster.map(\.switchesService) ?? true {
            issues.append(
                counts.reader.issue("numbers of pods are for `traffic: {replicas: {service: NAME}}` of a cluster"))
        } else if let first = self.strategy.steps.compactMap(\.counts).first {
            notes.append(first.reader.issue(capacity))
        } else if cluster?.switchesService == false, let words = podsNeeded(by: steps) {
            notes.append(root.descendant("strategy").issue(words))
        }
        if cluster?.switchesService == false, steps.first?.run != nil {
            notes.append(
                root.descendant("strategy").issue(
                    "the program of step 1 runs before the canary has pods: with `replicas` they come with the step's share"
                ))
        }
        var target = Target(
            traffic: traffic, workload: workload.bound(roles, of: sides, facts, &issues), identity: identity)
        if let cluster {
            target.traffic = .cluster(filled(cluster, &issues))
            var workload = ManagedWorkload(comesHome: cluster.comesHome)
            workload.keepCanary = cluster.keepCanary
            target.workload = .managed(workload)
        }
        guard issues.isEmpty else { throw SpecFailure(issues) }
        var plan = Plan(
            name: name, revision: revision, target: target, roles: roles, steps: steps, metrics: metrics)
        if let deadline = strategy.progressDeadline { plan.progressDeadline = deadline }
        if let limit = strategy.waitLimit { plan.waitLimit = limit }
        plan.settle = strategy.settle
        if let use = scopedUses.first?.0 { notes += plan.hazards.map(use.issue) }
        return (plan, notes)
    }

    /// What the stated numbers of pods leave of the capacity.
    private var capacity: String {
        let counts = strategy.counts
        let most = counts.map { $0.stable + $0.canary }.max() ?? 0
        let words = counts.map { step in
            let all = step.stable + step.canary
            let less = all < most ? ", \((most - all) * 100 / most) % less than in the widest step" : ""
            return "\(all) at \(step.asked.text)\(less)"
        }
        return
            "so many pods serve in all: \(words.joined(separator: "; ")); a Deployment that has more loses the rest meanwhile, and after "
            + "100 % the way back waits for new pods of stable's"
    }

    private func steps(_ facts: [String: String], _ issues: inout [SpecIssue]) -> [PlanStep] {
        var steps = strategy.steps.map { step in
            var plan = step.plan
            plan.run = step.run?.bound(to: facts, &issues)
            return plan
        }
        // The old version is stopped after the last hold; the delay keeps it warm for so much longer.
        if workload.hasRetire || cluster != nil, let delay = strategy.scaleDownDelay, let last = steps.indices.last {
            steps[last].hold = Hold(min: steps[last].hold.min + delay, max: steps[last].hold.max + delay)
        }
        return steps
    }

    /// What is wrong with the gates as a whole: a dry run holds nothing back, and a judge has nothing to compare with
    /// where stable has no traffic.
    private func unguarded(_ metrics: [Metric]) -> [SpecIssue] {
        guard let use = scopedUses.first?.0 else { return [] }  // `analysis: none` was said.
        let gates = metrics.filter { !$0.isDryRun }
        if gates.isEmpty {
            let why = metrics.isEmpty ? "no template has a metric" : "every metric is a dry run"
            return [use.issue("\(why), and a rollout without a gate is refused")]
        }
        let judges = gates.filter { $0.judge != nil }
        for (index, step) in strategy.steps.enumerated() where step.plan.weight == .full && !judges.isEmpty {
            guard gates.allSatisfy({ $0.judge != nil || $0.scope != .always && $0.scope != .step(index) }) else {
                continue
            }
            return [
                use.issue(
                    "\(judges[0].name) judges only while both versions have traffic; name a metric that watches step "
                        + "\(index + 1) (\(step.plan.weight.text)), too")
            ]
        }
        return []
    }

    /// Why a metric cannot compare the versions; nil where it can. A comparison needs a step in which both have
    /// traffic: the times before and after a switch are no fair pair.
    private func cannotCompare(_ metric: Metric) -> String? {
        guard metric.comparison != nil || metric.judge != nil else { return nil }
        func isConcurrent(_ step: StrategySteps.Step) -> Bool { step.plan.weight > .zero && step.plan.weight < .full }
        switch metric.scope {
        case .always where strategy.steps.contains(where: isConcurrent): return nil
        case .step(let step) where isConcurrent(strategy.steps[step]): return nil
        case .always: return "\(metric.name) compares the versions, and no step gives both of them traffic at once"
        case .step(let step):
            let weight = strategy.steps[step].plan.weight.text
            return "\(metric.name) compares the versions, and step \(step + 1) (\(weight)) does not give both traffic"
        }
    }

    private var scopedUses: [(TemplateUse, Metric.Scope)] {
        uses.map { ($0, .always) }
            + strategy.steps.enumerated().flatMap { index, step in step.templates.map { ($0, .step(index)) } }
    }
}

extension Plan {
    /// What a plan's steps prove less than they seem to, and what takes longer than it says.
    fileprivate var hazards: [String] {
        var notes: [String] = []
        let open = steps.indices.filter { share(ofStep: $0) > .zero }
        let blind = open.filter { step in
            let gates = metrics.filter { !$0.isDryRun && ($0.scope == .always || $0.scope == .step(step)) }
            return !gates.isEmpty && !gates.contains(where: \.countsRequests)
        }
        if !blind.isEmpty {
            let which = blind == open ? "no gate" : "step \(blind.map { "\($0 + 1)" }.joined(separator: ", ")): no gate"
            notes.append(
                "\(which) counts requests, so that a step may pass without any; `compare`, or `requestsQuery` beside a query, "
                    + "proves that there was traffic")
        }
        for step in open {
            guard let (least, why) = leastTime(ofStep: step) else { continue }
            notes.append("step \(step + 1) (\(steps[step].weight.text)) takes at least \(least.text): \(why)")
        }
        return notes
    }
}

extension TemplateUse {
    fileprivate func issue(_ message: String) -> SpecIssue { reader.issue(message) }
}

extension SpecReader {
    /// Something that was found wrong with this value after its file was read.
    func issue(_ message: String) -> SpecIssue {
        SpecIssue(
            file: context.file, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1,
            message: "\(path): \(message)")
    }
}

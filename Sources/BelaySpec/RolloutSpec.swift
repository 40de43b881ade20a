package import BelayCore
internal import Yams

/// A rollout's file, read and checked. Bound to the roles of the live router it becomes a plan.
package struct RolloutSpec {
    package let name: String
    package let revision: String
    package let traffic: Traffic
    /// Where each `ref` was found.
    package let notes: [String]

    let strategy: StrategySteps
    let uses: [TemplateUse]
    let server: Endpoint?
    let environment: [String: String]

    /// The plan under these roles.
    /// - Throws: ``SpecFailure`` with everything that is wrong with templates and arguments.
    package func plan(roles: Roles, identity: String) throws(SpecFailure) -> Plan {
        try compiled(roles: roles, identity: identity).plan
    }

    /// The plan, and what is no mistake in it and worth knowing.
    func compiled(roles: Roles, identity: String) throws(SpecFailure) -> (plan: Plan, notes: [SpecIssue]) {
        let target = Target(traffic: traffic, identity: identity)
        let (stable, canary) = (roles.stable(of: target.sides), roles.canary(of: target.sides))
        let facts = [
            "canary.side": canary.name, "canary.backend": canary.backend, "stable.side": stable.name,
            "stable.backend": stable.backend, "revision": revision, "name": name,
        ]
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
        guard issues.isEmpty else { throw SpecFailure(issues) }
        var plan = Plan(
            name: name, revision: revision, target: target, roles: roles, steps: strategy.steps.map(\.plan),
            metrics: metrics)
        if let deadline = strategy.progressDeadline { plan.progressDeadline = deadline }
        if let limit = strategy.waitLimit { plan.waitLimit = limit }
        plan.settle = strategy.settle
        if let use = scopedUses.first?.0 { notes += plan.hazards.map(use.issue) }
        return (plan, notes)
    }

    /// Dry runs hold nothing back, and a judge has nothing to compare with where stable has no traffic.
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

    /// A comparison needs a step in which both versions have traffic: before and after are no fair pair.
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
    fileprivate func issue(_ message: String) -> SpecIssue {
        let mark = reader.node.mark
        return SpecIssue(
            file: reader.context.file, line: mark?.line ?? 1, column: mark?.column ?? 1,
            message: "\(reader.path): \(message)")
    }
}

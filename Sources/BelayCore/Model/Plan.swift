/// What one rollout will do, compiled once at its start and stored with it: editing the YAML or upgrading the binary
/// never changes a rollout under way.
package struct Plan: Hashable, Sendable {
    package var name: String
    package var revision: String
    package var target: Target
    package var roles: Roles
    package var steps: [PlanStep]
    package var metrics: [Metric]
    /// How long a write may stay unconfirmed, or a router unreachable, before the way back.
    package var progressDeadline: Duration = .seconds(600)
    /// How long anything waits for a person before the way back.
    package var waitLimit: Duration = .seconds(3600)
    /// The time that has to pass since the canary's side last had traffic, before the canary gets its first request;
    /// nil: the longest window of a metric.
    package var settle: Duration?

    package init(
        name: String, revision: String, target: Target, roles: Roles, steps: [PlanStep], metrics: [Metric]
    ) {
        self.name = name
        self.revision = revision
        self.target = target
        self.roles = roles
        self.steps = steps
        self.metrics = metrics
    }

    package var stable: Side { roles.stable(of: target.sides) }
    package var canary: Side { roles.canary(of: target.sides) }
    package var longestWindow: Duration { metrics.map(\.window).max() ?? .zero }

    /// Whether both versions have traffic in that step.
    package func isConcurrent(step: Int) -> Bool { share(ofStep: step).isConcurrent }

    /// Whether metric `index` can be measured at that share. A comparison needs traffic on the canary, and a judge
    /// needs it on both versions at the same time.
    func isMeasured(_ index: Int, at share: Weight) -> Bool {
        if metrics[index].needsStable { return share.isConcurrent }
        return metrics[index].comparison == nil || share > .zero
    }

    /// The shortest time that step `step` takes where that is longer than its hold, and why: a metric's whole window
    /// has to lie inside the step. nil where the hold is long enough.
    package func leastTime(ofStep step: Int) -> (Duration, why: String)? {
        guard share(ofStep: step) > .zero else { return nil }
        let slowest = metrics.filter { metric in
            !metric.isDryRun && (metric.scope == .always || metric.scope == .step(step))
        }.max { $0.window < $1.window }
        guard let slowest, slowest.window > steps[step].hold.max else { return nil }
        return (
            slowest.window,
            "the window of \(slowest.name) is \(slowest.window.text), and all of it has to lie in the step"
        )
    }

    /// The canary share that step `index` asks for.
    package func share(ofStep index: Int) -> Weight { steps[index].weight }
}

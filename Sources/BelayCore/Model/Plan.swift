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
    /// nil: until no window reaches back to when the canary's side last had traffic.
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
    package func isConcurrent(step: Int) -> Bool { share(ofStep: step) > .zero && share(ofStep: step) < .full }

    /// Where the canary has no traffic there is nothing to compare; a judge needs stable's at the same time, too.
    func isMeasured(_ index: Int, inStep step: Int) -> Bool {
        if metrics[index].needsStable { return isConcurrent(step: step) }
        return metrics[index].comparison == nil || share(ofStep: step) > .zero
    }

    /// What a step takes at least where that is more than its hold says, and why: a window has to lie inside the step.
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

/// One traffic state and its proof.
package struct PlanStep: Hashable, Sendable {
    package var name: String?
    /// The canary's share; where the file asks for one that the target cannot give, the nearest one that it can.
    package var weight: Weight
    /// What the file asks for, where that is another share.
    package var asked: Weight?
    package var hold: Hold
    package var approval: Approval?

    package init(name: String? = nil, weight: Weight, hold: Hold = Hold(.zero), approval: Approval? = nil) {
        self.name = name
        self.weight = weight
        self.hold = hold
        self.approval = approval
    }
}

/// The watched time a step stays. It ends at `max`, or from `min` on when every metric has reached the `count` or
/// `consecutiveSuccessLimit` that it states.
package struct Hold: Hashable, Sendable {
    package var min: Duration
    package var max: Duration

    package init(_ fixed: Duration) {
        min = fixed
        max = fixed
    }

    package init(min: Duration, max: Duration) {
        self.min = min
        self.max = max
    }
}

/// Who has to agree before the next step.
package struct Approval: Hashable, Sendable {
    package enum Answer: String, Hashable, Sendable, CaseIterable {
        case rollback, proceed
    }

    /// Names, or `group:NAME`; empty: anybody.
    package var from: [String] = []
    package var count = 1
    package var timeout: Duration = .seconds(3600)
    package var onTimeout: Answer = .rollback
    /// Whether one system user may approve for several people: a portal that has checked who they are.
    package var isSharedUser = false

    package init() {}

    package func admits(_ actor: Actor) -> Bool {
        from.isEmpty || from.contains(actor.name) || actor.groups.contains { from.contains("group:\($0)") }
    }
}

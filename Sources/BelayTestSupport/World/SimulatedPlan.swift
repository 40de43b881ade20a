internal import BelayAnalysis
internal import BelayCore

/// A random plan: one to four steps, none to two metrics, sometimes an approval, short limits.
enum SimulatedPlan {
    static func make(_ random: inout SplitMix64) -> Plan {
        var weights = (0..<random.between(1, 3)).map { _ in random.between(1, 9_999) }.sorted()
        weights.append(10_000)
        let metricCount = random.below(3)
        let steps = weights.map { points -> PlanStep in
            var hold = Hold(.seconds(random.between(0, 60)))
            if random.once(in: 4) { hold = Hold(min: hold.min, max: hold.max + .seconds(random.between(0, 60))) }
            var step = PlanStep(weight: Weight(basisPoints: points)!, hold: hold)
            if random.once(in: 3) {
                var approval = Approval()
                approval.from = random.once(in: 2) ? [] : ["alice", "bob"]
                approval.count = random.between(1, 2)
                approval.timeout = .seconds(random.between(20, 200))
                approval.onTimeout = random.once(in: 3) ? .proceed : .rollback
                step.approval = approval
            }
            return step
        }
        let sides = Sides(first: Side(name: "blue", backend: "b"), second: Side(name: "green", backend: "g"))
        let target = Target.imaginary(sides)
        var metrics: [Metric] = []
        for index in 0..<metricCount { metrics.append(metric(index, steps: steps.count, &random)) }
        var plan = Plan(
            name: "app", revision: "2", target: target, roles: Roles(canaryIsSecond: true), steps: steps,
            metrics: metrics)
        plan.progressDeadline = .seconds(random.between(20, 300))
        plan.waitLimit = .seconds(random.between(20, 300))
        return plan
    }

    /// Adds programs that deploy, adopt and retire, and hooks. They are drawn from a generator of their own, so that
    /// the rest of a seed's world stays as it is.
    static func addPrograms(to plan: inout Plan, _ random: inout SplitMix64) {
        guard random.once(in: 2) else {
            // Some targets run both versions by themselves.
            if random.once(in: 2) {
                plan.target.workload = .managed(ManagedWorkload(comesHome: random.once(in: 2)))
            }
            return
        }
        func program(_ words: String..., from random: inout SplitMix64) -> CommandAction {
            var action = CommandAction(words)
            action.timeout = .seconds(random.once(in: 4) ? random.between(300, 1800) : random.between(5, 60))
            action.onCrash = random.pick(CommandAction.OnCrash.allCases)
            return action
        }
        var workload = CommandWorkload()
        if random.once(in: 2) { workload.deploy = program("deploy", from: &random) }
        if random.once(in: 3) { workload.awaitReady = program("ready", from: &random) }
        if random.once(in: 2) { workload.adopt = program("adopt", from: &random) }
        if random.once(in: 2) {
            workload.retire = program("retire", "stable", from: &random)
            workload.retireCanary = program("retire", "canary", from: &random)
        }
        plan.target.workload = .command(workload)
        for index in plan.steps.indices where random.once(in: 3) {
            plan.steps[index].run = program("hook", "\(index)", from: &random)
        }
    }

    /// Makes every gate a comparison, so that a bug about comparisons shows sooner.
    static func compareAll(_ plan: inout Plan, _ random: inout SplitMix64) {
        for index in plan.metrics.indices where plan.metrics[index].comparison == nil {
            compare(&plan.metrics[index], &random)
        }
    }

    private static func compare(_ metric: inout Metric, _ random: inout SplitMix64) {
        var comparison = Comparison()
        comparison.suspicionLimit = .seconds(random.between(5, 30))
        comparison.minRequests = random.pick([1, 100])
        comparison.weight = Double(random.between(1, 3))
        metric.comparison = comparison
        metric.prometheus?.question = .counters(CounterQuery(canary: "a", stable: "b"))
        (metric.window, metric.limits, metric.countsNoDataAsErrors) = (.zero, Metric.Limits(), false)
    }

    private static func metric(_ index: Int, steps: Int, _ random: inout SplitMix64) -> Metric {
        var metric = Metric(name: "metric-\(index)", query: PrometheusQuery(address: "http://p", query: "q"))
        metric.scope = random.once(in: 4) ? .step(random.below(steps)) : .always
        metric.interval = .seconds(random.between(2, 20))
        metric.window = .seconds(random.pick([0, 0, 5, 30]))
        metric.limits.failure = random.below(3)
        metric.limits.inconclusive = random.below(2)
        metric.limits.consecutiveErrors = random.below(5)
        metric.limits.count = random.once(in: 4) ? random.between(1, 4) : nil
        metric.blindFor = .seconds(random.between(20, 120))
        metric.onBlind = random.once(in: 3) ? .pause : .rollback
        metric.onInconclusive = random.once(in: 3) ? .rollback : .pause
        metric.countsNoDataAsErrors = random.once(in: 6)
        if random.once(in: 3) { compare(&metric, &random) }
        // Drawn from a generator of its own, so that the planted bugs are still found at the same seeds.
        var fork = SplitMix64(seed: UInt64(metric.blindFor.components.seconds) &* 15838)
        metric.isDryRun = fork.once(in: 6)
        return metric
    }
}

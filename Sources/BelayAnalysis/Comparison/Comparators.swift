package import BelayCore

/// All comparisons of one rollout, as one value. Whoever drives feeds it every event once that is durable, and asks it for
/// measurements; nobody else has to know a statistic.
package struct Comparators: Sendable {
    private let plan: Plan
    /// By the metrics' places in the plan; nil for those that compare nothing.
    private var comparators: [Comparator?]

    package init(_ plan: Plan) {
        self.plan = plan
        comparators = plan.metrics.indices.map { Comparator($0, of: plan) }
    }

    /// Builds the comparisons again, as at a takeover.
    /// - Parameter events: Every event of the record, oldest first.
    package init(_ plan: Plan, after events: some Sequence<Event>) {
        self.init(plan)
        for event in events { apply(event) }
    }

    /// Folds one journaled event.
    package mutating func apply(_ event: Event) {
        if case .measured(let measured) = event { _ = fold(measured.measurement) }
    }

    /// - Returns: What the measurement's window comes to, computed anew from its counts alone; nil where it has none.
    package mutating func fold(_ measurement: Measurement) -> Evidence? {
        guard let evidence = measurement.evidence, comparators.indices.contains(measurement.metric) else { return nil }
        return comparators[measurement.metric]?.fold(evidence)
    }

    /// How far back metric `index` asks for samples now: a comparison or a judge; nil for others.
    package func reach(of index: Int, at now: Timestamp, _ machine: RolloutMachine) -> Duration? {
        let metric = plan.metrics[index]
        if let judge = metric.judge { return judge.reach(at: now, machine, window: metric.window) }
        guard let query = metric.counters else { return nil }
        let progress = machine.state.metrics[index]
        let counted = [progress.countedAt, progress.comparesFrom].compactMap(\.self).max() ?? now
        return Comparator.reach(query, from: counted, to: now)
    }

    /// What the server's answer says, as a measurement for the machine to judge.
    /// - Parameter sight: Of the machine now; nil where no step is under way.
    /// - Returns: nil where metric `index` compares nothing.
    package mutating func measure(
        _ index: Int, _ answer: CounterAnswer, _ sight: ComparisonSight?, startedAt: Timestamp, finishedAt: Timestamp
    ) -> Measurement? {
        comparators[index]?.measure(answer, sight, startedAt: startedAt, finishedAt: finishedAt)
    }

    /// The measurement of a window that was counted elsewhere, by the driver's own clock, as in a simulation.
    package func measure(_ index: Int, _ window: CountWindow, _ sight: ComparisonSight, at now: Timestamp)
        -> Measurement?
    {
        comparators[index]?.measure(window, sight, at: now)
    }
}

package import BelayCore

/// One metric, measured once and judged: what `analyze` shows.
package struct GateReading: Sendable {
    package let metric: Metric
    package let phase: MeasurementPhase
    package let verdict: Verdict
    package let value: String
    package let message: String

    /// What a rollout would do on these readings.
    package enum Consequence: Hashable, Sendable {
        /// Nothing stands against the canary.
        case none
        case wayBack
        /// A gate cannot be evaluated; more than its limit of errors would be the way back.
        case error
        case blindness
        /// A person would be called.
        case pause
    }

    /// Measures all gates at once: one slow provider delays no other.
    /// - Parameters:
    ///   - over: How far back comparisons and judges look.
    ///   - asked: The canary's share now, 0…1; nil where nobody knows.
    package static func measure(
        _ plan: Plan, _ provider: any MetricProvider, over: Duration, asked: Double?
    ) async -> [GateReading] {
        let moment = WallClock.systemTime
        return await withTaskGroup(of: (Int, GateReading).self) { group in
            for (index, metric) in plan.metrics.enumerated() where !metric.asksTarget {
                group.addTask { (index, await reading(metric, provider, over, asked, at: moment)) }
            }
            var readings: [(Int, GateReading)] = []
            for await reading in group { readings.append(reading) }
            return readings.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private static func reading(
        _ metric: Metric, _ provider: any MetricProvider, _ over: Duration, _ asked: Double?, at moment: Timestamp
    ) async -> GateReading {
        let gauge = Gauge(metric)
        let back = metric.judge.map { min($0.lookback ?? over, over) }
        let (phase, value, message): (MeasurementPhase, String, String)
        if metric.comparison == nil {
            let taken = await gauge.measure(provider, back: back, asked: asked, at: moment)
            (phase, value, message) = (taken.phase, taken.value, taken.message)
        } else {
            (phase, value, message) = await gauge.glance(provider, back: over, at: moment)
        }
        var tally = Tally()
        tally.add(phase, countsNoDataAsErrors: metric.countsNoDataAsErrors)
        let verdict = metric.limits.hasFailed(tally) ? .failed : metric.limits.assess(tally)
        return GateReading(
            metric: metric, phase: phase, verdict: metric.comparison == nil || phase != .failed ? verdict : .failed,
            value: value, message: message)
    }

    /// The worst that follows from any reading; dry runs do not count.
    package static func consequence(of readings: [GateReading]) -> Consequence {
        let gates = readings.filter { !$0.metric.isDryRun }
        func any(_ condition: (GateReading) -> Bool) -> Bool { gates.contains(where: condition) }
        if any({ $0.verdict == .failed || $0.verdict == .error }) { return .wayBack }
        if any({ $0.verdict == .inconclusive && $0.metric.onInconclusive == .rollback }) { return .wayBack }
        if any({ $0.phase == .error }) { return .error }
        if any({ $0.phase == .noData && $0.metric.onBlind == .rollback }) { return .blindness }
        if any({ $0.phase == .noData || $0.verdict == .inconclusive }) { return .pause }
        return .none
    }
}

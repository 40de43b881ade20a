internal import BelayAnalysis
package import BelayCore

/// Takes one metric's measurement: asks its provider and judges the answer.
package struct Gauge: Sendable {
    package let metric: Metric
    /// nil where a newer version wrote the plan: an error per measurement.
    private let evaluator: Evaluator?

    package init(_ metric: Metric) {
        self.metric = metric
        evaluator = try? Evaluator(metric)
    }

    /// - Parameters:
    ///   - back: How far back a judge looks; nil for others.
    ///   - asked: The share that the canary was asked to have during the whole window, 0…1; nil where it changed.
    ///   - moment: When it was asked for.
    package func take(
        _ provider: any MetricProvider, back: Duration?, asked: Double?, at moment: Timestamp
    ) async -> (MeasurementPhase, value: String, message: String) {
        if let judge = metric.judge, let back {
            return judge.judge(await provider.series(metric, back: back, at: moment))
        }
        let (answer, requests) = await provider.measure(metric, at: moment)
        guard let evaluator else { return (.error, answer.text, "its condition cannot be read by this version") }
        let (phase, message) = evaluator.phase(of: answer, requests: requests, asked: asked)
        return (phase, answer.text, message)
    }

    /// A comparison's look at the last stretch of time, without a rollout: what the counts say by themselves.
    package func glance(
        _ provider: any MetricProvider, back: Duration, at moment: Timestamp
    ) async -> (MeasurementPhase, value: String, message: String) {
        guard let comparison = metric.comparison, let query = metric.counters else { return (.error, "-", "") }
        let answer = await provider.counters(metric, back: back + query.lookback, at: moment)
        return Comparator.glance(answer, comparison, query, interval: metric.interval, back: back)
    }
}

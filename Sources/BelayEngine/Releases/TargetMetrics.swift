internal import BelayCore

/// Asks the target itself where a metric asks it, and the providers for all others.
struct TargetMetrics: MetricProvider {
    let others: any MetricProvider
    let router: any TrafficRouter

    var remarks: [String] { others.remarks }

    func measure(_ metric: Metric, at moment: Timestamp) async -> MetricReading {
        guard case .target(let question) = metric.source else { return await others.measure(metric, at: moment) }
        return await router.measure(question)
    }

    func vector(_ query: String, of metric: Metric, at moment: Timestamp) async -> VectorAnswer {
        await others.vector(query, of: metric, at: moment)
    }

    func counters(_ metric: Metric, back: Duration, at moment: Timestamp) async -> CounterAnswer {
        await others.counters(metric, back: back, at: moment)
    }

    func series(_ metric: Metric, back: Duration, at moment: Timestamp) async -> SeriesAnswer {
        await others.series(metric, back: back, at: moment)
    }
}

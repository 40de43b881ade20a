internal import BelayCore

/// Asks the target itself where a metric asks it, and the providers for all others, with the names that the target has now.
struct TargetMetrics: MetricProvider {
    let others: any MetricProvider
    let router: any TrafficRouter

    var remarks: [String] { others.remarks }

    func measure(_ metric: Metric, at moment: Timestamp) async -> MetricReading {
        guard case .target(let question) = metric.source else {
            return await others.measure(current(metric), at: moment)
        }
        return await router.measure(question)
    }

    func vector(_ query: String, of metric: Metric, at moment: Timestamp) async -> VectorAnswer {
        await others.vector(query.replacingAll(router.currentNames), of: metric, at: moment)
    }

    func counters(_ metric: Metric, back: Duration, at moment: Timestamp) async -> CounterAnswer {
        await others.counters(current(metric), back: back, at: moment)
    }

    func series(_ metric: Metric, back: Duration, at moment: Timestamp) async -> SeriesAnswer {
        await others.series(current(metric), back: back, at: moment)
    }

    private func current(_ metric: Metric) -> Metric {
        let names = router.currentNames
        return names.isEmpty ? metric : metric.updatingQueries { $0.replacingAll(names) }
    }
}

extension String {
    fileprivate func replacingAll(_ names: [String: String]) -> String {
        names.reduce(self) { $0.replacing($1.key, with: $1.value) }
    }
}

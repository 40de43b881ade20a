extension Metric {
    /// The same metric with each text in PromQL changed.
    package func updatingQueries(_ change: (String) -> String) -> Metric {
        var metric = self
        if let query = prometheus { metric.prometheus = query.updating(change) }
        if var judge {
            for index in judge.series.indices {
                judge.series[index].canary = change(judge.series[index].canary)
                judge.series[index].stable = change(judge.series[index].stable)
            }
            metric.judge = judge
        }
        return metric
    }
}

extension PrometheusQuery {
    fileprivate func updating(_ change: (String) -> String) -> PrometheusQuery {
        var query = self
        query.requestsQuery = requestsQuery.map(change)
        switch question {
        case .instant(let text): query.question = .instant(change(text))
        case .range(let text, let stretch): query.question = .range(change(text), stretch)
        case .counters(var counters):
            (counters.canary, counters.stable) = (change(counters.canary), change(counters.stable))
            counters.startTimes = counters.startTimes.map(change)
            query.question = .counters(counters)
        case .judged: break
        }
        return query
    }
}

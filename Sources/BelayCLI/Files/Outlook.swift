internal import BelayAnalysis
internal import BelayCore
internal import BelayMetrics

/// A comparison before its release: whether its counters are there, and what the traffic allows.
struct Outlook {
    let metric: Metric
    /// Numbers where everything is in place.
    let answer: MetricAnswer
    /// What stable does now; nil where too little is known of it.
    private let forecasts: [Forecast]

    static func look(at metric: Metric, _ provider: MetricProviders, at now: Timestamp) async -> Outlook {
        func outlook(_ answer: MetricAnswer, _ forecasts: [Forecast] = []) -> Outlook {
            Outlook(metric: metric, answer: answer, forecasts: forecasts)
        }
        guard let query = metric.counters, let comparison = metric.comparison else { return outlook(.list([])) }
        switch await provider.counters(metric, back: query.lookback, at: now) {
        case .noData(let message): return outlook(.noData(message))
        case .error(let message): return outlook(.error(message))
        case .samples(_, let stable, _):
            guard !stable.isEmpty else {
                return outlook(
                    .error(
                        "`\(query.stable)` gives no samples of stable in \(query.lookback.text); is the selector right?"
                    ))
            }
            if let wrong = CounterWindows.mismatch(stable, query) { return outlook(.error("stable: \(wrong)")) }
            guard let traffic = CounterWindows.traffic(stable, query), traffic.requests > 0 else {
                return outlook(.list([]))
            }
            let rate = traffic.requests / traffic.seconds
            return outlook(
                .list([rate]),
                traffic.bad.map {
                    Forecast(comparison, requestsPerSecond: rate, badShare: $0 / traffic.requests)
                })
        }
    }

    /// What `plan` says about it.
    func lines(_ plan: Plan) -> [String] {
        guard let comparison = metric.comparison else { return [] }
        var lines = timing(plan)
        if plan.steps.contains(where: { $0.weight == .full }) {
            lines.append(
                "    at 100 % stable has no traffic: the canary is held against the upper limit of stable's last rate"
                    + (comparison.delta.map { " or \(Self.percent($0)), the larger" } ?? "")
                    + ", e-value \(Int(Comparison.strictLimit))")
        }
        return lines
    }

    private func timing(_ plan: Plan) -> [String] {
        guard let first = forecasts.first else {
            return ["    stable has no traffic now: nothing can be said about how long the evidence takes"]
        }
        var lines: [String] = []
        lines.append(
            "    now \(Int(first.requestsPerSecond.rounded())) requests/s, "
                + "bad \(forecasts.map { Self.percent($0.badShare) }.joined(separator: ", "))")
        var isFirst = true
        for (index, step) in plan.steps.enumerated() where step.weight > .zero && step.weight < .full {
            // Several kinds of bad request are averaged for harm, and all of them have to pass.
            let abort = forecasts.compactMap { $0.secondsToAbort(ratio: 3, share: step.weight) }.min()
            let promotions = forecasts.map { $0.secondsToPromote(share: step.weight, isFirst: isFirst) }
            let promote = promotions.contains(nil) ? nil : promotions.compactMap(\.self).max()
            let noticed = abort.map { "a threefold rate is noticed in about \(Self.time($0))" }
            let passed = promote.map { "evidence to go on takes about \(Self.time($0))" }
            lines.append(
                "    step \(index + 1), \(step.weight.text): "
                    + [
                        noticed ?? "a threefold rate of nothing is nothing",
                        passed ?? "no evidence to go on without errors or `delta`",
                    ].joined(separator: "; "))
            isFirst = false
        }
        return lines
    }

    private static func percent(_ share: Double) -> String { "\(Comparator.short(share * 100)) %" }

    private static func time(_ seconds: Double) -> String {
        if seconds > 86_400 { return "more than a day" }
        return seconds < 90 ? "\(Int(seconds.rounded())) s" : "\(Int((seconds / 60).rounded())) min"
    }
}

internal import BelayAnalysis
package import BelayCore

/// Takes one metric's measurement: asks its provider and judges the answer.
package struct Gauge: Sendable {
    /// What a measurement came to.
    package struct Measured: Sendable {
        package var phase: MeasurementPhase
        package var value: String
        package var message: String
        /// How old its newest sample was; nil where that is not known.
        package var age: Duration?
        /// The requests in its window; nil where they are not asked for.
        package var requests: Double?
    }

    package let metric: Metric
    /// nil where this version cannot read the metric's condition, since a newer one wrote the plan. Each measurement is
    /// then an error.
    private let evaluator: Evaluator?

    package init(_ metric: Metric) {
        self.metric = metric
        evaluator = try? Evaluator(metric)
    }

    /// - Parameters:
    ///   - back: How far back a judge looks; nil for others.
    ///   - asked: The share that the canary was asked to have during the whole window, 0…1; nil where it changed.
    ///   - moment: When it was asked for.
    package func measure(
        _ provider: any MetricProvider, back: Duration?, asked: Double?, at moment: Timestamp
    ) async -> Measured {
        if let judge = metric.judge, let back {
            let age = await age(of: judge.series.map(\.canary), provider, at: moment)
            if case .unknown(let why) = age { return Measured(phase: .noData, value: "-", message: why) }
            let (phase, value, message) = judge.judge(await provider.series(metric, back: back, at: moment))
            return Measured(phase: phase, value: value, message: message, age: age.known)
        }
        // Asked first: what is answered after it can only be younger.
        let age = await age(of: metric.query.map { [$0] } ?? [], provider, at: moment)
        if case .unknown(let why) = age { return Measured(phase: .noData, value: "-", message: why) }
        let reading = await provider.measure(metric, at: moment)
        let isAtLeast = await isAtLeast(reading.answer, provider, at: moment)
        let value = isAtLeast ? "≥ \(reading.answer.text)" : reading.answer.text
        guard let evaluator else {
            return Measured(phase: .error, value: value, message: "its condition cannot be read by this version")
        }
        var (phase, message) = evaluator.phase(
            of: reading.answer, requests: reading.requests, asked: asked, isAtLeast: isAtLeast)
        if phase == .noData, case .known = age, let why = await seldom(provider, at: moment) { message += "; \(why)" }
        // A success needs no explanation, and a server's words are in the message already.
        let detail = phase == .failed || phase == .inconclusive ? reading.detail : ""
        return Measured(
            phase: phase, value: value, message: [message, detail].filter { !$0.isEmpty }.joined(separator: "; "),
            age: age.known, requests: evaluator.requests(in: reading.requests))
    }

    private enum Age {
        case known(Duration)
        /// The age of the samples cannot be asked for. The answer counts as one of the moment at which it was asked.
        case none
        /// The server could not say it now.
        case unknown(String)

        var known: Duration? { if case .known(let age) = self { age } else { nil } }
    }

    private func age(of queries: [String], _ provider: any MetricProvider, at moment: Timestamp) async -> Age {
        let declared = metric.declaredLag.map(Age.known) ?? .none
        guard !queries.isEmpty, let question = PromQL.ageQuery(of: queries) else { return declared }
        switch await provider.vector(question, of: metric, at: moment) {
        case .series(let found):
            // More than ten years is no age: the server has answered something else.
            guard let seconds = found.first?.value, seconds.isFinite, seconds < 315_360_000 else { return declared }
            return .known(.milliseconds(Int64(max(seconds, 0) * 1000)))
        case .error: return declared
        case .noData(let why): return .unknown("the age of its samples is not known: \(why)")
        }
    }

    /// A text where the query's range holds fewer than two samples, and is therefore empty whatever the traffic; else
    /// nil.
    private func seldom(_ provider: any MetricProvider, at moment: Timestamp) async -> String? {
        guard let query = metric.query, let range = PromQL.longestRange(in: query), range > .zero,
            let selector = PromQL.selectors(in: query)?.last
        else { return nil }
        let counting = "max(count_over_time(\(selector.text)[5m]))"
        guard case .series(let found) = await provider.vector(counting, of: metric, at: moment),
            let count = found.first?.value, count >= 1
        else { return nil }
        let period = Duration.seconds(Int((300 / count).rounded()))
        guard period * 2 > range else { return nil }
        return "samples come every \(period.text), and the range of \(range.text) holds fewer than two of them"
    }

    /// Whether a quantile fell into the histogram's last bucket, of which only the lower bound is known.
    private func isAtLeast(_ answer: MetricAnswer, _ provider: any MetricProvider, at moment: Timestamp) async -> Bool {
        guard let quantile = metric.query.flatMap(PromQL.quantile) else { return false }
        switch answer {
        case .scalar, .list: break
        case .json, .noData, .error: return false
        }
        guard case .series(let buckets) = await provider.vector(quantile.buckets, of: metric, at: moment) else {
            return false
        }
        return BucketGroup.all(buckets).contains { $0.isBeyondLast(quantile.quantile) }
    }

    /// Compares the counts of the last `back` once, without a rollout and without what was counted before.
    package func glance(
        _ provider: any MetricProvider, back: Duration, at moment: Timestamp
    ) async -> (MeasurementPhase, value: String, message: String) {
        guard let comparison = metric.comparison, let query = metric.counters else { return (.error, "-", "") }
        let answer = await provider.counters(metric, back: back + query.lookback, at: moment)
        return Comparator.glance(answer, comparison, query, interval: metric.interval, back: back)
    }
}

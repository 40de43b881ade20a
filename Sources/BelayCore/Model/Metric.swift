/// One metric of a frozen plan: what to ask, how to judge the answer, and how often.
package struct Metric: Hashable, Sendable {
    /// When a metric is measured.
    package enum Scope: Hashable, Sendable {
        /// From the first canary request to the end.
        case always
        /// In the hold of one step, which it must conclude.
        case step(Int)
    }

    /// What an answer without numbers means.
    package enum NoData: String, Hashable, Sendable, CaseIterable {
        /// No data is never success: it uses up no limit until `blindFor`.
        case wait
        /// The conditions see NaN and emptiness, as in Argo Rollouts.
        case evaluate
    }

    /// What follows where a metric gives no data for `blindFor`, or is inconclusive.
    package enum Answer: String, Hashable, Sendable, CaseIterable {
        case rollback, pause
    }

    /// Limits as Argo Rollouts counts them: totals over the run, except the two that are consecutive.
    package struct Limits: Hashable, Sendable {
        package var count: Int?
        /// The metric fails when more measurements than this have failed; -1 turns the limit off.
        package var failure = 0
        package var inconclusive = 0
        package var consecutiveErrors = 4
        /// 0 turns it off.
        package var consecutiveSuccesses = 0

        package init() {}
    }

    package var name: String
    package var scope: Scope = .always
    package var interval: Duration = .seconds(15)
    package var initialDelay: Duration = .zero
    package var limits = Limits()
    /// A template that states `consecutiveErrorLimit` itself has every evaluation without a result counted, as in Argo.
    package var countsNoDataAsErrors = false
    package var successCondition: String?
    package var failureCondition: String?
    package var noData: NoData = .wait
    package var blindFor: Duration = .seconds(300)
    package var onBlind: Answer = .rollback
    package var onInconclusive: Answer = .pause
    /// How far back one answer looks: declared, or the longest range in the query.
    package var window: Duration = .zero
    package var minRequests: Int?
    /// The largest value that is good, where the file says just that: `max`.
    package var most: Double?
    /// Canary against stable on counts, in place of conditions.
    package var comparison: Comparison?
    /// Kayenta's judgement, in place of conditions.
    package var judge: Judge?
    /// The metric is measured, recorded and shown, and decides nothing.
    package var isDryRun = false
    package var source: MetricSource

    package init(name: String, source: MetricSource) {
        self.name = name
        self.source = source
    }

    package init(name: String, query: PrometheusQuery) { self.init(name: name, source: .prometheus(query)) }

    package var prometheus: PrometheusQuery? {
        get { if case .prometheus(let query) = source { query } else { nil } }
        set { if let newValue { source = .prometheus(newValue) } }
    }

    /// Whether its measurements tell that there was traffic at all.
    package var countsRequests: Bool { comparison != nil || prometheus?.requestsQuery != nil }

    package var counters: CounterQuery? { prometheus?.counters }

    /// Whether it can only be measured while stable has traffic, too.
    package var needsStable: Bool { judge != nil }

    /// The wait before the next measurement. After an error or no data it is Argo's fixed 10 s, or the metric's
    /// interval where that is shorter.
    package func pause(after phase: MeasurementPhase?) -> Duration {
        switch phase {
        case .error, .noData: min(interval, .seconds(10))
        case .successful, .failed, .inconclusive, nil: interval
        }
    }
}

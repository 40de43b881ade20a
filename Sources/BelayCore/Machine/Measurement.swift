/// One evaluation of one metric.
package struct Measurement: Hashable, Sendable {
    /// The metric's place in the plan.
    package let metric: Int
    package let phase: MeasurementPhase
    /// What the provider answered, for people: `0.0312`, `[10,11]`, `NaN`.
    package let value: String
    package let message: String
    package let startedAt: Timestamp
    package let finishedAt: Timestamp
    /// The time of the newest sample that the value was computed from, by the driver's clock; nil: not known, and
    /// `startedAt` counts.
    package let sampledAt: Timestamp?
    /// The requests in its window, where the metric has a query for them.
    package let requests: Double?
    /// Whether the window was looked at and had no request in it. Its time counts as watched, and the stretch without
    /// data goes on.
    package let isIdle: Bool
    /// What a comparison knew with it; nil where there was no new window.
    package let evidence: Evidence?

    package init(
        metric: Int, phase: MeasurementPhase, value: String, message: String = "", startedAt: Timestamp,
        finishedAt: Timestamp, sampledAt: Timestamp? = nil, requests: Double? = nil, isIdle: Bool = false,
        evidence: Evidence? = nil
    ) {
        self.sampledAt = sampledAt
        self.requests = requests
        self.isIdle = isIdle
        self.evidence = evidence
        self.metric = metric
        self.phase = phase
        self.value = value
        self.message = message
        self.startedAt = startedAt
        self.finishedAt = finishedAt
    }

    /// The moment up to which the measurement looks.
    package var looksTo: Timestamp { sampledAt ?? startedAt }

    /// Whether its time counts as watched.
    package var coversTime: Bool { phase.hasData || isIdle }

    /// The same measurement as no data, because its samples are older than what it should be about.
    var asTooOld: Measurement {
        guard phase != .noData, phase != .error else { return self }
        return Measurement(
            metric: metric, phase: .noData, value: value, message: "its samples are from before the canary had traffic",
            startedAt: startedAt, finishedAt: finishedAt, sampledAt: sampledAt, requests: nil, evidence: evidence)
    }
}

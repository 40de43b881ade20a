/// How far one metric has come.
package struct MetricProgress: Hashable, Sendable {
    /// Counts of measurements. `counted` and `consecutiveSuccesses` are of the present step and count only fresh ones;
    /// the others are of the whole rollout, or of its step where the metric belongs to one.
    package var tally = Tally()
    package var isSkipped = false
    package var lastPhase: MeasurementPhase?
    package var lastValue = ""
    package var lastMessage = ""
    /// The requests in the last measurement's window; nil where they are not asked for.
    package var lastRequests: Double?
    /// When the last measurement that saw a request of the canary began, in this step; or the end of a later pause.
    package var lastRequestAt: Timestamp?
    package var lastIsFresh = false
    /// This metric's verdict where it ended or paused the rollout, and the sentence that says why; nil otherwise.
    package var verdict: Verdict?
    package var verdictMessage = ""
    package var lastFinishedAt: Timestamp?
    /// When the present stretch without data began.
    package var blindSince: Timestamp?
    /// The present unbroken stretch of measurements with data.
    package var coveredFrom: Timestamp?
    package var coveredTo: Timestamp?
    /// What a comparison knows.
    package var evidence = EvidenceProgress()
    /// The moment at which a comparison's first window begins: the start of the step that gives the canary traffic
    /// after it had none, or of the step that the metric belongs to.
    package var comparesFrom: Timestamp?
    /// When the last window was counted, by the driver's clock.
    package var countedAt: Timestamp?

    package init() {}

    /// Begins a step: what the step needs to pass is counted anew. Failures stay counted unless `resettingTally` is
    /// true.
    package mutating func startStep(resettingTally: Bool) {
        if resettingTally { tally = Tally() }
        gatherAnew()
        lastRequestAt = nil
        if resettingTally { lastFinishedAt = nil }
    }

    /// Notes that the share was confirmed, perhaps once more: what the step needs to pass is counted anew. Failures
    /// stay counted.
    package mutating func gatherAnew() {
        (tally.counted, tally.consecutiveSuccesses, lastIsFresh) = (0, 0, false)
        evidence.confirm()
    }

    /// Begins to compare: the canary gets traffic that a comparison can be about, after it had none.
    package mutating func startComparing(at now: Timestamp) {
        comparesFrom = now
        (lastFinishedAt, blindSince) = (nil, nil)
    }

    /// Notes a gap (a crash, a clock jump, a router out of reach). The time before it stays watched, the time in it is
    /// not.
    package mutating func breakCoverage() { (coveredFrom, coveredTo) = (nil, nil) }

    /// Folds one measurement of this metric.
    package mutating func add(_ event: Event.Measured, of metric: Metric) {
        let measurement = event.measurement
        let (counted, successes) = (tally.counted, tally.consecutiveSuccesses)
        tally.add(measurement.phase, countsNoDataAsErrors: metric.countsNoDataAsErrors)
        if !event.isFresh {
            (tally.counted, tally.consecutiveSuccesses) = (counted, min(successes, tally.consecutiveSuccesses))
        }
        (lastPhase, lastValue, lastIsFresh) = (measurement.phase, measurement.value, event.isFresh)
        (lastMessage, lastRequests) = (measurement.message, measurement.requests)
        lastFinishedAt = measurement.finishedAt
        if measurement.requests ?? measurement.evidence?.window.canaryRequests ?? 0 > 0 {
            lastRequestAt = measurement.startedAt
        }
        if let known = measurement.evidence {
            evidence.add(known)
            countedAt = measurement.finishedAt
        }
        switch measurement.phase {
        case .noData: blindSince = blindSince ?? measurement.startedAt
        case .successful, .failed, .inconclusive, .error: blindSince = nil
        }
        if measurement.isIdle { countedAt = measurement.finishedAt }
        if measurement.coversTime {
            coveredFrom = stretchStart(with: measurement, interval: metric.interval)
            coveredTo = measurement.finishedAt
        }
    }

    /// The beginning of the unbroken stretch that ends with this measurement. A gap of more than two intervals begins a
    /// new stretch, and so does an answer that took longer than that.
    package func stretchStart(with measurement: Measurement, interval: Duration) -> Timestamp {
        if let coveredFrom, let coveredTo, coveredTo.duration(to: measurement.finishedAt) <= interval * 2 {
            return coveredFrom
        }
        let took = measurement.startedAt.duration(to: measurement.finishedAt)
        return took <= interval * 2 ? measurement.startedAt : measurement.finishedAt
    }
}

extension MeasurementPhase {
    /// Whether the provider answered with something that could be judged.
    package var hasData: Bool {
        switch self {
        case .successful, .failed, .inconclusive: true
        case .error, .noData: false
        }
    }
}

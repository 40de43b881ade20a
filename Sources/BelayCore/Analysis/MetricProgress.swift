/// How far one metric has come.
package struct MetricProgress: Hashable, Sendable {
    /// Limits count over the whole rollout; `count` and consecutive successes over the present step's fresh ones.
    package var tally = Tally()
    package var isSkipped = false
    package var lastPhase: MeasurementPhase?
    package var lastValue = ""
    package var lastMessage = ""
    /// The requests in the last measurement's window; nil where they are not asked for.
    package var lastRequests: Double?
    /// When the last measurement with a request of the canary in it was taken, in this step; after a pause, its end.
    package var lastRequestAt: Timestamp?
    package var lastIsFresh = false
    /// What ended the rollout, where this metric did: its verdict and the sentence that says why.
    package var verdict: Verdict?
    package var verdictMessage = ""
    package var lastFinishedAt: Timestamp?
    /// When the present stretch without data began.
    package var blindSince: Timestamp?
    /// The present unbroken stretch of measurements with data.
    package var coveredFrom: Timestamp?
    package var coveredTo: Timestamp?
    /// Every window of a comparison with what was known after it, oldest first: the record a verdict can be replayed from.
    package var evidence: [Evidence] = []
    /// How many windows there were when the present share was last confirmed: a step passes on later ones.
    package var evidenceAtConfirmation = 0
    /// From when on windows are cut: the canary's first traffic after it had none, or the step that the metric belongs to.
    package var comparesFrom: Timestamp?
    /// When the last window was counted, by the driver's clock.
    package var countedAt: Timestamp?

    package init() {}

    package mutating func startStep(resettingTally: Bool) {
        if resettingTally { tally = Tally() }
        gatherAnew()
        lastRequestAt = nil
        if resettingTally { lastFinishedAt = nil }
    }

    /// The share was confirmed, once more perhaps: whatever passes the step is gathered from here on. Failures stay counted.
    package mutating func gatherAnew() {
        (tally.counted, tally.consecutiveSuccesses, lastIsFresh) = (0, 0, false)
        evidenceAtConfirmation = evidence.count
    }

    /// The last window of step `step` since its share was confirmed; nil where there is none yet.
    package func evidence(ofStep step: Int?) -> Evidence? {
        guard evidence.count > evidenceAtConfirmation, let last = evidence.last, last.step == step else { return nil }
        return last
    }

    /// Whether the next whole window of step `step` is the first since its share was confirmed once more.
    package func beginsAnew(inStep step: Int) -> Bool {
        let before = evidence.prefix(evidenceAtConfirmation).reversed().prefix { $0.step == step }
        return before.contains(where: \.isWhole)
            && !evidence.dropFirst(evidenceAtConfirmation).contains { $0.isWhole && $0.step == step }
    }

    /// The canary has traffic that a comparison can be about, after it had none.
    package mutating func startComparing(at now: Timestamp) {
        comparesFrom = now
        (lastFinishedAt, blindSince) = (nil, nil)
    }

    /// A gap: a crash, a clock jump, a router out of reach. What lies before it is counted; what lies in it is not.
    package mutating func breakCoverage() { (coveredFrom, coveredTo) = (nil, nil) }

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
            evidence.append(known)
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

    /// A gap of more than two intervals begins a new stretch; waiting that long for one answer is a gap, too.
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

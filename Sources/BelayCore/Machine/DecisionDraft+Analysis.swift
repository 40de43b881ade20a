extension DecisionDraft {
    mutating func takeMeasurement(_ measurement: Measurement) {
        let index = measurement.metric
        guard machine.activeMetrics.contains(index) else { return }  // Late: its step or the rollout is over.
        if let last = state.metrics[index].lastFinishedAt, measurement.startedAt < last { return }  // A stale answer.
        let measurement = isAboutTheCanary(measurement) ? measurement : measurement.asTooOld
        let (watched, until) = credit(measurement)
        emit(
            .measured(
                .init(measurement: measurement, isFresh: isFresh(measurement), watched: watched, watchedUntil: until)))
        judge(index, at: measurement.finishedAt)
    }

    /// Whether the samples can be about the canary. Samples from before it could have traffic are about another
    /// release, or about none, and fail no gate. In a step with share 0 the side without traffic is what is measured.
    private func isAboutTheCanary(_ measurement: Measurement) -> Bool {
        guard machine.watchedStep != nil, let share = machine.wantedShare, share > .zero,
            let since = state.watchingSince
        else {
            return true
        }
        return measurement.looksTo >= since
    }

    /// Whether the measurement's whole window lies after the confirmation of the present share. For a comparison
    /// without a new window the answer for its last window stays.
    private func isFresh(_ measurement: Measurement) -> Bool {
        let metric = plan.metrics[measurement.metric]
        if metric.comparison != nil {
            return measurement.evidence?.isWhole ?? state.metrics[measurement.metric].lastIsFresh
        }
        return state.confirmed != nil && state.confirmed == machine.wantedShare
            && measurement.looksTo >= machine.verifiedAt.advanced(by: metric.window)
    }

    /// The hold's watched time after this measurement, and up to when it is counted. Time counts where it lies in the
    /// unbroken stretches of all gates at once.
    private func credit(_ measurement: Measurement) -> (Duration, Timestamp?) {
        let unchanged = (state.watched, state.watchedUntil)
        guard case .step(_, .holding) = state.phase, measurement.coversTime, isInForce else { return unchanged }
        guard machine.gates.contains(measurement.metric) else { return unchanged }
        var from = state.watchedUntil ?? state.phaseSince
        var to = measurement.finishedAt
        for index in machine.gates {
            let progress = state.metrics[index]
            if index == measurement.metric {
                from = max(from, progress.stretchStart(with: measurement, interval: plan.metrics[index].interval))
            } else {
                guard let start = progress.coveredFrom, let end = progress.coveredTo else { return unchanged }
                from = max(from, start)
                to = min(to, end)
            }
        }
        from = max(from, state.phaseSince)
        return to > from ? (state.watched + from.duration(to: to), to) : unchanged
    }

    var isInForce: Bool { machine.isInForce }

    private mutating func judge(_ index: Int, at finished: Timestamp) {
        let (metric, progress) = (plan.metrics[index], state.metrics[index])
        if progress.isSkipped || metric.isDryRun { return }
        if !metric.countsNoDataAsErrors, let since = progress.blindSince,
            since.duration(to: finished) >= metric.blindFor
        {
            let why = progress.lastMessage.isEmpty ? "" : ", the last: \(progress.lastMessage)"
            return blind(metric, "\(metric.name) gave no data for \(since.duration(to: finished).text)\(why)")
        }
        if let harm = harm(seenBy: index) {
            emit(.verdict(metric: index, verdict: .failed, message: harm))
            return returnTraffic(Cause(.gate, harm))
        }
        let verdict = metric.limits.hasFailed(progress.tally) ? .failed : metric.limits.assess(progress.tally)
        let message = "\(metric.name): \(metric.limits.explain(verdict, progress.tally))\(ending(of: progress))"
        switch verdict {
        case .pending, .running, .successful: return
        case .failed, .error:
            emit(.verdict(metric: index, verdict: verdict, message: message))
            returnTraffic(Cause(.gate, message))
        case .inconclusive:
            if state.pause != nil, metric.onInconclusive == .pause { return }
            emit(.verdict(metric: index, verdict: verdict, message: message))
            answer(metric.onInconclusive, Cause(.gate, message))
        }
    }

    /// The last measurement's value and message, as the end of a sentence.
    private func ending(of progress: MetricProgress) -> String {
        let hasValue = !progress.lastValue.isEmpty && progress.lastValue != "-"
        let message = progress.lastMessage
        if hasValue { return ", last value \(progress.lastValue)\(message.isEmpty ? "" : " (\(message))")" }
        return message.isEmpty ? "" : ", the last: \(message)"
    }

    private mutating func blind(_ metric: Metric, _ message: String) {
        if state.pause == nil || metric.onBlind == .rollback { answer(metric.onBlind, Cause(.blind, message)) }
    }

    private mutating func answer(_ answer: Metric.Answer, _ cause: Cause) {
        switch answer {
        case .rollback: returnTraffic(cause)
        // An adoption under way is not paused: a person looks, and may abort it.
        case .pause where state.isClosing: if state.attention == nil { emit(.attentionNeeded(cause.message)) }
        case .pause: emit(.paused(message: cause.message, until: now.advanced(by: plan.waitLimit)))
        }
    }

    /// Metric `index` has given no answer for too long: a measurement that never comes back must not keep a canary
    /// unwatched for ever.
    mutating func noteSilence(of index: Int) {
        let since = machine.silentSince(index, at: now).duration(to: now)
        blind(plan.metrics[index], "\(plan.metrics[index].name) has not been measured for \(since.text)")
    }

    /// The gates answer too seldom: their stretches never add up to a hold, and without this nobody would be told why.
    mutating func noteUnwatched() {
        let late = machine.gates.min { one, other in
            func coveredTo(_ index: Int) -> Int64 { state.metrics[index].coveredTo?.milliseconds ?? .min }
            return coveredTo(one) < coveredTo(other)
        }
        guard state.pause == nil, let late, case .step(let step, .holding) = state.phase else { return }
        let why = state.metrics[late].lastMessage
        blind(
            plan.metrics[late],
            "\(plan.metrics[late].name) answers too seldom: watched \(state.watched.text) of "
                + "\(plan.steps[step].hold.max.text) in \(state.phaseSince.duration(to: now).text)"
                + (why.isEmpty ? "" : ", the last: \(why)"))
    }

    /// The step gives the canary traffic, and metric `index` has seen no request of it for too long.
    mutating func noteIdleness(of index: Int) {
        guard state.pause == nil, let since = machine.idleSince(index)?.duration(to: now) else { return }
        blind(
            plan.metrics[index], "\(plan.metrics[index].name): no request of the canary for \(since.text)")
    }

    /// Counts the watched time of a hold without gates. There no measurement carries it, so the time in which a driver
    /// is present counts as watched.
    mutating func watchWithoutMetrics() {
        guard case .step(let step, .holding) = state.phase, machine.gates.isEmpty, isInForce else { return }
        let from = state.watchedUntil ?? now
        let gap = from.duration(to: now)
        let counted = gap <= RolloutMachine.heartbeat * 2 ? state.watched + gap : state.watched
        let isDue = state.watchedUntil == nil || gap >= RolloutMachine.heartbeat || counted >= plan.steps[step].hold.max
        if isDue, counted > state.watched || state.watchedUntil == nil || gap > RolloutMachine.heartbeat * 2 {
            emit(.watched(total: counted, until: now))
        }
    }

    /// Whether the step has been watched long enough and every gate allows to leave it.
    func holdIsOver(of step: Int) -> Bool {
        guard state.pause == nil, isInForce else { return false }
        if state.isHoldEnded { return true }
        let hold = plan.steps[step].hold
        guard state.watched >= hold.min, gatesAllowLeaving else { return false }
        return state.watched >= hold.max || hasEvidence
    }

    /// Each gate has a fresh, successful last measurement, and as many as it asks for.
    var gatesAllowLeaving: Bool {
        machine.gates.allSatisfy { index in
            let (metric, progress) = (plan.metrics[index], state.metrics[index])
            guard progress.lastPhase == .successful, progress.lastIsFresh, hasSeenRequests(index) else { return false }
            guard progress.tally.counted >= metric.limits.count ?? 1, machine.doubt(about: index) == nil else {
                return false
            }
            return progress.tally.consecutiveSuccesses >= metric.limits.consecutiveSuccesses
        }
    }

    /// Whether a gate that counts requests has seen one: it passes no step without. A comparison checks this by its own
    /// `minRequests`.
    private func hasSeenRequests(_ index: Int) -> Bool {
        guard let step = state.step, plan.share(ofStep: step) > .zero, plan.metrics[index].countsRequests,
            plan.metrics[index].comparison == nil
        else { return true }
        return state.metrics[index].lastRequests ?? 0 > 0
    }

    /// Whether the hold may end before its `max`: every comparison has shown that the canary is no worse. Where there
    /// is no comparison, every gate must say how many measurements are enough; `gatesAllowLeaving` has checked that it
    /// has them.
    private var hasEvidence: Bool {
        let comparing = machine.gates.filter { plan.metrics[$0].comparison != nil }
        guard comparing.isEmpty else { return comparing.allSatisfy(isNoWorse) }
        return !machine.gates.isEmpty
            && machine.gates.allSatisfy { index in
                let limits = plan.metrics[index].limits
                return limits.count != nil || limits.consecutiveSuccesses > 0
            }
    }
}

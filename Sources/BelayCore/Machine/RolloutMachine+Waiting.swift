/// Why a step has not ended yet, in words for people who wait for it.
extension RolloutMachine {
    /// What metric `index` still lacks before it lets the present step end; nil where it lacks nothing.
    package func waiting(for index: Int, at now: Timestamp) -> String? {
        guard let step = state.step, plan.metrics.indices.contains(index) else { return nil }
        let (metric, progress) = (plan.metrics[index], state.metrics[index])
        if let comparison = metric.comparison { return waiting(for: index, comparison, inStep: step) }
        guard let phase = progress.lastPhase else { return "not measured yet" }
        switch phase {
        case .successful: break
        case .failed, .inconclusive: return "its last measurement is \(phase.rawValue)"
        case .error, .noData: return progress.lastMessage.isEmpty ? phase.rawValue : progress.lastMessage
        }
        if !progress.lastIsFresh {
            let left = verifiedAt.advanced(by: metric.window).duration(to: now)
            return left < .zero
                ? "its window of \(metric.window.text) has to lie in the step, \((.zero - left).rounded.text) left"
                : "its newest sample is too old: the window of \(metric.window.text) still reaches back behind this step"
        }
        if metric.countsRequests, plan.share(ofStep: step) > .zero, progress.lastRequests ?? 0 == 0 {
            return "no request of the canary yet"
        }
        if let count = metric.limits.count, progress.tally.counted < count {
            return "\(progress.tally.counted) of \(count) measurements"
        }
        let wanted = metric.limits.consecutiveSuccesses
        return progress.tally.consecutiveSuccesses < wanted
            ? "\(progress.tally.consecutiveSuccesses) of \(wanted) successes in a row" : nil
    }

    /// Why metric `index` does not let its step end by itself; nil where it does, and for a metric that compares
    /// nothing.
    package func doubt(about index: Int) -> String? {
        let metric = plan.metrics[index]
        guard let comparison = metric.comparison else { return nil }
        guard let evidence = state.metrics[index].evidence.last(ofStep: watchedStep),
            evidence.requests >= Double(comparison.minRequests)
        else {
            let seen = Int(state.metrics[index].evidence.last(ofStep: watchedStep)?.requests ?? 0)
            return "\(metric.name): \(seen) requests of the canary in this step, minRequests \(comparison.minRequests)"
        }
        guard evidence.reference > 0 else { return "\(metric.name): stable showed no requests to compare with" }
        guard evidence.harm < comparison.suspicion else {
            return "\(metric.name) is suspicious: \(state.metrics[index].lastValue)"
        }
        return nil
    }

    private func waiting(for index: Int, _ comparison: Comparison, inStep step: Int) -> String? {
        let called = "; a person is called at \(max(comparison.suspicionLimit, plan.steps[step].hold.max).text)"
        guard let evidence = state.metrics[index].evidence.last(ofStep: step) else {
            let message = state.metrics[index].lastMessage
            return "0 of \(comparison.minRequests) requests" + (message.isEmpty ? "" : " (\(message))") + called
        }
        if evidence.requests < Double(comparison.minRequests) {
            return "\(Int(evidence.requests)) of \(comparison.minRequests) requests\(called)"
        }
        if evidence.reference <= 0 { return "stable showed no requests to compare with\(called)" }
        if evidence.harm >= comparison.suspicion {
            let value = (min(evidence.harm, 1e6) * 10).rounded() / 10
            return "suspicious, evidence \(value) (taken back at \(Int(evidence.harmLimit)))\(called)"
        }
        return nil
    }
}

extension Duration {
    /// Whole seconds, rounded up.
    fileprivate var rounded: Duration { .seconds((wholeMilliseconds + 999) / 1000) }
}

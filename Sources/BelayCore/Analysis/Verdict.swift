/// What a metric's measurements amount to.
package enum Verdict: String, Hashable, Sendable, CaseIterable {
    case pending, running, successful, inconclusive, error, failed
}

extension Metric.Limits {
    /// The assessment of Argo Rollouts' `assessMetricStatus`, in its literal order. Where Belay differs (a `count`
    /// never ends the watching, no data is no error) the machine differs, not this function.
    package func assess(_ tally: Tally, isMeasuring: Bool = false, isTerminating: Bool = false) -> Verdict {
        if isMeasuring { return .running }
        if tally.total == 0 { return isTerminating ? .successful : .pending }
        if consecutiveErrorsExceeded(by: tally) { return .error }
        if tally.inconclusive > inconclusive { return .inconclusive }
        if hasFailed(tally) { return .failed }
        if consecutiveSuccesses > 0, tally.consecutiveSuccesses >= consecutiveSuccesses { return .successful }
        if let count, tally.counted >= count {
            switch (failure >= 0, consecutiveSuccesses > 0) {
            case (true, true): return .inconclusive
            case (false, true): return .failed
            case (_, false): return .successful
            }
        }
        return isTerminating ? .successful : .running
    }

    /// Whether there were more failures than allowed. In Argo a crossed inconclusive limit hides this, so Belay's gates
    /// look here before they call `assess`.
    package func hasFailed(_ tally: Tally) -> Bool { failure >= 0 && tally.failed > failure }

    private func consecutiveErrorsExceeded(by tally: Tally) -> Bool { tally.consecutiveErrors > consecutiveErrors }

    /// A verdict in words: `2 failed, failureLimit 1`.
    package func explain(_ verdict: Verdict, _ tally: Tally) -> String {
        switch verdict {
        case .failed where hasFailed(tally):
            "\(tally.failed) failed, failureLimit \(failure)"
        case .failed: "\(tally.counted) measurements without \(consecutiveSuccesses) successes in a row"
        case .inconclusive: "\(tally.inconclusive) inconclusive, inconclusiveLimit \(inconclusive)"
        case .error: "\(tally.consecutiveErrors) errors in a row, consecutiveErrorLimit \(consecutiveErrors)"
        case .pending, .running, .successful: verdict.rawValue
        }
    }
}

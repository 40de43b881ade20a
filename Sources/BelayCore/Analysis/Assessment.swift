/// What a metric's measurements amount to.
package enum Verdict: String, Hashable, Sendable, CaseIterable {
    case pending, running, successful, inconclusive, error, failed
}

/// Counts of one metric's measurements.
package struct Tally: Hashable, Sendable {
    package var failed = 0
    package var inconclusive = 0
    package var consecutiveErrors = 0
    package var consecutiveSuccesses = 0
    /// What `count` is compared with: measurements that gave a verdict. Errors do not use it up.
    package var counted = 0
    package var total = 0

    package init() {}

    package mutating func add(_ phase: MeasurementPhase, countsNoDataAsErrors: Bool = false) {
        total += 1
        switch phase {
        case .successful:
            counted += 1
            consecutiveSuccesses += 1
            consecutiveErrors = 0
        case .failed:
            counted += 1
            failed += 1
            (consecutiveSuccesses, consecutiveErrors) = (0, 0)
        case .inconclusive:
            counted += 1
            inconclusive += 1
            (consecutiveSuccesses, consecutiveErrors) = (0, 0)
        case .error:
            consecutiveErrors += 1
            consecutiveSuccesses = 0
        case .noData where countsNoDataAsErrors:
            consecutiveErrors += 1
            consecutiveSuccesses = 0
        case .noData:
            consecutiveSuccesses = 0
        }
    }
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

    /// More failures than allowed. Argo lets a crossed inconclusive limit hide this; Belay's gates look here first.
    package func hasFailed(_ tally: Tally) -> Bool { failure >= 0 && tally.failed > failure }

    private func consecutiveErrorsExceeded(by tally: Tally) -> Bool { tally.consecutiveErrors > consecutiveErrors }

    /// What a crossed limit reads like: `2 failed measurements, 1 allowed`.
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

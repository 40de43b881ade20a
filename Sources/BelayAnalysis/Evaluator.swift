package import BelayCore

/// A metric's conditions, parsed once, applied to each answer.
package struct Evaluator: Sendable {
    private let metric: Metric
    private let success: Condition?
    private let failure: Condition?
    /// The query gives a scalar: VictoriaMetrics answers it as a vector of one.
    private let isScalar: Bool

    /// - Throws: ``ConditionError`` where a condition of the frozen plan cannot be read.
    package init(_ metric: Metric) throws(ConditionError) {
        self.metric = metric
        success = if let text = metric.successCondition { try Condition(text) } else { nil }
        failure = if let text = metric.failureCondition { try Condition(text) } else { nil }
        isScalar =
            if case .instant(let text)? = metric.prometheus?.question {
                PromQL.shape(of: text) == .scalar
            } else {
                false
            }
    }

    /// The measurement's phase by Argo Rollouts' `EvaluateResult`, and a message where there is something to say.
    /// No data is never success: without `noData: evaluate`, emptiness and NaN do not reach the conditions.
    /// - Parameter requests: The requests in the window, where `minRequests` asks for them.
    package func phase(of answer: MetricAnswer, requests: MetricAnswer? = nil) -> (MeasurementPhase, String) {
        if isScalar, case .list(let numbers) = answer, numbers.count == 1 {
            return phase(of: .scalar(numbers[0]), requests: requests)
        }
        switch answer {
        case .noData(let message): return (.noData, message)
        case .error(let message): return (.error, message)
        case .scalar, .list, .json: break
        }
        if let few = tooFew(requests) { return few }
        if metric.noData == .wait, let missing = missingData(in: answer) { return (.noData, missing) }
        do throws(ConditionError) {
            if let failure, try failure.holds(for: answer) { return (.failed, "`\(failure.text)` holds") }
            guard let success else { return (.successful, "") }
            if try success.holds(for: answer) { return (.successful, "") }
            return failure == nil
                ? (.failed, "`\(success.text)` does not hold") : (.inconclusive, "neither condition holds")
        } catch {
            return (.error, "the condition cannot be evaluated: \(error.message)")
        }
    }

    private func missingData(in answer: MetricAnswer) -> String? {
        switch answer {
        case .scalar(let number): number.isNaN ? "the answer is NaN" : nil
        case .list(let numbers) where numbers.isEmpty: "the answer is empty"
        case .list(let numbers): numbers.contains(where: \.isNaN) ? "the answer has NaN" : nil
        case .json(.null, _): "the answer is null"
        case .json(.array([]), _): "the answer is empty"
        case .json, .noData, .error: nil
        }
    }

    private func tooFew(_ requests: MetricAnswer?) -> (MeasurementPhase, String)? {
        guard let wanted = metric.minRequests else { return nil }
        switch requests {
        case .scalar(let seen):
            return seen >= Double(wanted)
                ? nil : (.noData, "\(Int(seen.isFinite ? seen : 0)) requests seen, minRequests \(wanted)")
        case .list(let seen) where seen.count == 1: return tooFew(.scalar(seen[0]))
        case .list([]), nil: return (.noData, "no requests seen, minRequests \(wanted)")
        case .list(let several): return (.error, "requestsQuery gives \(several.count) series, one is expected")
        case .noData(let message): return (.noData, message)
        case .json: return (.error, "requestsQuery gives no number")
        case .error(let message): return (.error, "requestsQuery: \(message)")
        }
    }
}

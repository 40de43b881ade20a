package import BelayCore

/// A metric's conditions, parsed once, applied to each answer.
package struct Evaluator: Sendable {
    private let metric: Metric
    private let success: Condition?
    private let failure: Condition?
    /// The query gives a scalar: VictoriaMetrics answers it as a vector of one.
    private let isScalar: Bool
    private let used: Set<Condition.Variable>

    /// - Throws: ``ConditionError`` where a condition of the frozen plan cannot be read.
    package init(_ metric: Metric) throws(ConditionError) {
        self.metric = metric
        success = if let text = metric.successCondition { try Condition(text) } else { nil }
        failure = if let text = metric.failureCondition { try Condition(text) } else { nil }
        used = (success?.variables ?? []).union(failure?.variables ?? [])
        isScalar =
            if case .instant(let text)? = metric.prometheus?.question {
                PromQL.shape(of: text) == .scalar
            } else {
                false
            }
    }

    /// The measurement's phase by Argo Rollouts' `EvaluateResult`, and a message where there is something to say.
    /// No data is never success: without `noData: evaluate`, emptiness and NaN do not reach the conditions.
    /// - Parameters:
    ///   - requests: The requests in the window, where `minRequests` or a condition asks for them.
    ///   - asked: The share that the canary was asked to have during the whole window, 0…1; nil where it changed.
    ///   - isAtLeast: The truth is the answer or any value above it: what holds for both of them is known, no more.
    package func phase(
        of answer: MetricAnswer, requests: MetricAnswer? = nil, asked: Double? = nil, isAtLeast: Bool = false
    ) -> (MeasurementPhase, String) {
        let least = phase(of: answer, requests: requests, asked: asked)
        guard isAtLeast, least.0 != .failed, least.0.hasData else { return least }
        if phase(of: answer.withoutBound, requests: requests, asked: asked).0 == least.0 { return least }
        return (
            .noData,
            "the quantile lies beyond the histogram's last bound: \(answer.text) at least, and nobody knows more"
        )
    }

    private func phase(of answer: MetricAnswer, requests: MetricAnswer?, asked: Double?) -> (MeasurementPhase, String) {
        if isScalar, case .list(let numbers) = answer, numbers.count == 1 {
            return phase(of: .scalar(numbers[0]), requests: requests, asked: asked)
        }
        switch answer {
        case .noData(let message): return (.noData, message)
        case .error(let message): return (.error, message)
        case .scalar, .list, .json: break
        }
        if let few = tooFew(requests) { return few }
        if metric.noData == .wait, let missing = missingData(in: answer) { return (.noData, missing) }
        let needsData = metric.noData == .wait
        var variables: [Condition.Variable: Double] = [:]
        variables[.asked] = asked
        if asked == nil, used.contains(.asked) { return (.noData, "the window reaches back to another share") }
        if used.contains(.requests) {
            switch requests.map(count) {
            case .success(let count)?: variables[.requests] = count
            case .failure(let failure)?: return failure.measured
            case nil: return (.noData, "no requests seen")
            }
        }
        do throws(ConditionError) {
            if let failure, try failure.holds(for: answer, variables, needsData: needsData) {
                return (.failed, "`\(failure.text)` holds")
            }
            guard let success else { return (.successful, "") }
            if try success.holds(for: answer, variables, needsData: needsData) { return (.successful, "") }
            return failure == nil
                ? (.failed, "`\(success.text)` does not hold") : (.inconclusive, "neither condition holds")
        } catch {
            return error.isNoData
                ? (.noData, error.message) : (.error, "the condition cannot be evaluated: \(error.message)")
        }
    }

    /// How many requests a measurement is about; nil where that is not asked for, or not answered.
    package func requests(in answer: MetricAnswer?) -> Double? {
        guard let answer, case .success(let count) = count(answer) else { return nil }
        return count.isFinite ? count : nil
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
        switch requests.map(count) {
        case nil: return (.noData, "no requests seen, minRequests \(wanted)")
        case .failure(let failure)?: return failure.measured
        case .success(let seen)?:
            return seen >= Double(wanted)
                ? nil : (.noData, "\(Comparator.short(seen)) requests seen, minRequests \(wanted)")
        }
    }

    private struct NoCount: Error {
        let measured: (MeasurementPhase, String)

        init(_ phase: MeasurementPhase, _ message: String) { measured = (phase, message) }
    }

    /// The one number that `requestsQuery` gives.
    private func count(_ requests: MetricAnswer) -> Result<Double, NoCount> {
        switch requests {
        case .scalar(let seen): .success(seen)
        case .list(let seen) where seen.count == 1: .success(seen[0])
        case .list([]): .success(0)
        case .list(let several):
            .failure(NoCount(.error, "requestsQuery gives \(several.count) series, one is expected"))
        case .noData(let message): .failure(NoCount(.noData, message))
        case .json: .failure(NoCount(.error, "requestsQuery gives no number"))
        case .error(let message): .failure(NoCount(.error, "requestsQuery: \(message)"))
        }
    }
}

extension MetricAnswer {
    /// The same answer with every number replaced by infinity.
    fileprivate var withoutBound: MetricAnswer {
        switch self {
        case .scalar: .scalar(.infinity)
        case .list(let numbers): .list(numbers.map { _ in .infinity })
        case .json, .noData, .error: self
        }
    }
}

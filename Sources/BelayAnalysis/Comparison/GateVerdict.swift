package import BelayCore

/// What a gate can notice in one step at the traffic there is, said before the release.
package struct GateVerdict: Hashable, Sendable {
    /// The metric's name.
    package let gate: String
    /// From 0.
    package let step: Int
    /// How long the step is watched at most.
    package let hold: Duration
    /// Seconds until three and ten times stable's rate of bad requests is taken back; nil: never.
    package let threefold: Double?
    package let tenfold: Double?
    /// Why it is not noticed, where that is known; else empty.
    package var reason = ""

    package init(gate: String, step: Int, hold: Duration, threefold: Double?, tenfold: Double?, reason: String = "") {
        self.gate = gate
        self.step = step
        self.hold = hold
        self.threefold = threefold
        self.tenfold = tenfold
        self.reason = reason
    }

    private func fits(_ seconds: Double?) -> Bool { seconds.map { $0 <= max(hold.inSeconds, 1) } ?? false }

    package var noticesThreefold: Bool { fits(threefold) }
    package var noticesTenfold: Bool { fits(tenfold) }

    /// 0 where it notices a threefold rate, 1 where only a tenfold one, 2 where neither.
    package var badness: Int { noticesThreefold ? 0 : noticesTenfold ? 1 : 2 }

    /// `cannot notice a threefold rate of stable's within step 1 (held 5m); ten times takes 4 min`.
    package var text: String {
        let within = "within step \(step + 1) (held \(hold.text))"
        if noticesThreefold, let threefold {
            return "notices a threefold rate of stable's \(within), after about \(Self.time(threefold))"
        }
        func takes(_ seconds: Double?) -> String { seconds.map { "takes \(Self.time($0))" } ?? "is never noticed" }
        let ten =
            noticesTenfold
            ? "ten times takes \(tenfold.map(Self.time) ?? "")" : "nor ten times, which \(takes(tenfold))"
        return "cannot notice a threefold rate of stable's \(within); \(ten)\(reason.isEmpty ? "" : " (\(reason))")"
    }

    /// `40 s`, `4 min`.
    package static func time(_ seconds: Double) -> String {
        if seconds > 86_400 { return "more than a day" }
        return seconds < 90 ? "\(Int(seconds.rounded())) s" : "\(Int((seconds / 60).rounded())) min"
    }

    /// What a comparison notices in each step in which both versions have traffic.
    /// - Parameter forecasts: One for each kind of bad request; harm is the mean of their evidence.
    package static func of(_ metric: Metric, _ forecasts: [Forecast], in plan: Plan) -> [GateVerdict] {
        guard let comparison = metric.comparison, !forecasts.isEmpty else { return [] }
        return plan.steps.indices.filter { plan.isConcurrent(step: $0) }.map { step in
            func soonest(_ ratio: Double) -> Double? {
                forecasts.compactMap { $0.secondsToAbort(ratio: ratio, share: plan.share(ofStep: step)) }.min()
            }
            // The forecast's seconds include the warm-up, so a step counts as held for at least that long.
            let hold = max(plan.steps[step].hold.max, comparison.warmUp)
            let reason =
                forecasts.allSatisfy { $0.badShare == 0 }
                ? "stable has no bad requests, and three times nothing is nothing" : ""
            return GateVerdict(
                gate: metric.name, step: step, hold: hold, threefold: soonest(3), tenfold: soonest(10), reason: reason)
        }
    }

    /// What a threshold on a share of bad requests notices.
    /// - Parameters:
    ///   - stable: What the same query says of stable now.
    ///   - perSecond: Stable's requests per second; nil where nothing counts them.
    package static func of(_ metric: Metric, stable: Double, perSecond: Double?, in plan: Plan) -> [GateVerdict] {
        guard ModelledValue(of: metric) == .errorRatio, stable.isFinite, let evaluator = try? Evaluator(metric) else {
            return []
        }
        let isScalar = metric.query.map { PromQL.shape(of: $0) == .scalar } ?? true
        func fails(at ratio: Double) -> Bool {
            let value = min(stable * ratio, 1)
            let requests = MetricAnswer.scalar(1e9)
            return evaluator.phase(of: isScalar ? .scalar(value) : .list([value]), requests: requests).0 == .failed
        }
        return plan.steps.indices.filter { plan.share(ofStep: $0) > .zero }.map { step in
            let share = Double(plan.share(ofStep: step).basisPoints) / 10_000
            let inWindow = perSecond.map { $0 * share * max(metric.window.inSeconds, 1) }
            let isTooQuiet = inWindow.map { $0 < Double(metric.minRequests ?? 1) } ?? false
            let seconds = (metric.window + metric.interval * max(metric.limits.failure, 0)).inSeconds
            func time(_ ratio: Double) -> Double? { !isTooQuiet && fails(at: ratio) ? seconds : nil }
            var reason = ""
            if isTooQuiet, let inWindow {
                reason =
                    "\(Comparator.short(inWindow)) requests in \(metric.window.text) at this share, minRequests \(metric.minRequests ?? 1)"
            } else if !fails(at: 10) {
                reason = "stable is at \(Comparator.short(stable)), and ten times that is within the limit"
            } else if !fails(at: 3) {
                reason = "stable is at \(Comparator.short(stable)), and three times that is within the limit"
            }
            return GateVerdict(
                gate: metric.name, step: step, hold: max(plan.steps[step].hold.max, metric.window), threefold: time(3),
                tenfold: time(10), reason: reason)
        }
    }
}

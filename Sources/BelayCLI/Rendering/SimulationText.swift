internal import BelayAnalysis
internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// What `simulate` prints.
struct SimulationText {
    let plan: Plan
    let readings: [ModelledValue]
    let base: TrafficModel
    let runs: Int
    let seed: UInt64
    let limit: Double
    let horizon: Double
    let results: [SimulationResult]

    var lines: [String] {
        let traffic = base.recording == nil ? "" : " on average, as recorded"
        var lines = [
            "\(plan.name): \(runs) runs a case, \(Comparator.short(base.requests)) requests/s, "
                + "\(SimulationResult.percent(base.baseErrors)) errors\(traffic); each \(time(horizon)) long, seed \(seed)"
        ]
        lines += zip(plan.metrics, readings).map { metric, reading in "  \(metric.name): \(describe(metric, reading))" }
        if plan.steps.contains(where: { $0.approval != nil }) { lines.append("  approvals are given at once") }
        lines += warnings.map { "  WARNING: \($0)" }
        for result in results { lines += table(result) }
        lines.append("")
        lines.append(
            "in brackets and after ±: 95 % intervals. Failed requests: those that fail because of the new version.")
        return lines
    }

    /// What makes the tables say something about the model rather than the gates.
    private var warnings: [String] {
        zip(plan.metrics, readings).compactMap { metric, reading -> String? in
            if metric.isDryRun { return nil }
            if reading == .nothing { return "\(metric.name) cannot be modelled: the tables are without it" }
            guard reading.isLatency, metric.counters == nil, let evaluator = try? Evaluator(metric) else { return nil }
            let quantile: Double = if case .latencyQuantile(let quantile) = reading { quantile } else { 0.5 }
            let value = base.latency(atQuantile: quantile) * reading.scale(of: metric.prometheus?.text ?? "")
            let phase = evaluator.phase(of: .list([value]), requests: .scalar(1e9)).0
            guard phase == .failed else { return nil }
            return
                "the model's answer times alone fail \(metric.name) (\(reading.word) is \(Comparator.short(value))): a healthy "
                + "version is taken back; give your service's with --latency"
        }
    }

    private func describe(_ metric: Metric, _ reading: ModelledValue) -> String {
        let dry = metric.isDryRun ? "dry run, no say; " : ""
        if let query = metric.counters {
            return dry
                + (query.slowerThan.isEmpty ? "counts of errors" : "counts of answers slower than the bounds")
        }
        if metric.judge != nil { return dry + "every series is the percentage of errors" }
        if case .nothing = reading { return dry + "nothing the model has, taken to pass; --read \(metric.name)=…" }
        let scale = reading.scale(of: metric.prometheus?.text ?? "")
        let unit = reading.isLatency ? (scale == 1 ? " in s" : " in ms") : (scale == 1 ? "" : " in percent")
        return dry + "taken for the canary's \(reading.word)\(unit); else --read \(metric.name)=…"
    }

    private func table(_ result: SimulationResult) -> [String] {
        let good = result.model.isHealthy
        let rows = SimulationResult.Policy.allCases.compactMap { policy in
            result.summaries[policy].map { row(result.title(of: policy, limit: limit), $0, good) }
        }
        let head = [
            "", good ? "taken back (false)" : "taken back", good ? "let through" : "let through (missed)",
            "a person called", "under way", good ? "" : "failed requests", good ? "" : "until rollback", "to 100 %",
        ]
        let all = [head] + rows
        // A column that says nothing is left out.
        let widths = head.indices.map { column in
            column > 0 && rows.allSatisfy { $0[column].isEmpty } ? 0 : all.map { $0[column].count }.max() ?? 0
        }
        let errors = SimulationResult.percent(result.model.canaryErrors)
        return ["", "\(result.name) (\(errors) errors)"]
            + all.map { cells in
                let padded = zip(cells, widths).map { cell, width in
                    cell + String(repeating: " ", count: max(width - cell.count, 0))
                }
                let line = "  " + zip(padded, widths).filter { $0.1 > 0 }.map(\.0).joined(separator: "  ")
                return String(line.reversed().drop { $0 == " " }.reversed())
            }
    }

    private func row(_ title: String, _ summary: PlayedSummary, _ isGood: Bool) -> [String] {
        [
            title, proportion(summary.rollbackRate), proportion(summary.promotionRate),
            SimulationResult.percent(summary.waitingRate.value),
            summary.underWay == 0 ? "" : SimulationResult.percent(Double(summary.underWay) / Double(summary.runs)),
            isGood ? "" : moments(summary.excessBad) { Comparator.short($0) },
            isGood ? "" : moments(summary.secondsToRollback, time), moments(summary.secondsToFull, time),
        ]
    }

    private func proportion(_ rate: Proportion) -> String {
        let (low, high) = (Comparator.short(rate.low * 100), Comparator.short(rate.high * 100))
        return "\(SimulationResult.percent(rate.value)) (\(low) … \(high))"
    }

    private func moments(_ moments: Moments, _ text: (Double) -> String) -> String {
        guard let mean = moments.mean else { return "-" }
        return "\(text(mean)) ± \(text(moments.margin ?? 0))"
    }

    private func time(_ seconds: Double) -> String {
        seconds < 90 ? "\(Comparator.short(seconds)) s" : Duration.seconds(Int(seconds.rounded())).text
    }

    /// One object a case and policy.
    var json: [String] {
        results.flatMap { result in
            SimulationResult.Policy.allCases.compactMap { policy in
                result.summaries[policy].map { JSONText.write(object(result, policy, $0)) }
            }
        }
    }

    private func object(
        _ result: SimulationResult, _ policy: SimulationResult.Policy, _ summary: PlayedSummary
    ) -> JSONValue {
        func rate(_ rate: Proportion) -> JSONValue {
            .object([
                .init("share", .double(rate.value)), .init("low", .double(rate.low)), .init("high", .double(rate.high)),
            ])
        }
        func mean(_ moments: Moments) -> JSONValue {
            guard let mean = moments.mean else { return .null }
            return .object([.init("mean", .double(mean)), .init("margin", .double(moments.margin ?? 0))])
        }
        return .object([
            .init("case", .string(result.name)), .init("policy", .string(policy.rawValue)),
            .init("canaryErrors", .double(result.model.canaryErrors)),
            .init("healthy", .bool(result.model.isHealthy)), .init("runs", .int(Int64(summary.runs))),
            .init("rolledBack", rate(summary.rollbackRate)), .init("promoted", rate(summary.promotionRate)),
            .init("waiting", rate(summary.waitingRate)), .init("failedRequests", mean(summary.excessBad)),
            .init("secondsToRollback", mean(summary.secondsToRollback)),
            .init("secondsToFull", mean(summary.secondsToFull)),
        ])
    }
}

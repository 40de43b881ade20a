internal import BelayAnalysis
internal import BelayCore

/// What comparisons knew, window by window, and whether it comes out the same again.
struct EvidenceText {
    let plan: Plan
    let machine: RolloutMachine

    /// `3/1480 against 12/13400, harm 0.41 of 100, no worse 3.1 of 20`
    static func line(_ evidence: Evidence) -> String {
        let promotion = evidence.test == .warmUp ? "" : ", no worse \(Comparator.short(evidence.promotion))"
        let test = evidence.test == .ratio ? "" : " (\(evidence.test.rawValue))"
        return Comparator.text(evidence) + promotion + test
    }

    /// The windows of every comparison, its interval, and the replay.
    /// - Returns: Whether the replay came to the same numbers, within 1e-9.
    func lines() -> (text: [String], isSame: Bool) {
        var lines: [String] = []
        var isSame = true
        for (index, metric) in plan.metrics.enumerated() {
            guard let comparator = Comparator(index, of: plan), let comparison = metric.comparison else { continue }
            let seen = machine.state.metrics[index].evidence
            lines += ["", "\(metric.name): \(seen.count) windows"]
            lines += seen.map { evidence in
                let place = "step \(evidence.step + 1)\(evidence.isWhole ? "" : " (spans a change)")"
                return "\(TimeText.full(evidence.window.to))  \(place)  \(Self.line(evidence))"
            }
            lines += intervals(seen, slowerThan: metric.query.counters?.slowerThan ?? [])
            let again = comparator.replay(seen)
            let difference = zip(seen, again).map(Self.difference).max() ?? 0
            let crossed = seen.contains { $0.harm >= $0.harmLimit }
            let crossesAgain = again.contains { $0.harm >= $0.harmLimit }
            isSame = isSame && difference <= 1e-9 && crossed == crossesAgain
            lines.append(
                "replayed from the journal: \(crossed ? "harm shown" : "no harm shown") (limit 1/alpha = "
                    + "\(Int(comparison.harmLimit))), largest difference \(difference)")
        }
        return (lines, isSame)
    }

    private func intervals(_ seen: [Evidence], slowerThan bounds: [Double]) -> [String] {
        (0..<max(bounds.count, 1)).map { kind in
            var interval = RatioInterval()
            for evidence in seen where evidence.test == .ratio {
                let (window, bad) = (evidence.window, evidence.window.bad[kind])
                interval.add(
                    Block(
                        canaryBad: bad.canary, stableBad: bad.stable, canaryRequests: window.canaryRequests,
                        stableRequests: window.stableRequests))
            }
            let (low, high) = interval.bounds()
            let what = bounds.isEmpty ? "bad requests" : "answers slower than \(bounds[kind])"
            return "canary's rate of \(what) over stable's: \(Comparator.short(low)) to "
                + "\(high.isInfinite ? "any" : Comparator.short(high)), with 95 % confidence"
        }
    }

    /// Relative, of the largest of the numbers.
    private static func difference(_ one: Evidence, _ other: Evidence) -> Double {
        [(one.harm, other.harm), (one.promotion, other.promotion)]
            .map { abs($0.0 - $0.1) / max(abs($0.0), 1e-300) }.max() ?? 0
    }
}

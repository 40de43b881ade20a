internal import BelayAnalysis
internal import BelayCore
internal import BelayEngine

/// What the comparisons knew, window by window, and whether the replay decides the same.
struct EvidenceText {
    let plan: Plan
    let records: [(event: Event, at: Timestamp)]

    /// `3/1480 against 12/13400, evidence 0.41 (taken back at 100), no worse 3.1`
    static func line(_ evidence: Evidence) -> String {
        let promotion = evidence.test == .warmUp ? "" : ", no worse \(Comparator.short(evidence.promotion))"
        let test = evidence.test == .ratio ? "" : " (\(evidence.test.rawValue))"
        return Comparator.text(evidence) + promotion + test
    }

    /// The windows of every comparison, its interval, and the replay.
    /// - Returns: Whether the replay came to the same verdicts, and the same numbers within 1e-9; nil where the beginning
    ///   cannot be read.
    func lines() -> (text: [String], isSame: Bool)? {
        guard let replay = EvidenceReplay(plan, records) else { return nil }
        var lines: [String] = []
        for (index, metric) in plan.metrics.enumerated() where metric.comparison != nil {
            let seen = replay.seen[index]
            lines += ["", "\(metric.name): \(seen.count) windows"]
            lines += seen.map { evidence in
                let place = "step \(evidence.step + 1)\(evidence.isWhole ? "" : " (spans a change)")"
                return "\(TimeText.full(evidence.window.to))  \(place)  \(Self.line(evidence))"
            }
            lines += intervals(seen, slowerThan: metric.counters?.slowerThan ?? [])
        }
        let verdict = replay.isHarmShown ? "harm shown" : "no harm shown"
        let same = replay.different == 0 ? "the same verdicts" : "\(replay.different) OTHER VERDICTS"
        lines += [
            "",
            "decided again from the counts: \(verdict), \(same) in \(replay.windows) windows, "
                + "largest difference \(replay.largestDifference)",
        ]
        return (lines, replay.isSame)
    }

    private func intervals(_ seen: [Evidence], slowerThan bounds: [Double]) -> [String] {
        (0..<max(bounds.count, 1)).map { kind in
            var interval = RatioInterval()
            for evidence in seen where evidence.test == .ratio {
                interval.add(WindowCounts(evidence.window).block(kind))
            }
            let (low, high) = interval.bounds()
            let what = bounds.isEmpty ? "bad requests" : "answers slower than \(bounds[kind])"
            return "canary's rate of \(what) over stable's: \(Comparator.short(low)) to "
                + "\(high.isInfinite ? "any" : Comparator.short(high)), with 95 % confidence"
        }
    }
}

internal import BelayAnalysis
internal import BelayCore

/// What comparisons knew, window by window, and whether it is decided so again.
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
        guard let (machine, replay, isSame) = replay() else { return nil }
        var lines: [String] = []
        for (index, metric) in plan.metrics.enumerated() where metric.comparison != nil {
            let seen = machine.state.metrics[index].evidence
            lines += ["", "\(metric.name): \(seen.count) windows"]
            lines += seen.map { evidence in
                let place = "step \(evidence.step + 1)\(evidence.isWhole ? "" : " (spans a change)")"
                return "\(TimeText.full(evidence.window.to))  \(place)  \(Self.line(evidence))"
            }
            lines += intervals(seen, slowerThan: metric.counters?.slowerThan ?? [])
        }
        lines += ["", "decided again from the counts: " + replay]
        return (lines, isSame)
    }

    /// Every decision once more, by the machine, on numbers that are computed from the counts alone.
    private func replay() -> (machine: RolloutMachine, text: String, isSame: Bool)? {
        guard let first = records.first, case .started(let started) = first.event else { return nil }
        var machine = RolloutMachine(started, at: first.at)
        var comparators = plan.metrics.indices.map { Comparator($0, of: plan) }
        var (windows, different, largest) = (0, 0, 0.0)
        var verdict = "no harm shown"
        for (place, record) in records.enumerated().dropFirst() {
            defer { machine.apply(record.event, at: record.at) }
            guard case .measured(let measured) = record.event, let journaled = measured.measurement.evidence,
                let again = comparators[measured.measurement.metric]?.fold(journaled)
            else { continue }
            windows += 1
            largest = max(largest, Self.difference(journaled, again))
            let measurement = measured.measurement
            let decision = machine.decide(
                .measured(
                    Measurement(
                        metric: measurement.metric, phase: measurement.phase, value: measurement.value,
                        message: measurement.message, startedAt: measurement.startedAt,
                        finishedAt: measurement.finishedAt, evidence: again)), at: record.at)
            let isHarm =
                if case .events(let events) = decision { events.contains(where: Self.isVerdict) } else { false }
            if isHarm { verdict = "harm shown" }
            let wasHarm = records.dropFirst(place + 1).first.map { Self.isVerdict($0.event) } ?? false
            if isHarm != wasHarm { different += 1 }
        }
        let same = different == 0 ? "the same verdicts" : "\(different) OTHER VERDICTS"
        return (
            machine, "\(verdict), \(same) in \(windows) windows, largest difference \(largest)",
            different == 0 && largest <= 1e-9
        )
    }

    private static func isVerdict(_ event: Event) -> Bool {
        if case .verdict = event { true } else { false }
    }

    private func intervals(_ seen: [Evidence], slowerThan bounds: [Double]) -> [String] {
        (0..<max(bounds.count, 1)).map { kind in
            var interval = RatioInterval()
            for evidence in seen where evidence.test == .ratio { interval.add(Counts(evidence.window).block(kind)) }
            let (low, high) = interval.bounds()
            let what = bounds.isEmpty ? "bad requests" : "answers slower than \(bounds[kind])"
            return "canary's rate of \(what) over stable's: \(Comparator.short(low)) to "
                + "\(high.isInfinite ? "any" : Comparator.short(high)), with 95 % confidence"
        }
    }

    /// Relative, of the largest of the numbers.
    private static func difference(_ one: Evidence, _ other: Evidence) -> Double {
        [
            (one.harm, other.harm), (one.promotion, other.promotion), (one.requests, other.requests),
            (one.reference, other.reference), (one.harmLimit, other.harmLimit),
        ]
        .map { abs($0.0 - $0.1) / max(abs($0.0), 1e-300) }.max() ?? 0
    }
}

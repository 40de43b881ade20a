internal import BelayAnalysis
package import BelayCore

/// Lets the machine take every decision of a rollout's comparisons once more, on numbers that are computed from the
/// journaled counts alone.
package struct EvidenceReplay {
    /// The rollout's state at the end of the record.
    package private(set) var machine: RolloutMachine
    /// The journaled windows of each metric, oldest first.
    package private(set) var seen: [[Evidence]]
    package var windows: Int { seen.reduce(0) { $0 + $1.count } }
    /// How many windows were followed by another verdict than the record's.
    package private(set) var different = 0
    /// The largest relative difference of a number from the journaled one.
    package private(set) var largestDifference = 0.0
    package private(set) var isHarmShown = false

    /// The largest relative difference that still counts as the same number: sums of many terms may differ in their
    /// last digits.
    private static let tolerance = 1e-9

    package var isSame: Bool { different == 0 && largestDifference <= Self.tolerance }

    /// - Returns: nil where the record's beginning cannot be read.
    package init?(_ plan: Plan, _ records: [(event: Event, at: Timestamp)]) {
        guard let first = records.first, case .started(let started) = first.event else { return nil }
        machine = RolloutMachine(started, at: first.at)
        seen = plan.metrics.map { _ in [] }
        var comparators = Comparators(plan)
        for (place, record) in records.enumerated().dropFirst() {
            defer { machine.apply(record.event, at: record.at) }
            guard case .measured(let measured) = record.event, let journaled = measured.measurement.evidence,
                let again = comparators.fold(measured.measurement)
            else { continue }
            seen[measured.measurement.metric].append(journaled)
            largestDifference = max(largestDifference, Self.difference(journaled, again))
            let measurement = measured.measurement
            let decision = machine.decide(
                .measured(
                    Measurement(
                        metric: measurement.metric, phase: measurement.phase, value: measurement.value,
                        message: measurement.message, startedAt: measurement.startedAt,
                        finishedAt: measurement.finishedAt, evidence: again)), at: record.at)
            let isHarm =
                if case .events(let events) = decision { events.contains(where: Self.isVerdict) } else { false }
            isHarmShown = isHarmShown || isHarm
            let wasHarm = records.dropFirst(place + 1).first.map { Self.isVerdict($0.event) } ?? false
            if isHarm != wasHarm { different += 1 }
        }
    }

    private static func isVerdict(_ event: Event) -> Bool {
        if case .verdict = event { true } else { false }
    }

    /// The largest relative difference between the numbers of the two.
    private static func difference(_ one: Evidence, _ other: Evidence) -> Double {
        [
            (one.harm, other.harm), (one.promotion, other.promotion), (one.requests, other.requests),
            (one.reference, other.reference), (one.harmLimit, other.harmLimit),
        ]
        .map { abs($0.0 - $0.1) / max(abs($0.0), 1e-300) }.max() ?? 0
    }
}

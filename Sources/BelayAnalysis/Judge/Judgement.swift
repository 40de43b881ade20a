package import BelayCore

/// The score of all metrics together, as Kayenta has it.
/// Source: spinnaker/kayenta, `WeightedSumScorer.scala`, `ThresholdScoreClassifier.scala`.
package struct Judgement: Hashable, Sendable {
    /// One metric's classification, with the groups whose score it counts for.
    package struct Result: Hashable, Sendable {
        package let name: String
        package let groups: [String]
        package let classification: Classification

        package init(name: String, groups: [String], _ classification: Classification) {
            self.name = name
            self.groups = groups
            self.classification = classification
        }
    }

    package let score: Double
    package let reason: String
    package let results: [Result]

    typealias Paired = (name: String, canary: [Double], stable: [Double])

    /// What Kayenta makes of one pair of lists.
    static func result(_ pair: Paired, _ series: Judge.Series) -> Result {
        let classification = Classifier().classify(canary: pair.canary, stable: pair.stable, series)
        return Result(name: pair.name, groups: series.groups, classification)
    }

    package init(_ results: [Result], _ weights: [Judge.GroupWeight]) {
        self.results = results
        let kinds = results.map(\.classification.kind)
        if let critical = results.first(where: { $0.classification.isCritical && $0.classification.kind != .pass }) {
            (score, reason) = (0, "\(critical.name) is critical: \(critical.classification.kind.rawValue)")
        } else if kinds.isEmpty || 2 * kinds.count(where: { $0 == .noData }) >= kinds.count {
            (score, reason) = (0, "half of the metrics or more have no data")
        } else {
            score = Self.weighted(results, weights)
            reason = results.first { $0.classification.kind != .pass }?.classification.reason ?? ""
        }
    }

    private static func weighted(_ results: [Result], _ weights: [Judge.GroupWeight]) -> Double {
        var groups: [String] = []
        for group in results.flatMap(\.groups) where !groups.contains(group) { groups.append(group) }
        let configured = Dictionary(weights.map { ($0.group, $0.weight) }, uniquingKeysWith: { first, _ in first })
        let others = groups.count { configured[$0] == nil }
        let rest = (100 - weights.reduce(0) { $0 + $1.weight }) / Double(max(others, 1))
        var total = 0.0
        for group in groups {
            let kinds = results.filter { $0.groups.contains(group) }.map(\.classification.kind)
            let counted = kinds.filter { $0 != .noData && $0 != .error }
            let passed = counted.count { $0 == .pass }
            // A group that has only missing data counts as good: `init` has checked how much is missing in all.
            let score = counted.isEmpty ? 100 : 100 * Double(passed) / Double(counted.count)
            total += score * (configured[group] ?? rest) / 100
        }
        return (total * 100 + 0.5).rounded(.down) / 100
    }

    /// The series of both versions in pairs. A version without any series gets lists of NaN as long as the other's; one
    /// series of each are a pair, whatever their labels; else series with equal labels are a pair.
    static func paired(_ pair: SeriesAnswer.Pair, _ series: Judge.Series) -> [Paired] {
        let (canary, stable) = (pair.canary, pair.stable)
        func nothing(like other: TimeSeries) -> [Double] { other.values.map { _ in .nan } }
        func name(_ one: TimeSeries) -> String {
            let labels = one.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\($0.value)\"" }
            return labels.isEmpty ? series.name : "\(series.name){\(labels.joined(separator: ","))}"
        }
        if canary.isEmpty, stable.isEmpty { return [(series.name, [], [])] }
        if canary.isEmpty { return stable.map { (name($0), nothing(like: $0), $0.values) } }
        if stable.isEmpty { return canary.map { (name($0), $0.values, nothing(like: $0)) } }
        if canary.count == 1, stable.count == 1 { return [(series.name, canary[0].values, stable[0].values)] }
        let known = Dictionary(stable.map { ($0.labels, $0.values) }, uniquingKeysWith: { first, _ in first })
        let ours = canary.map { (name($0), $0.values, known[$0.labels] ?? []) }
        let others = stable.filter { one in !canary.contains { $0.labels == one.labels } }
        return ours + others.map { (name($0), [], $0.values) }
    }

    /// Why the series cannot be paired: there are several, and their labels have different names. nil where they can.
    static func mismatch(_ pair: SeriesAnswer.Pair) -> String? {
        guard pair.canary.count > 1 || pair.stable.count > 1, !pair.canary.isEmpty, !pair.stable.isEmpty else {
            return nil
        }
        func names(_ all: [TimeSeries]) -> Set<Set<String>> { Set(all.map { Set($0.labels.keys) }) }
        guard names(pair.canary).isDisjoint(with: names(pair.stable)) else { return nil }
        return "the series' labels have different names; give both versions the same, `sum by (route) (…)`"
    }

    /// What the score means: at `pass` and above good, at `marginal` and below bad.
    package func phase(_ judge: Judge) -> MeasurementPhase {
        score <= judge.marginal ? .failed : score >= judge.pass ? .successful : .inconclusive
    }

    /// `67: error percent High (×3.2), latency Pass`.
    package var text: String {
        let parts = results.map { result in
            let ratio = result.classification.ratio
            let times = ratio.isFinite && ratio != 1 ? " (×\(Comparator.short(ratio)))" : ""
            return "\(result.name) \(result.classification.kind.rawValue)\(times)"
        }
        return "\(Comparator.short(score)): " + parts.joined(separator: ", ")
    }
}

extension Judge {
    /// How far back a judge looks now: as far as no point reaches behind the confirmation of the present share, or as
    /// its own limits allow where that is less.
    /// - Parameter window: How far back one point looks.
    package func reach(at now: Timestamp, _ machine: RolloutMachine, window: Duration) -> Duration {
        let since = max(machine.verifiedAt.advanced(by: window).duration(to: now), .zero)
        return min(lookback ?? since, since, step * Self.largestLookback)
    }

    /// A measurement's phase, value and message.
    package func judge(_ answer: SeriesAnswer) -> (MeasurementPhase, value: String, message: String) {
        switch answer {
        case .noData(let message): return (.noData, "-", message)
        case .error(let message): return (.error, "-", message)
        case .pairs(let pairs):
            for (series, pair) in zip(series, pairs) {
                if let why = Judgement.mismatch(pair) { return (.error, "-", "\(series.name): \(why)") }
            }
            return judge(pairs)
        }
    }

    private func nothingToJudge(_ pairs: [SeriesAnswer.Pair]) -> String {
        let all = zip(series, pairs)
        if let (series, _) = all.first(where: { $0.1.stable.isEmpty }), pairs.allSatisfy(\.stable.isEmpty) {
            return "stable has no series at all: `\(series.stable)` selects nothing"
        }
        if let (series, _) = all.first(where: { $0.1.canary.isEmpty }), pairs.allSatisfy(\.canary.isEmpty) {
            return "the canary has no series at all: `\(series.canary)` selects nothing"
        }
        return "no series has points of both versions yet"
    }

    private func judge(_ pairs: [SeriesAnswer.Pair]) -> (MeasurementPhase, value: String, message: String) {
        // Of several label sets those with too few points are not judged yet. Those without any point of one version
        // are left to Kayenta's own rule.
        var (whole, left, isAnyJudged): ([Judgement.Result], [String], Bool) = ([], [], false)
        for (series, pair) in zip(series, pairs) {
            func count(_ values: [Double]) -> Int { series.replacesNaN ? values.count : values.count { !$0.isNaN } }
            let all = Judgement.paired(pair, series)
            let few = all.filter { one in [one.canary, one.stable].contains { (1..<minPoints).contains(count($0)) } }
            if few.count == all.count || !few.isEmpty && (series.isCritical || series.mustHaveData) {
                let seen = few.map { min(count($0.canary), count($0.stable)) }.min() ?? 0
                return (
                    .noData, "-",
                    "\(few[0].name): \(seen) points every \(step.text) of both versions so far, \(minPoints) are needed"
                )
            }
            left += few.map(\.name)
            for one in all where !few.contains(where: { $0.name == one.name }) {
                isAnyJudged = isAnyJudged || !pair.canary.isEmpty && !pair.stable.isEmpty
                whole.append(Judgement.result(one, series))
            }
        }
        guard isAnyJudged else { return (.noData, "-", nothingToJudge(pairs)) }
        let judgement = Judgement(whole, groupWeights)
        let unjudged = left.isEmpty ? "" : "not judged, too few points: \(left.prefix(5).joined(separator: ", "))"
        return (
            judgement.phase(self), judgement.text,
            [judgement.reason, unjudged].filter { !$0.isEmpty }.joined(separator: "; ")
        )
    }
}

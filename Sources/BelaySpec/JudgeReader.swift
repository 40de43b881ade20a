internal import BelayCore
internal import Yams

/// Reads `judge: mannWhitney` and what it judges, by Kayenta's names.
enum JudgeReader {
    /// The fields of the metric that belong to `judge`, and stand beside it.
    static let fields = ["series", "scoreThresholds", "groupWeights", "step", "lookback", "minPoints"]

    private static let otherJudges = [
        "successCondition", "failureCondition", "min", "max", "minRequests", "window", "noData",
    ]
    private static let seriesFields = [
        "name", "canary", "stable", "groups", "direction", "nanStrategy", "critical", "mustHaveData", "effectSize",
        "outliers",
    ]

    private enum Name: String, CaseIterable { case mannWhitney }
    private enum NaNStrategy: String, CaseIterable { case remove, replace }
    private enum Outliers: String, CaseIterable { case keep, remove }

    /// - Parameter metric: The fields of the metric that has it.
    static func judge(_ reader: SpecReader, in metric: SpecFields) -> Judge? {
        _ = reader.choice(Name.self)
        for key in otherJudges {
            metric[key]?.fail("has no say beside `judge`, which compares ranks; leave it out")
        }
        let readers = metric.required("series")?.list() ?? []
        if readers.isEmpty { metric["series"]?.fail("at least one series is expected") }
        var judge = Judge(series: readers.compactMap(series))
        if let thresholds = metric["scoreThresholds"]?.fields(["pass", "marginal"]) {
            judge.pass = thresholds["pass"]?.number(0...100) ?? judge.pass
            judge.marginal = thresholds["marginal"]?.number(0...100) ?? judge.marginal
            if judge.marginal > judge.pass { thresholds.owner.fail("`marginal` must not be more than `pass`") }
        }
        let groups = Set(judge.series.flatMap(\.groups))
        for (name, value) in metric["groupWeights"]?.entries() ?? [] {
            if !groups.contains(name) {
                value.fail("no series is in the group `\(name)`\(Spelling.hint(for: name, in: groups.sorted()))")
            }
            if let weight = value.number(0...100) { judge.groupWeights.append(.init(group: name, weight: weight)) }
        }
        checkWeights(judge, metric)
        if let step = metric["step"]?.duration() {
            if step < .seconds(1) { metric["step"]?.fail("a step of 1s or more is expected") }
            judge.step = step
        }
        judge.lookback = metric["lookback"]?.duration()
        if let points = metric["minPoints"]?.integer(2...10_000) { judge.minPoints = points }
        if let lookback = judge.lookback, lookback / judge.step > Double(Judge.largestLookback) {
            metric["lookback"]?.fail(
                "more than \(Judge.largestLookback) points every \(judge.step.text) are never answered")
        }
        if let lookback = judge.lookback, lookback < judge.step * judge.minPoints {
            metric["lookback"]?.fail(
                "\(lookback.text) never has \(judge.minPoints) points every \(judge.step.text) (`minPoints`, `step`)")
        }
        return judge
    }

    /// Kayenta does not normalise: weights that do not come to 100 cap the score, and nothing would ever pass.
    private static func checkWeights(_ judge: Judge, _ metric: SpecFields) {
        let total = judge.groupWeights.reduce(0) { $0 + $1.weight }
        let groups = Set(judge.series.flatMap(\.groups))
        let areAllNamed = groups.isSubset(of: judge.groupWeights.map(\.group))
        if !judge.groupWeights.isEmpty, areAllNamed ? total != 100 : total > 100 {
            metric["groupWeights"]?.fail("the weights come to \(total), not to 100: the score would never be right")
        }
    }

    private static func series(_ reader: SpecReader) -> Judge.Series? {
        guard let fields = reader.fields(seriesFields), let name = fields.required("name")?.nonEmptyText(),
            let canary = fields.required("canary")?.nonEmptyText(),
            let stable = fields.required("stable")?.nonEmptyText()
        else { return nil }
        var series = Judge.Series(name: name, canary: canary, stable: stable)
        if canary == stable { fields["stable"]?.fail("the same query for both versions compares a thing with itself") }
        series.groups = fields["groups"]?.list()?.compactMap { $0.nonEmptyText() } ?? ["all"]
        if series.groups.isEmpty { fields["groups"]?.fail("a series without a group counts for nothing") }
        if let direction = fields["direction"]?.choice(Judge.Direction.self) { series.direction = direction }
        series.replacesNaN = fields["nanStrategy"]?.choice(NaNStrategy.self) == .replace
        series.isCritical = fields["critical"]?.bool() ?? false
        series.mustHaveData = fields["mustHaveData"]?.bool() ?? false
        readEffect(fields["effectSize"], &series)
        if let outliers = fields["outliers"]?.fields(["strategy", "outlierFactor"]),
            outliers.required("strategy")?.choice(Outliers.self) == .remove
        {
            series.outlierFactor = outliers["outlierFactor"]?.number(0.01...100) ?? 3
        }
        return series
    }

    private static func readEffect(_ reader: SpecReader?, _ series: inout Judge.Series) {
        let bounds = ["allowedIncrease", "allowedDecrease", "criticalIncrease", "criticalDecrease"]
        guard let fields = reader?.fields(["measure"] + bounds) else { return }
        if let measure = fields["measure"]?.choice(Judge.EffectMeasure.self) { series.effect = measure }
        let neutral = series.effect == .cles ? 0.5 : 1.0
        func bound(_ key: String) -> Double { fields[key]?.number(0...1e6) ?? neutral }
        (series.allowedIncrease, series.allowedDecrease) = (bound("allowedIncrease"), bound("allowedDecrease"))
        (series.criticalIncrease, series.criticalDecrease) = (bound("criticalIncrease"), bound("criticalDecrease"))
    }
}

internal import BelayCore

/// Kayenta's judgement as a metric's plan has it.
enum StoredJudge {
    static func encode(_ judge: Judge) -> JSONValue {
        .members([
            "series": .array(judge.series.map(encode)),
            "groupWeights": .array(
                judge.groupWeights.map { .members(["group": .string($0.group), "weight": .double($0.weight)]) }),
            "pass": .double(judge.pass), "marginal": .double(judge.marginal), "step": .duration(judge.step),
            "lookback": judge.lookback.map { .duration($0) }, "minPoints": .count(judge.minPoints),
        ])
    }

    static func decode(_ json: JSONValue?) throws(Unreadable) -> Judge? {
        guard let json else { return nil }
        var all: [Judge.Series] = []
        for item in try need(json["series"]?.array) { all.append(try series(item)) }
        var judge = Judge(series: all)
        for item in try need(json["groupWeights"]?.array) {
            judge.groupWeights.append(
                .init(group: try need(item["group"]?.string), weight: try need(item["weight"]?.number)))
        }
        judge.pass = try need(json["pass"]?.number)
        judge.marginal = try need(json["marginal"]?.number)
        judge.step = try need(json["step"]?.duration)
        judge.lookback = json["lookback"]?.duration
        judge.minPoints = try need(json["minPoints"]?.count)
        return judge
    }

    private static func encode(_ series: Judge.Series) -> JSONValue {
        .members([
            "name": .string(series.name), "canary": .string(series.canary), "stable": .string(series.stable),
            "groups": .strings(series.groups), "direction": .string(series.direction.rawValue),
            "replacesNaN": .bool(series.replacesNaN), "critical": .bool(series.isCritical),
            "mustHaveData": .bool(series.mustHaveData), "effect": .string(series.effect.rawValue),
            "allowedIncrease": .double(series.allowedIncrease), "allowedDecrease": .double(series.allowedDecrease),
            "criticalIncrease": .double(series.criticalIncrease),
            "criticalDecrease": .double(series.criticalDecrease),
            "outlierFactor": series.outlierFactor.map { .double($0) },
        ])
    }

    private static func series(_ json: JSONValue) throws(Unreadable) -> Judge.Series {
        var series = Judge.Series(
            name: try need(json["name"]?.string), canary: try need(json["canary"]?.string),
            stable: try need(json["stable"]?.string))
        series.groups = try need(json["groups"]?.strings)
        series.direction = try need(json["direction"]?.string.flatMap { Judge.Direction(rawValue: $0) })
        series.replacesNaN = try need(json["replacesNaN"]?.bool)
        series.isCritical = try need(json["critical"]?.bool)
        series.mustHaveData = try need(json["mustHaveData"]?.bool)
        series.effect = try need(json["effect"]?.string.flatMap { Judge.EffectMeasure(rawValue: $0) })
        series.allowedIncrease = try need(json["allowedIncrease"]?.number)
        series.allowedDecrease = try need(json["allowedDecrease"]?.number)
        series.criticalIncrease = try need(json["criticalIncrease"]?.number)
        series.criticalDecrease = try need(json["criticalDecrease"]?.number)
        series.outlierFactor = json["outlierFactor"]?.number
        return series
    }
}

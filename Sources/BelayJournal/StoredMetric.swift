internal import BelayCore

/// A metric of the frozen plan. Secrets are references and are stored as such.
enum StoredMetric {
    static func encode(_ metric: Metric) -> JSONValue {
        let source = StoredSource.encode(metric.source)
        return .members([
            "name": .string(metric.name), "step": step(of: metric.scope).map { .count($0) },
            "interval": .duration(metric.interval), "initialDelay": .duration(metric.initialDelay),
            "count": metric.limits.count.map { .count($0) }, "failureLimit": .count(metric.limits.failure),
            "inconclusiveLimit": .count(metric.limits.inconclusive),
            "consecutiveErrorLimit": .count(metric.limits.consecutiveErrors),
            "consecutiveSuccessLimit": .count(metric.limits.consecutiveSuccesses),
            "countsNoDataAsErrors": .bool(metric.countsNoDataAsErrors),
            "successCondition": metric.successCondition.map { .string($0) },
            "failureCondition": metric.failureCondition.map { .string($0) }, "noData": .string(metric.noData.rawValue),
            "blindFor": .duration(metric.blindFor), "onBlind": .string(metric.onBlind.rawValue),
            "onInconclusive": .string(metric.onInconclusive.rawValue), "window": .duration(metric.window),
            "minRequests": metric.minRequests.map { .count($0) }, "max": metric.most.map { .double($0) },
            "compare": metric.comparison.map(StoredComparison.encode),
            "judge": metric.judge.map(StoredJudge.encode), "dryRun": metric.isDryRun ? .bool(true) : nil,
            source.name: source.json,
        ])
    }

    private static func step(of scope: Metric.Scope) -> Int? {
        switch scope {
        case .always: nil
        case .step(let step): step
        }
    }

    static func decode(_ json: JSONValue) throws(Unreadable) -> Metric {
        var metric = Metric(name: try need(json["name"]?.string), source: try StoredSource.decode(json))
        if let step = json["step"]?.count { metric.scope = .step(step) }
        metric.interval = try need(json["interval"]?.duration)
        metric.initialDelay = try need(json["initialDelay"]?.duration)
        metric.limits.count = json["count"]?.count
        metric.limits.failure = try need(json["failureLimit"]?.count)
        metric.limits.inconclusive = try need(json["inconclusiveLimit"]?.count)
        metric.limits.consecutiveErrors = try need(json["consecutiveErrorLimit"]?.count)
        metric.limits.consecutiveSuccesses = try need(json["consecutiveSuccessLimit"]?.count)
        metric.countsNoDataAsErrors = json["countsNoDataAsErrors"]?.bool ?? false
        metric.successCondition = json["successCondition"]?.string
        metric.failureCondition = json["failureCondition"]?.string
        metric.noData = try need(json["noData"]?.string.flatMap { Metric.NoData(rawValue: $0) })
        metric.blindFor = try need(json["blindFor"]?.duration)
        metric.onBlind = try need(json["onBlind"]?.string.flatMap { Metric.Answer(rawValue: $0) })
        metric.onInconclusive = try need(json["onInconclusive"]?.string.flatMap { Metric.Answer(rawValue: $0) })
        metric.window = try need(json["window"]?.duration)
        metric.minRequests = json["minRequests"]?.count
        metric.most = json["max"]?.number
        metric.comparison = try StoredComparison.decode(json["compare"])
        metric.judge = try StoredJudge.decode(json["judge"])
        metric.isDryRun = json["dryRun"]?.bool ?? false
        return metric
    }
}

internal import BelayCore

/// How a metric compares, and the counters it compares.
enum StoredComparison {
    static func encode(_ comparison: Comparison) -> JSONValue {
        .members([
            "harmRatio": .double(comparison.harmRatio), "promotionRatio": .double(comparison.promotionRatio),
            "alpha": .double(comparison.alpha), "promotionAlpha": .double(comparison.promotionAlpha),
            "delta": comparison.delta.map { .double($0) }, "suspicion": .double(comparison.suspicion),
            "suspicionLimit": .duration(comparison.suspicionLimit), "minRequests": .count(comparison.minRequests),
            "warmUp": .duration(comparison.warmUp), "variance": .double(comparison.dispersion.variance),
            "burst": .double(comparison.dispersion.burst), "weight": .double(comparison.weight),
        ])
    }

    static func decode(_ json: JSONValue?) throws(Unreadable) -> Comparison? {
        guard let json else { return nil }
        var comparison = Comparison()
        comparison.harmRatio = try need(json["harmRatio"]?.number)
        comparison.promotionRatio = try need(json["promotionRatio"]?.number)
        comparison.alpha = try need(json["alpha"]?.number)
        comparison.promotionAlpha = try need(json["promotionAlpha"]?.number)
        comparison.delta = json["delta"]?.number
        comparison.suspicion = try need(json["suspicion"]?.number)
        comparison.suspicionLimit = try need(json["suspicionLimit"]?.duration)
        comparison.minRequests = try need(json["minRequests"]?.count)
        comparison.warmUp = try need(json["warmUp"]?.duration)
        comparison.dispersion.variance = try need(json["variance"]?.number)
        comparison.dispersion.burst = try need(json["burst"]?.number)
        comparison.weight = try need(json["weight"]?.number)
        return comparison
    }

    static func encode(_ counters: CounterQuery) -> JSONValue {
        .members([
            "canary": .string(counters.canary), "stable": .string(counters.stable), "bad": encode(counters.bad),
            "requests": encode(counters.requests), "slowerThan": .array(counters.slowerThan.map { .double($0) }),
            "startTimes": counters.startTimes.map { .string($0) }, "lag": .duration(counters.lag),
            "lookback": .duration(counters.lookback),
        ])
    }

    static func counters(_ json: JSONValue?) throws(Unreadable) -> CounterQuery? {
        guard let json else { return nil }
        var counters = CounterQuery(
            canary: try need(json["canary"]?.string), stable: try need(json["stable"]?.string))
        counters.bad = try matches(json["bad"])
        counters.requests = try matches(json["requests"])
        counters.slowerThan = (json["slowerThan"]?.array ?? []).compactMap(\.number)
        counters.startTimes = json["startTimes"]?.string
        counters.lag = try need(json["lag"]?.duration)
        counters.lookback = try need(json["lookback"]?.duration)
        return counters
    }

    private static func encode(_ matches: [CounterQuery.Match]) -> JSONValue {
        .array(matches.map { .array([.string($0.label), .string($0.pattern)]) })
    }

    private static func matches(_ json: JSONValue?) throws(Unreadable) -> [CounterQuery.Match] {
        var matches: [CounterQuery.Match] = []
        for pair in try need(json?.array) {
            guard let pair = pair.array, pair.count == 2 else { throw Unreadable() }
            matches.append(.init(label: try need(pair[0].string), pattern: try need(pair[1].string)))
        }
        return matches
    }
}

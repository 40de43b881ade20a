internal import BelayCore
internal import Yams

/// Reads `compare`, and the counters it is about.
enum CompareReader {
    static let counterFields = [
        "canary", "stable", "bad", "requests", "slowerThan", "startTimes", "lag", "lookback",
    ]

    /// Fields that judge a single value. They have no effect on counts, so beside `compare` they are refused.
    private static let otherJudges = [
        "successCondition", "failureCondition", "count", "failureLimit", "inconclusiveLimit", "consecutiveSuccessLimit",
        "noData", "window", "onInconclusive",
    ]

    private static let known = [
        "harmRatio", "promotionRatio", "alpha", "promotionAlpha", "delta", "suspicion", "suspicionLimit", "warmUp",
        "dispersion", "weight",
    ]

    /// - Parameter metric: The fields of the metric that has it.
    static func comparison(_ reader: SpecReader, in metric: SpecFields) -> Comparison? {
        for key in otherJudges {
            metric[key]?.fail("has no say beside `compare`, which judges counts; leave it out")
        }
        guard let fields = reader.fields(known) else { return nil }
        var comparison = Comparison()
        read(fields["harmRatio"], 1...100, into: &comparison.harmRatio)
        read(fields["promotionRatio"], 1.01...100, into: &comparison.promotionRatio)
        if comparison.promotionRatio <= comparison.harmRatio {
            (fields["promotionRatio"] ?? fields["harmRatio"] ?? reader).fail(
                "promotionRatio \(comparison.promotionRatio) must be more than harmRatio \(comparison.harmRatio): "
                    + "what lies between would be harm and no worse at once")
        }
        read(fields["alpha"], 1e-6...0.2, into: &comparison.alpha, as: "probability")
        read(fields["promotionAlpha"], 1e-6...0.2, into: &comparison.promotionAlpha, as: "probability")
        // An empty text, such as an argument's default, means that there is no `delta`.
        if let delta = fields["delta"], delta.text() != "" {
            var share = 0.0
            read(delta, 1e-6...0.5, into: &share, as: "share of the requests")
            comparison.delta = share > 0 ? share : nil
        }
        read(fields["suspicion"], 1...100, into: &comparison.suspicion)
        if comparison.suspicion >= comparison.harmLimit {
            fields["suspicion"]?.fail("must be less than 1/alpha, \(Int(comparison.harmLimit)), which ends the rollout")
        }
        if let limit = fields["suspicionLimit"]?.duration() { comparison.suspicionLimit = limit }
        if let warmUp = fields["warmUp"]?.duration() { comparison.warmUp = warmUp }
        if let dispersion = fields["dispersion"]?.fields(["variance", "burst"]) {
            read(dispersion["variance"], 0...100, into: &comparison.dispersion.variance)
            read(dispersion["burst"], 1...1000, into: &comparison.dispersion.burst)
        }
        read(fields["weight"], 0.001...1000, into: &comparison.weight)
        if let requests = metric["minRequests"]?.integer(1...1_000_000_000) { comparison.minRequests = requests }
        return comparison
    }

    static func counters(_ fields: SpecFields) -> CounterQuery? {
        if fields["query"] != nil || fields["requestsQuery"] != nil {
            fields.owner.fail("`compare` asks for `canary` and `stable`, selectors of counters, and for no query")
        }
        let (canary, stable) = (selector(fields.required("canary")), selector(fields.required("stable")))
        guard let canary, let stable else { return nil }
        if canary == stable {
            fields["stable"]?.fail("the same selector for both versions compares a thing with itself")
        }
        var counters = CounterQuery(canary: canary, stable: stable)
        counters.bad = matches(fields["bad"])
        counters.requests = matches(fields["requests"])
        for reader in fields["slowerThan"]?.list() ?? [] {
            if let bound = reader.number(1e-9...1e9) { counters.slowerThan.append(bound) }
        }
        if counters.slowerThan.count > 8 { fields["slowerThan"]?.fail("eight bounds at most; three are enough") }
        if counters.bad.isEmpty == counters.slowerThan.isEmpty {
            fields.owner.fail("either `bad`, which series count bad requests, or `slowerThan`, bounds of a histogram")
        }
        counters.startTimes = fields["startTimes"].flatMap(selector)
        if let lag = fields["lag"]?.duration() { counters.lag = lag }
        if let lookback = fields["lookback"]?.duration() {
            if lookback < .seconds(1) { fields["lookback"]?.fail("at least 1s, and three scrapes, are needed") }
            counters.lookback = lookback
        }
        return counters
    }

    /// A selector of series, and nothing else: the range is added to it.
    private static func selector(_ reader: SpecReader?) -> String? {
        guard let reader, let text = reader.nonEmptyText() else { return nil }
        let name = text.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == ":" }
        let rest = text.dropFirst(name.count)
        guard rest.isEmpty ? !name.isEmpty : rest.hasPrefix("{") && rest.hasSuffix("}") else {
            reader.fail(
                "`\(text.shortened)` is no selector such as http_requests_total{app=\"x\"}: raw counters are "
                    + "compared, without rate(), sum() or a range")
            return nil
        }
        return text
    }

    private static func matches(_ reader: SpecReader?) -> [CounterQuery.Match] {
        (reader?.entries() ?? []).compactMap { key, reader in
            // A label's name may come from an argument, as its value may.
            guard let label = SpecReader(node: Node(key), path: reader.path, context: reader.context).nonEmptyText(),
                let pattern = reader.nonEmptyText()
            else { return nil }
            guard (try? Regex(pattern)) != nil else {
                reader.fail("`\(pattern.shortened)` is no regular expression")
                return nil
            }
            return .init(label: label, pattern: pattern)
        }
    }

    private static func read(
        _ reader: SpecReader?, _ range: ClosedRange<Double>, into value: inout Double, as what: String = "number"
    ) {
        if let number = reader?.number(range, as: what) { value = number }
    }
}

internal import BelayAnalysis
internal import BelayCore
internal import Yams

/// Reads one metric of a template.
struct MetricReader {
    enum Judging { case conditions, comparison, judge }

    /// The server of the rollout, where the metric names none.
    let server: Endpoint?
    let scope: Metric.Scope

    private static let known =
        [
            "name", "interval", "initialDelay", "count", "failureLimit", "inconclusiveLimit", "consecutiveErrorLimit",
            "consecutiveSuccessLimit", "successCondition", "failureCondition", "provider", "noData", "blindFor",
            "onBlind", "onInconclusive", "minRequests", "window", "min", "max", "compare", "judge",
        ] + JudgeReader.fields

    func metric(_ reader: SpecReader) -> Metric? {
        guard let fields = reader.fields(Self.known) else { return nil }
        let name = fields.required("name")?.nonEmptyText()
        let judging: Judging =
            fields["compare"] != nil ? .comparison : fields["judge"] != nil ? .judge : .conditions
        if judging == .comparison { fields["judge"]?.fail("one judge is enough: `compare` is there already") }
        if judging != .judge {
            for key in JudgeReader.fields { fields[key]?.fail("belongs to `judge: mannWhitney`, which is not there") }
        }
        let source = fields.required("provider").flatMap {
            ProviderReader(server: server, judgedBy: judging).source($0)
        }
        let comparison = fields["compare"].flatMap { CompareReader.comparison($0, in: fields) }
        let judge = judging == .judge ? fields["judge"].flatMap { JudgeReader.judge($0, in: fields) } : nil
        guard let name, let source else { return nil }
        var metric = Metric(name: name, source: source)
        metric.scope = scope
        metric.comparison = comparison
        metric.judge = judge
        readTimes(fields, &metric)
        readErrorLimit(fields, &metric)
        if judging == .comparison { return metric }
        readLimits(fields, &metric)
        if judging == .judge {
            if fields["inconclusiveLimit"] == nil { metric.limits.inconclusive = 2 }  // Kayenta goes on when marginal.
            if fields["interval"] == nil { metric.interval = .seconds(300) }
            if let judge { Hazards.explain(judge, fields) }
            return metric
        }
        readConditions(fields, &metric)
        if metric.minRequests != nil, metric.prometheus?.requestsQuery == nil {
            fields["minRequests"]?.fail(
                "needs `requestsQuery` beside the query, which counts the requests of the window")
        }
        return metric
    }

    private func readLimits(_ fields: SpecFields, _ metric: inout Metric) {
        if let count = fields["count"]?.integer(0...1_000_000), count > 0 { metric.limits.count = count }
        if metric.limits.count == nil, case .step = metric.scope, fields["interval"] == nil { metric.limits.count = 1 }
        if let limit = fields["failureLimit"]?.integer(-1...1_000_000) { metric.limits.failure = limit }
        if let limit = fields["inconclusiveLimit"]?.integer(0...1_000_000) { metric.limits.inconclusive = limit }
        if let limit = fields["consecutiveSuccessLimit"]?.integer(0...1_000_000) {
            metric.limits.consecutiveSuccesses = limit
        }
        let limits = metric.limits
        if limits.failure == -1, limits.consecutiveSuccesses == 0 {
            fields["failureLimit"]?.fail("-1 turns failures off, so consecutiveSuccessLimit must say when it is good")
        }
        if let count = limits.count, limits.consecutiveSuccesses > count {
            fields["count"]?.fail("count \(count) is less than consecutiveSuccessLimit \(limits.consecutiveSuccesses)")
        }
        metric.minRequests = fields["minRequests"]?.integer(1...1_000_000_000)
    }

    private func readErrorLimit(_ fields: SpecFields, _ metric: inout Metric) {
        guard let limit = fields["consecutiveErrorLimit"]?.integer(0...1_000_000) else { return }
        metric.limits.consecutiveErrors = limit
        metric.countsNoDataAsErrors = true
        fields["consecutiveErrorLimit"]?.note(
            "stated, so every evaluation without a result counts, no data too, as in Argo; `blindFor` has no say here. "
                + "Without it no data uses up nothing until `blindFor`, and is then the way back")
    }

    private func readTimes(_ fields: SpecFields, _ metric: inout Metric) {
        if let interval = fields["interval"]?.duration() {
            if interval < .milliseconds(100) {
                fields["interval"]?.fail("an interval below 100ms only burdens the server")
            }
            metric.interval = max(interval, .milliseconds(100))
        }
        if let delay = fields["initialDelay"]?.duration() { metric.initialDelay = delay }
        // A judge has nothing to say before its first points are there.
        let points = metric.judge.map { $0.step * $0.minPoints } ?? .zero
        metric.window = window(fields, metric)
        metric.blindFor =
            fields["blindFor"]?.duration() ?? metric.blindFor + points + (metric.judge == nil ? .zero : metric.window)
        if let answer = fields["onBlind"]?.choice(Metric.Answer.self) { metric.onBlind = answer }
        if let answer = fields["onInconclusive"]?.choice(Metric.Answer.self) { metric.onInconclusive = answer }
    }

    /// How far back one answer looks.
    private func window(_ fields: SpecFields, _ metric: Metric) -> Duration {
        let declared = fields["window"]?.duration()
        switch metric.prometheus?.question {
        case .instant(let text): return declared ?? PromQL.longestRange(in: text) ?? .zero
        case .range(let text, let stretch):
            return declared ?? stretch.start + (PromQL.longestRange(in: text) ?? .zero)
        // The windows of a comparison begin with the step.
        case .counters: return .zero
        // The points of a judge begin so late that none of them looks back behind the step's confirmation.
        case .judged:
            let queries = metric.judge?.series.flatMap { [$0.canary, $0.stable] } ?? []
            return queries.compactMap(PromQL.longestRange).max() ?? .zero
        case nil: return declared ?? .zero
        }
    }

    // MARK: Conditions

    private func readConditions(_ fields: SpecFields, _ metric: inout Metric) {
        let shape = shape(of: metric)
        let bounds = bounds(fields, &metric, shape)
        metric.successCondition = bounds ?? fields["successCondition"]?.nonEmptyText()
        metric.failureCondition = fields["failureCondition"]?.nonEmptyText()
        if fields["successCondition"] == nil, fields["failureCondition"] == nil, bounds == nil {
            guard case .command(var query) = metric.source else {
                return fields.owner.fail(
                    "without successCondition, failureCondition, min or max every answer would pass")
            }
            // The exit status of a command without conditions says whether it is good.
            query.reads = .exitStatus
            metric.source = .command(query)
            metric.successCondition = "result == 0"
        }
        var asksAboutNoData = false
        for key in ["successCondition", "failureCondition"] {
            guard let reader = fields[key], let text = reader.nonEmptyText() else { continue }
            do throws(ConditionError) {
                let condition = try Condition(text)
                asksAboutNoData = asksAboutNoData || condition.asksAboutNoData
                try condition.check(against: shape)
                if condition.variables.contains(.requests), metric.prometheus?.requestsQuery == nil {
                    reader.fail("`requests` needs `requestsQuery` beside the query, which counts them")
                }
            } catch {
                let isCut = error.offset == text.count && reader.node.scalar?.style == .plain
                let hint = isCut ? "; in YAML ` #` begins a comment: put the condition in quotes" : ""
                reader.fail(
                    "`\(text.shortened)`, character \(error.offset + 1): \(error.message)\(hint)",
                    columnOffset: error.offset)
            }
        }
        metric.noData = fields["noData"]?.choice(Metric.NoData.self) ?? (asksAboutNoData ? .evaluate : .wait)
        Hazards.explain(metric, fields)
    }

    private func shape(of metric: Metric) -> Condition.Shape {
        switch metric.source {
        case .prometheus(let query):
            if case .instant(let text) = query.question { return PromQL.shape(of: text) }
            return .list
        case .web, .constant, .target: return .unknown
        case .command(let query): return query.reads == .exitStatus ? .scalar : .unknown
        }
    }

    /// `min` and `max` as a condition that every value has to keep; nil where neither is there.
    private func bounds(_ fields: SpecFields, _ metric: inout Metric, _ shape: Condition.Shape) -> String? {
        guard fields["min"] != nil || fields["max"] != nil else { return nil }
        for key in ["successCondition", "failureCondition"] {
            fields[key]?.fail("has no say beside `min` and `max`; say it in one way")
        }
        let range = -1e300...1e300
        let (least, most) = (fields["min"]?.number(range), fields["max"]?.number(range))
        if let least, let most, least > most { fields["min"]?.fail("min \(least) is more than max \(most)") }
        let name = shape == .list ? "#" : "result"
        metric.most = most
        let parts = [least.map { "\(name) >= \($0)" }, most.map { "\(name) <= \($0)" }].compactMap { $0 }
        let text = parts.joined(separator: " && ")
        return shape == .list ? "all(result, \(text))" : text
    }
}

internal import BelayAnalysis
internal import BelayCore
internal import Yams

/// One use of an analysis template: whose text it is, and the arguments given.
struct TemplateUse {
    /// Where the template's text is: a file of its own, or in place.
    let source: SpecSource?
    let inline: SpecReader?
    let arguments: [(key: String, value: SpecReader)]
    /// Where it is used, for what is wrong with the arguments.
    let reader: SpecReader
}

/// Turns an `AnalysisTemplate` and its arguments into metrics.
struct TemplateReader {
    let environment: [String: String]
    /// `canary.backend`, `revision` …
    let facts: [String: String]
    /// The server of the rollout, where the template names none.
    let server: PrometheusQuery?

    private static let metricFields = [
        "name", "interval", "initialDelay", "count", "failureLimit", "inconclusiveLimit", "consecutiveErrorLimit",
        "consecutiveSuccessLimit", "successCondition", "failureCondition", "provider", "noData", "blindFor", "onBlind",
        "onInconclusive", "minRequests", "window", "compare",
    ]

    /// The metrics of one use; issues of the template go to its own file, issues of the arguments to the user's.
    func metrics(of use: TemplateUse, scope: Metric.Scope, issues: inout [SpecIssue]) -> [Metric] {
        do throws(SpecFailure) {
            let draft = SpecContext(file: use.source?.file ?? use.reader.context.file, environment: environment)
            let spec: SpecReader
            if let source = use.source {
                let document = try SpecDocument.parse(source, context: draft)
                if document.kind != .analysisTemplate {
                    document.spec.fail("this is a \(document.kind.rawValue), not an AnalysisTemplate")
                }
                spec = document.spec
            } else {
                spec = SpecReader(node: use.inline!.node, path: use.inline!.path, context: draft)
            }
            let known = declared(in: spec)
            var values = facts
            for (name, fallback) in known { if let fallback { values["args.\(name)"] = fallback } }
            var given: Set<String> = []
            for (name, reader) in use.arguments {
                if known.keys.contains(name) {
                    if let value = reader.text() { values["args.\(name)"] = fill(value, reader) }
                    given.insert(name)
                } else {
                    reader.fail(
                        "the template has no argument `\(name)`\(Spelling.hint(for: name, in: Array(known.keys)))")
                }
            }
            let missing = known.keys.sorted().filter { known[$0]! == nil && !given.contains($0) }
            for (index, name) in missing.enumerated() {
                use.reader.fail("the argument `\(name)` is missing")
                values["args.\(name)"] = "\(index + 1)"  // So that the rest is still checked.
            }
            let context = SpecContext(file: draft.file, environment: environment, placeholders: Placeholders(values))
            let read = metrics(in: SpecReader(node: spec.node, path: spec.path, context: context), scope: scope)
            for name in known.keys.sorted() where !context.used.contains("args.\(name)") {
                spec.fail("the argument `\(name)` is declared and never used")
            }
            issues += draft.issues + context.issues
            return read
        } catch {
            issues += error.issues
            return []
        }
    }

    private func fill(_ text: String, _ reader: SpecReader) -> String {
        do throws(Placeholders.Failure) {
            return try Placeholders(facts).fill(text)
        } catch {
            reader.fail(error.message)
            return text
        }
    }

    /// Declared arguments and their defaults.
    private func declared(in spec: SpecReader) -> [String: String?] {
        guard case .mapping(let mapping) = spec.node, let node = mapping[Node("args")] else { return [:] }
        let reader = SpecReader(node: node, path: "\(spec.path).args", context: spec.context)
        var known: [String: String?] = [:]
        for item in reader.list() ?? [] {
            guard let fields = item.fields(["name", "value"], later: ["valueFrom"]),
                let name = fields.required("name")?.nonEmptyText()
            else { continue }
            known[name] = .some(fields["value"]?.text())
        }
        return known
    }

    private func metrics(in spec: SpecReader, scope: Metric.Scope) -> [Metric] {
        guard let fields = spec.fields(["args", "metrics"], later: ["dryRun", "measurementRetention", "templates"])
        else { return [] }
        let readers = fields.required("metrics")?.list() ?? []
        if readers.isEmpty, let owner = fields["metrics"] { owner.fail("at least one metric is expected") }
        return readers.compactMap { metric($0, scope: scope) }
    }

    private func metric(_ reader: SpecReader, scope: Metric.Scope) -> Metric? {
        let later = ["judge", "min", "max"]
        guard let fields = reader.fields(Self.metricFields, later: later) else { return nil }
        let name = fields.required("name")?.nonEmptyText()
        let compares = fields["compare"] != nil
        let query = fields.required("provider").flatMap { provider($0, compares: compares) }
        let comparison = fields["compare"].flatMap { CompareReader.comparison($0, in: fields) }
        guard let name, let query else { return nil }
        var metric = Metric(name: name, query: query)
        metric.scope = scope
        metric.comparison = comparison
        readTimes(fields, &metric)
        readErrorLimit(fields, &metric)
        if compares { return metric }
        readLimits(fields, &metric)
        readConditions(fields, &metric)
        if metric.minRequests != nil, query.requestsQuery == nil {
            fields["minRequests"]?.fail(
                "needs `requestsQuery` beside the query, which counts the requests of the window")
        }
        if let limit = metric.limits.count, metric.limits.consecutiveSuccesses > limit {
            fields["count"]?.fail(
                "count \(limit) is less than consecutiveSuccessLimit \(metric.limits.consecutiveSuccesses)")
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
        if metric.limits.failure == -1, metric.limits.consecutiveSuccesses == 0 {
            fields["failureLimit"]?.fail("-1 turns failures off, so consecutiveSuccessLimit must say when it is good")
        }
        metric.minRequests = fields["minRequests"]?.integer(1...1_000_000_000)
    }

    private func readErrorLimit(_ fields: SpecFields, _ metric: inout Metric) {
        guard let limit = fields["consecutiveErrorLimit"]?.integer(0...1_000_000) else { return }
        metric.limits.consecutiveErrors = limit
        metric.countsNoDataAsErrors = true
    }

    private func readTimes(_ fields: SpecFields, _ metric: inout Metric) {
        if let interval = fields["interval"]?.duration() {
            if interval < .milliseconds(100) {
                fields["interval"]?.fail("an interval below 100ms only burdens the server")
            }
            metric.interval = max(interval, .milliseconds(100))
        }
        if let delay = fields["initialDelay"]?.duration() { metric.initialDelay = delay }
        if let blindFor = fields["blindFor"]?.duration() { metric.blindFor = blindFor }
        if let query = metric.query.instant {
            metric.window = fields["window"]?.duration() ?? PromQL.longestRange(in: query) ?? .zero
        }
        if let answer = fields["onBlind"]?.choice(Metric.Answer.self) { metric.onBlind = answer }
        if let answer = fields["onInconclusive"]?.choice(Metric.Answer.self) { metric.onInconclusive = answer }
    }

    private func readConditions(_ fields: SpecFields, _ metric: inout Metric) {
        metric.successCondition = fields["successCondition"]?.nonEmptyText()
        metric.failureCondition = fields["failureCondition"]?.nonEmptyText()
        if fields["successCondition"] == nil, fields["failureCondition"] == nil {
            fields.owner.fail("without successCondition or failureCondition every answer would pass")
        }
        let shape = PromQL.shape(of: metric.query.text)
        var asksAboutNoData = false
        for (key, text) in [
            ("successCondition", metric.successCondition), ("failureCondition", metric.failureCondition),
        ] {
            guard let text, let reader = fields[key] else { continue }
            do throws(ConditionError) {
                let condition = try Condition(text)
                asksAboutNoData = asksAboutNoData || condition.asksAboutNoData
                try condition.check(against: shape)
            } catch {
                reader.fail(
                    "`\(SpecReader.shortened(text))`, character \(error.offset + 1): \(error.message)",
                    columnOffset: error.offset)
            }
        }
        metric.noData = fields["noData"]?.choice(Metric.NoData.self) ?? (asksAboutNoData ? .evaluate : .wait)
    }

    private func provider(_ reader: SpecReader, compares: Bool) -> PrometheusQuery? {
        let later = [
            "web", "job", "kayenta", "datadog", "newRelic", "wavefront", "cloudWatch", "graphite", "influxdb",
            "skywalking", "plugin", "command", "constant",
        ]
        guard let fields = reader.fields(["prometheus"], later: later), let prometheus = fields.required("prometheus")
        else { return nil }
        let known =
            ["query", "requestsQuery"] + PrometheusReader.connectionFields
            + (compares ? CompareReader.counterFields : [])
        guard let members = prometheus.fields(known, later: PrometheusReader.later) else { return nil }
        let question = question(members, compares: compares)
        var result = server ?? PrometheusQuery(address: "", query: "")
        PrometheusReader.read(members, into: &result)
        if result.address.isEmpty {
            prometheus.fail("`address` is missing, here and in the rollout's `analysis.prometheus`")
        }
        guard let question else { return nil }
        result.question = question
        result.requestsQuery = members["requestsQuery"]?.nonEmptyText()
        return result
    }

    private func question(_ members: SpecFields, compares: Bool) -> PrometheusQuery.Question? {
        if compares { return CompareReader.counters(members).map { .counters($0) } }
        return members.required("query")?.nonEmptyText().map { .instant($0) }
    }
}

internal import BelayCore
internal import Yams

/// Reads a metric's `provider`: exactly one of the known ones.
struct ProviderReader {
    /// The server of the rollout, where the metric names none.
    let server: Endpoint?
    /// How the metric is judged tells what it asks for.
    let judgedBy: MetricReader.Judging

    private static let known = ["prometheus", "web", "command", "constant"]
    private static let later = [
        "job", "kayenta", "datadog", "newRelic", "wavefront", "cloudWatch", "graphite", "influxdb", "skywalking",
        "plugin",
    ]

    func source(_ reader: SpecReader) -> MetricSource? {
        guard let fields = reader.fields(Self.known, later: Self.later),
            let kind = fields.exactlyOne(of: Self.known), let provider = fields[kind]
        else { return nil }
        if judgedBy != .conditions, kind != "prometheus" {
            provider.fail("only Prometheus has the counters and ranges that `compare` and `judge` need")
            return nil
        }
        switch kind {
        case "prometheus": return prometheus(provider).map { .prometheus($0) }
        case "web": return web(provider).map { .web($0) }
        case "command": return command(provider).map { .command($0) }
        default: return provider.fields(["value"])?.required("value")?.json().map { .constant($0) }
        }
    }

    // MARK: Prometheus

    private func prometheus(_ reader: SpecReader) -> PrometheusQuery? {
        let own =
            switch judgedBy {
            case .conditions: ["query", "requestsQuery", "rangeQuery", "lag"]
            case .comparison: ["query", "requestsQuery"] + CompareReader.counterFields
            case .judge: [String]()
            }
        guard let members = reader.fields(own + EndpointReader.fields) else { return nil }
        // Another server gets none of the rollout's credentials.
        let isElsewhere = members["address"] != nil && members["address"]?.text(allowsSecrets: true) != server?.address
        var endpoint = isElsewhere ? Endpoint(address: "") : server ?? Endpoint(address: "")
        EndpointReader.read(members, into: &endpoint)
        if endpoint.address.isEmpty {
            reader.fail("`address` is missing, here and in the rollout's `analysis.prometheus`")
        }
        guard let question = question(members) else { return nil }
        var query = PrometheusQuery(server: endpoint, question: question)
        query.requestsQuery = members["requestsQuery"]?.nonEmptyText()
        if judgedBy == .conditions, let lag = members["lag"]?.duration() { query.lag = lag }
        return query
    }

    private func question(_ members: SpecFields) -> PrometheusQuery.Question? {
        switch judgedBy {
        case .comparison: return CompareReader.counters(members).map { .counters($0) }
        case .judge: return .judged
        case .conditions:
            guard let text = members.required("query")?.nonEmptyText() else { return nil }
            guard let range = members["rangeQuery"] else { return .instant(text) }
            return stretch(range).map { .range(text, $0) }
        }
    }

    private func stretch(_ reader: SpecReader) -> PrometheusQuery.Stretch? {
        guard let fields = reader.fields(["start", "end", "step"]) else { return nil }
        let start = fields.required("start").flatMap(ago)
        let end = fields["end"].map(ago) ?? .zero
        let step = fields.required("step")?.duration()
        guard let start, let end, let step else { return nil }
        if start <= end { reader.fail("`start` must lie before `end`") }
        if step < .milliseconds(1) || (start - end) / step > 11_000 {
            fields["step"]?.fail("a step that gives 1 to 11,000 values is expected")
        }
        return .init(start: start, end: end, step: step)
    }

    /// `now() - duration("5m")`, as in Argo; `5m`, so long ago; `now()`.
    private func ago(_ reader: SpecReader) -> Duration? {
        guard let text = reader.text() else { return nil }
        let plain = text.filter { !$0.isWhitespace }
        if plain == "now()" { return .zero }
        var inner = plain
        if plain.hasPrefix("now()-duration(\""), plain.hasSuffix("\")") {
            inner = String(plain.dropFirst("now()-duration(\"".count).dropLast(2))
        }
        guard let duration = Duration(text: inner) else {
            reader.fail(
                "`\(text.shortened)` is not so long ago: `5m`, or `now() - duration(\"5m\")` as in Argo; "
                    + "a fixed date would show the same in every measurement")
            return nil
        }
        return duration
    }

    // MARK: Web, command

    private func web(_ reader: SpecReader) -> WebQuery? {
        let known = EndpointReader.fields.filter { $0 != "address" && $0 != "ignoreWarnings" }
        guard let fields = reader.fields(["url", "method", "body", "jsonBody", "jsonPath"] + known),
            let url = fields.required("url")
        else { return nil }
        var server = Endpoint(address: "")
        server.timeout = .seconds(10)  // As in Argo.
        EndpointReader.read(fields, into: &server)
        if let address = url.nonEmptyText(allowsSecrets: true) {
            EndpointReader.checkScheme(of: address, url)
            server.address = address
        }
        var query = WebQuery(server: server)
        if let method = fields["method"]?.choice(WebQuery.Method.self) { query.method = method }
        if let path = fields["jsonPath"], let text = path.nonEmptyText() {
            do throws(JSONPath.Failure) {
                query.path = try JSONPath(text)
            } catch {
                path.fail("`\(text.shortened)`: \(error.message)")
            }
        }
        if let text = fields["body"]?.text(allowsSecrets: true) { query.body = .text(text) }
        if let json = fields["jsonBody"]?.json(allowsSecrets: true) { query.body = .json(json) }
        if fields["body"] != nil, fields["jsonBody"] != nil {
            fields["jsonBody"]?.fail("`body` and `jsonBody` cannot both be sent")
        }
        if query.body != nil, query.method == .get { reader.fail("a body is sent with POST or PUT; say `method`") }
        return query
    }

    private func command(_ reader: SpecReader) -> CommandQuery? {
        guard let fields = reader.fields(["run", "env", "workingDirectory", "timeout", "reads"]),
            let run = fields.required("run"), let items = run.list()
        else { return nil }
        let arguments = items.compactMap { $0.text() }
        guard !arguments.isEmpty else {
            run.fail("a program and its arguments are expected, as a list")
            return nil
        }
        var query = CommandQuery(arguments: arguments)
        for (name, value) in fields["env"]?.entries() ?? [] {
            guard !name.isEmpty, !name.contains("=") else {
                value.fail("`\(name)` is no name of a variable")
                continue
            }
            if let text = value.text(allowsSecrets: true) { query.environment.append(Header(name: name, value: text)) }
        }
        query.directory = fields["workingDirectory"]?.nonEmptyText()
        if let timeout = fields["timeout"]?.duration() {
            if timeout < .milliseconds(10) || timeout > .seconds(600) {
                fields["timeout"]?.fail("a time-out of 10ms to 10m is expected")
            }
            query.timeout = timeout
        }
        if let reads = fields["reads"]?.choice(CommandQuery.Reads.self) { query.reads = reads }
        return query
    }
}

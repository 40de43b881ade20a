internal import BelayCore

/// Whom a metric asks. Secrets are references and are stored as such.
enum StoredSource {
    /// The member's name tells the kind.
    static func encode(_ source: MetricSource) -> (name: String, json: JSONValue) {
        switch source {
        case .prometheus(let query): ("prometheus", encode(query))
        case .web(let query): ("web", encode(query))
        case .command(let query): ("command", encode(query))
        case .constant(let value): ("constant", .members(["value": value]))
        case .target(let question): ("target", .members(["question": .string(question)]))
        }
    }

    static func decode(_ json: JSONValue) throws(Unreadable) -> MetricSource {
        if let prometheus = json["prometheus"] { return .prometheus(try query(prometheus)) }
        if let web = json["web"] { return .web(try webQuery(web)) }
        if let command = json["command"] { return .command(try commandQuery(command)) }
        if let target = json["target"] { return .target(try need(target["question"]?.string)) }
        return .constant(try need(json["constant"]?["value"]))
    }

    private static func encode(_ query: PrometheusQuery) -> JSONValue {
        var members = endpoint(query.server)
        switch query.question {
        case .instant(let text): members.append(.init("query", .string(text)))
        case .range(let text, let stretch):
            members.append(.init("query", .string(text)))
            members.append(
                .init(
                    "range",
                    .members([
                        "start": .duration(stretch.start), "end": .duration(stretch.end),
                        "step": .duration(stretch.step),
                    ])))
        case .counters(let counters): members.append(.init("counters", StoredComparison.encode(counters)))
        case .judged: break  // The queries are the judge's.
        }
        if query.lag > .zero { members.append(.init("lag", .duration(query.lag))) }
        if let requests = query.requestsQuery { members.append(.init("requestsQuery", .string(requests))) }
        return .object(members)
    }

    private static func query(_ json: JSONValue) throws(Unreadable) -> PrometheusQuery {
        let question: PrometheusQuery.Question
        if let counters = try StoredComparison.counters(json["counters"]) {
            question = .counters(counters)
        } else if let text = json["query"]?.string {
            question =
                if let range = json["range"] { .range(text, try stretch(range)) } else { .instant(text) }
        } else {
            question = .judged
        }
        var query = PrometheusQuery(server: try endpoint(json), question: question)
        query.requestsQuery = json["requestsQuery"]?.string
        query.lag = json["lag"]?.duration ?? .zero
        return query
    }

    private static func stretch(_ json: JSONValue) throws(Unreadable) -> PrometheusQuery.Stretch {
        .init(
            start: try need(json["start"]?.duration), end: try need(json["end"]?.duration),
            step: try need(json["step"]?.duration))
    }

    private static func encode(_ query: WebQuery) -> JSONValue {
        var (text, structured): (String?, JSONValue?)
        switch query.body {
        case .text(let body): text = body
        case .json(let body): structured = body
        case nil: break
        }
        let more = JSONValue.members([
            "method": .string(query.method.rawValue), "body": text.map { .string($0) }, "jsonBody": structured,
            "jsonPath": .string(query.path.text),
        ])
        return .object(endpoint(query.server) + more.members)
    }

    private static func webQuery(_ json: JSONValue) throws(Unreadable) -> WebQuery {
        var query = WebQuery(server: try endpoint(json))
        query.method = try need(json["method"]?.string.flatMap { WebQuery.Method(rawValue: $0) })
        query.body = json["body"]?.string.map { .text($0) } ?? json["jsonBody"].map { .json($0) }
        let path = try need(json["jsonPath"]?.string)
        query.path = try need(path == JSONPath.root.text ? .root : try? JSONPath(path))
        return query
    }

    private static func encode(_ query: CommandQuery) -> JSONValue {
        .members([
            "run": .strings(query.arguments), "environment": headers(query.environment),
            "directory": query.directory.map { .string($0) }, "timeout": .duration(query.timeout),
            "reads": .string(query.reads.rawValue),
        ])
    }

    private static func commandQuery(_ json: JSONValue) throws(Unreadable) -> CommandQuery {
        let arguments = try need(json["run"]?.strings)
        guard !arguments.isEmpty else { throw Unreadable() }
        var query = CommandQuery(arguments: arguments)
        query.environment = headers(json["environment"])
        query.directory = json["directory"]?.string
        query.timeout = try need(json["timeout"]?.duration)
        query.reads = try need(json["reads"]?.string.flatMap { CommandQuery.Reads(rawValue: $0) })
        return query
    }

    private static func endpoint(_ server: Endpoint) -> [JSONValue.Member] {
        JSONValue.members([
            "address": .string(server.address), "timeout": .duration(server.timeout),
            "headers": headers(server.headers), "bearer": server.bearer.map { .string($0) },
            "basicUser": server.basicUser.map { .string($0) },
            "basicPassword": server.basicPassword.map { .string($0) },
            "authority": server.authority.map { .string($0) }, "certificate": server.certificate.map { .string($0) },
            "key": server.key.map { .string($0) }, "insecure": server.isInsecure ? .bool(true) : nil,
            "maxInFlight": .count(server.maxInFlight),
            "ignoreWarnings": server.ignoredWarnings.isEmpty ? nil : .strings(server.ignoredWarnings),
        ]).members
    }

    private static func endpoint(_ json: JSONValue) throws(Unreadable) -> Endpoint {
        var server = Endpoint(address: try need(json["address"]?.string))
        server.timeout = try need(json["timeout"]?.duration)
        server.headers = headers(json["headers"])
        (server.bearer, server.basicUser) = (json["bearer"]?.string, json["basicUser"]?.string)
        server.basicPassword = json["basicPassword"]?.string
        (server.authority, server.certificate, server.key) = (
            json["authority"]?.string, json["certificate"]?.string, json["key"]?.string
        )
        server.isInsecure = json["insecure"]?.bool ?? false
        server.maxInFlight = json["maxInFlight"]?.count ?? server.maxInFlight
        server.ignoredWarnings = json["ignoreWarnings"]?.strings ?? []
        return server
    }

    private static func headers(_ headers: [Header]) -> JSONValue? {
        if headers.isEmpty { return nil }
        return .array(headers.map { .members(["key": .string($0.name), "value": .string($0.value)]) })
    }

    private static func headers(_ json: JSONValue?) -> [Header] {
        (json?.array ?? []).compactMap { header in
            guard let name = header["key"]?.string, let value = header["value"]?.string else { return nil }
            return Header(name: name, value: value)
        }
    }
}

extension JSONValue {
    fileprivate var members: [Member] {
        if case .object(let members) = self { members } else { [] }
    }
}

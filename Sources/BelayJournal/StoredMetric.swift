internal import BelayCore

/// A metric of the frozen plan. Secrets are references and are stored as such.
enum StoredMetric {
    static func encode(_ metric: Metric) -> JSONValue {
        .members([
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
            "minRequests": metric.minRequests.map { .count($0) },
            "compare": metric.comparison.map(StoredComparison.encode),
            "prometheus": encode(metric.query),
        ])
    }

    private static func step(of scope: Metric.Scope) -> Int? {
        switch scope {
        case .always: nil
        case .step(let step): step
        }
    }

    static func decode(_ json: JSONValue) throws(Unreadable) -> Metric {
        var metric = Metric(name: try need(json["name"]?.string), query: try query(try need(json["prometheus"])))
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
        metric.comparison = try StoredComparison.decode(json["compare"])
        return metric
    }

    private static func encode(_ query: PrometheusQuery) -> JSONValue {
        let headers = query.headers.map { JSONValue.members(["key": .string($0.name), "value": .string($0.value)]) }
        return .members([
            "address": .string(query.address), "query": query.instant.map { .string($0) },
            "counters": query.counters.map(StoredComparison.encode),
            "requestsQuery": query.requestsQuery.map { .string($0) }, "timeout": .duration(query.timeout),
            "headers": headers.isEmpty ? nil : .array(headers), "bearer": query.bearer.map { .string($0) },
            "basicUser": query.basicUser.map { .string($0) }, "basicPassword": query.basicPassword.map { .string($0) },
            "authority": query.authority.map { .string($0) }, "certificate": query.certificate.map { .string($0) },
            "key": query.key.map { .string($0) },
        ])
    }

    private static func query(_ json: JSONValue) throws(Unreadable) -> PrometheusQuery {
        let question: PrometheusQuery.Question =
            if let counters = try StoredComparison.counters(json["counters"]) {
                .counters(counters)
            } else {
                .instant(try need(json["query"]?.string))
            }
        var query = PrometheusQuery(address: try need(json["address"]?.string), question: question)
        query.requestsQuery = json["requestsQuery"]?.string
        query.timeout = try need(json["timeout"]?.duration)
        query.headers = (json["headers"]?.array ?? []).compactMap { header in
            guard let name = header["key"]?.string, let value = header["value"]?.string else { return nil }
            return .init(name: name, value: value)
        }
        (query.bearer, query.basicUser) = (json["bearer"]?.string, json["basicUser"]?.string)
        query.basicPassword = json["basicPassword"]?.string
        (query.authority, query.certificate, query.key) = (
            json["authority"]?.string, json["certificate"]?.string, json["key"]?.string
        )
        return query
    }
}

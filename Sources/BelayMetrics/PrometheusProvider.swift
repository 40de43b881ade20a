internal import BelayCore
internal import BelayEngine
internal import BelayHTTP
internal import BelayPlatform

/// Queries to Prometheus and what speaks its API: Thanos, Mimir, VictoriaMetrics.
struct PrometheusProvider: Sendable {
    private let queue: ServerQueue
    private let shared = SharedQuestions()
    private let remarked = Locked<[String]>([])

    init(queue: ServerQueue) { self.queue = queue }

    /// Remarks that came with answers which are right all the same; each remark once.
    var remarks: [String] { remarked.withLock { $0 } }

    func measure(_ query: PrometheusQuery, at moment: Timestamp) async -> MetricReading {
        guard let counting = query.requestsQuery else { return await ask(query, at: moment) }
        async let asked = ask(query, at: moment)
        async let requests = instant(counting, query, at: moment)
        var reading = await asked
        reading.requests = await requests.answer
        return reading
    }

    func vector(_ text: String, _ query: PrometheusQuery, at moment: Timestamp) async -> VectorAnswer {
        switch await fetch("query", ["query": text], query, at: moment) {
        case .failure(let failure): return failure.answer()
        case .success(let data):
            guard data["resultType"]?.string == "vector", let entries = data["result"]?.array else {
                return .error("`\(text)` gives no vector")
            }
            return .series(
                entries.compactMap { entry in
                    entry["value"].flatMap(Self.sample).map { value in
                        VectorAnswer.Series(labels: CounterMatrix.labels(entry).values, value: value)
                    }
                })
        }
    }

    private func ask(_ query: PrometheusQuery, at moment: Timestamp) async -> MetricReading {
        switch query.question {
        case .instant(let text): return await instant(text, query, at: moment)
        case .range(let text, let stretch): return Self.reading(await range(text, query, stretch, at: moment))
        case .counters, .judged: return MetricReading(.error("the metric has no query"))
        }
    }

    private func instant(_ text: String, _ query: PrometheusQuery, at moment: Timestamp) async -> MetricReading {
        Self.reading(await fetch("query", ["query": text], query, at: moment))
    }

    private static func reading(_ result: Result<JSONValue, QueryFailure>) -> MetricReading {
        switch result {
        case .success(let data):
            var reading = MetricReading(answer(data))
            reading.detail = labels(data)
            return reading
        case .failure(let failure): return MetricReading(failure.answer())
        }
    }

    /// Which series an answer is made of, the first few.
    private static func labels(_ data: JSONValue) -> String {
        guard data["resultType"]?.string != "scalar" else { return "" }
        let all = (data["result"]?.array ?? []).map { CounterMatrix.labels($0).text }.filter { !$0.isEmpty }
        let more = all.count > 5 ? " and \(all.count - 5) more" : ""
        return all.isEmpty ? "" : "of \(all.prefix(5).joined(separator: " "))\(more)"
    }

    func counters(_ query: PrometheusQuery, back: Duration, at moment: Timestamp) async -> CounterAnswer {
        guard let counters = query.counters else { return .error("the metric has no counters") }
        let lag = counters.lag > .zero ? " offset \(counters.lag.wholeMilliseconds)ms" : ""
        let range = "[\(back.wholeMilliseconds)ms]\(lag)"
        async let canary = result(of: counters.canary + range, "matrix", query, at: moment)
        async let stable = result(of: counters.stable + range, "matrix", query, at: moment)
        async let starts = startTimes(counters.startTimes.map { $0 + range }, query, at: moment)
        async let now = serverTime(query, at: moment)
        do {
            return .samples(
                canary: CounterMatrix.series(try await canary.get(), starts: try await starts.get()),
                stable: CounterMatrix.series(try await stable.get(), starts: try await starts.get()),
                at: try await now.get())
        } catch {
            return error.answer()
        }
    }

    /// Both versions' values of every series that the judge names.
    func series(_ judge: Judge, _ query: PrometheusQuery, back: Duration, at moment: Timestamp) async -> SeriesAnswer {
        let stretch = PrometheusQuery.Stretch(start: back, end: .zero, step: judge.step)
        return await withTaskGroup(of: (Int, Result<SeriesAnswer.Pair, QueryFailure>).self) { group in
            for (index, series) in judge.series.enumerated() {
                group.addTask { (index, await pair(series, query, stretch, at: moment)) }
            }
            var pairs = [SeriesAnswer.Pair?](repeating: nil, count: judge.series.count)
            for await (index, result) in group {
                switch result {
                case .success(let pair): pairs[index] = pair
                case .failure(let failure): return failure.of(judge.series[index].name).answer()
                }
            }
            return .pairs(pairs.compactMap { $0 })
        }
    }

    private func pair(
        _ series: Judge.Series, _ query: PrometheusQuery, _ stretch: PrometheusQuery.Stretch, at moment: Timestamp
    ) async -> Result<SeriesAnswer.Pair, QueryFailure> {
        async let canary = range(series.canary, query, stretch, at: moment)
        async let stable = range(series.stable, query, stretch, at: moment)
        do {
            return .success(
                SeriesAnswer.Pair(
                    canary: try Self.timeSeries(try await canary.get()),
                    stable: try Self.timeSeries(try await stable.get())))
        } catch {
            return .failure(error)
        }
    }

    private static func timeSeries(_ data: JSONValue) throws(QueryFailure) -> [TimeSeries] {
        guard let entries = data["result"]?.array, data["resultType"]?.string == "matrix" else {
            throw QueryFailure(false, "the query gives no matrix")
        }
        return entries.map { entry in
            let values = (entry["values"]?.array ?? []).compactMap(sample)
            // What is infinite is no number to judge.
            return TimeSeries(
                labels: CounterMatrix.labels(entry).values, values: values.map { $0.isInfinite ? .nan : $0 })
        }
    }

    /// Asks for a range that ends at the server's present time: samples bear the server's time, not ours.
    private func range(
        _ text: String, _ query: PrometheusQuery, _ stretch: PrometheusQuery.Stretch, at moment: Timestamp
    ) async -> Result<JSONValue, QueryFailure> {
        switch await serverTime(query, at: moment) {
        case .failure(let failure): return .failure(failure)
        case .success(let now):
            func time(_ ago: Duration) -> String {
                let moment = now.advanced(by: .zero - ago).milliseconds
                let fraction = String(moment % 1000 + 1000).dropFirst()
                return "\(moment / 1000).\(fraction)"
            }
            return await fetch(
                "query_range",
                [
                    "query": text, "start": time(stretch.start), "end": time(stretch.end),
                    "step": "\(stretch.step.inSeconds)",
                ], query, at: moment)
        }
    }

    private func serverTime(_ query: PrometheusQuery, at moment: Timestamp) async -> Result<Timestamp, QueryFailure> {
        switch await fetch("query", ["query": "time()"], query, at: moment, waits: false) {
        case .failure(let failure): return .failure(failure)
        case .success(let data):
            // VictoriaMetrics answers a scalar as a vector of one.
            let pair = data["resultType"]?.string == "vector" ? data["result"]?.array?.first?["value"] : data["result"]
            guard let time = pair?.array.flatMap(CounterMatrix.time) else {
                return .failure(QueryFailure(false, "the server's time cannot be read"))
            }
            return .success(time)
        }
    }

    private func startTimes(
        _ selector: String?, _ query: PrometheusQuery, at moment: Timestamp
    ) async -> Result<[JSONValue], QueryFailure> {
        guard let selector else { return .success([]) }
        return await result(of: selector, "matrix", or: "vector", query, at: moment)
    }

    private func result(
        of text: String, _ type: String, or other: String? = nil, _ query: PrometheusQuery, at moment: Timestamp
    ) async -> Result<[JSONValue], QueryFailure> {
        switch await fetch("query", ["query": text], query, at: moment, waits: false) {
        case .failure(let failure): return .failure(failure)
        case .success(let data):
            guard let given = data["resultType"]?.string, given == type || given == other,
                let entries = data["result"]?.array
            else {
                return .failure(QueryFailure(false, "`\(text)` gives no \(type)"))
            }
            return .success(entries)
        }
    }

    /// Parameters with which each server answers with all it knows and nothing old; servers ignore those that they do
    /// not know. Without them Thanos and VictoriaMetrics' cluster would leave out what a missing node holds, and
    /// VictoriaMetrics the last 30 s.
    private static let completeAndFresh = "partial_response=false&deny_partial_response=1&nocache=1&latency_offset=1ms"

    private func fetch(
        _ path: String, _ form: KeyValuePairs<String, String>, _ query: PrometheusQuery, at moment: Timestamp,
        waits: Bool = true
    ) async -> Result<JSONValue, QueryFailure> {
        let fields = form.map { "\($0.key)=\(Self.formEncoded($0.value))" } + [Self.completeAndFresh]
        let body = fields.joined(separator: "&")
        let server = query.server
        return await shared.answer(server, path, body, at: moment) { [queue, remarked] in
            let base = server.address.hasSuffix("/") ? String(server.address.dropLast()) : server.address
            let response = await queue.send(
                server, "POST", "\(base)/api/v1/\(path)",
                headers: ["Content-Type: application/x-www-form-urlencoded"], body: Array(body.utf8),
                waits: waits)
            return response.flatMap { Self.data($0, of: server, remarked) }
        }
    }

    static func formEncoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += byte < 16 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return encoded
    }

    /// What an answer means: the API's `success` gives numbers; 5xx and 429 are no data, other statuses an error.
    /// Format: https://prometheus.io/docs/prometheus/latest/querying/api/
    static func answer(of response: HTTPResponse, ignoring warnings: [String] = []) -> MetricAnswer {
        var server = Endpoint(address: "")
        server.ignoredWarnings = warnings
        return reading(data(response, of: server, Locked([]))).answer
    }

    private static func data(
        _ response: HTTPResponse, of server: Endpoint, _ remarked: Locked<[String]>
    ) -> Result<JSONValue, QueryFailure> {
        let parsed = Result { () throws(JSONText.Failure) in try JSONText.parse(response.body) }
        let json: JSONValue? = if case .success(let value) = parsed { value } else { nil }
        let complaint = json?["error"]?.string.map { ": \($0.prefix(4000))" } ?? ""
        if let failure = response.failure(complaint) { return .failure(failure) }
        guard let json else { return .failure(QueryFailure(false, "the answer is not JSON")) }
        guard json["status"]?.string == "success", let data = json["data"] else {
            return .failure(QueryFailure(false, "the answer is not one of Prometheus\(complaint)"))
        }
        if let failure = incompleteness(of: json, server, remarked) { return .failure(failure) }
        return .success(data)
    }

    /// Why an answer does not count, where it says of itself that something is missing; else nil. PromQL's own remarks
    /// are only about the query. They, and the warnings that the file lets pass, are kept to be shown once.
    private static func incompleteness(
        of json: JSONValue, _ server: Endpoint, _ remarked: Locked<[String]>
    ) -> QueryFailure? {
        func texts(_ key: String) -> [String] { (json[key]?.array ?? []).compactMap(\.string) }
        var harmless = texts("infos")
        var doubts = texts("warnings")
        if json["isPartial"]?.bool == true { doubts.append("isPartial") }
        func isHarmless(_ text: String) -> Bool {
            text.hasPrefix("PromQL") || server.ignoredWarnings.contains { text.contains($0) }
        }
        harmless += doubts.filter(isHarmless)
        remarked.withLock { known in known += harmless.filter { !known.contains($0) }.prefix(64 - min(known.count, 64))
        }
        guard let doubt = doubts.first(where: { !isHarmless($0) }) else { return nil }
        return QueryFailure(
            true,
            "the server says that its answer is incomplete: \(doubt.prefix(1000)) "
                + "(`ignoreWarnings` lets it pass)")
    }

    private static func answer(_ data: JSONValue) -> MetricAnswer {
        guard let type = data["resultType"]?.string, let result = data["result"] else {
            return .error("the answer is not one of Prometheus")
        }
        switch type {
        case "scalar": return sample(result).map(MetricAnswer.scalar) ?? .error("a sample cannot be read")
        case "vector": return list((result.array ?? []).map { $0["value"].map { [$0] } ?? [] })
        case "matrix": return list((result.array ?? []).map { $0["values"]?.array ?? [] })
        default: return .error("a result of type \(type) has no numbers")
        }
    }

    private static func list(_ series: [[JSONValue]]) -> MetricAnswer {
        var numbers: [Double] = []
        for samples in series {
            guard !samples.isEmpty else { return .error("a series has no samples that can be read") }
            for value in samples {
                guard let number = sample(value) else { return .error("a sample cannot be read") }
                numbers.append(number)
            }
        }
        return .list(numbers)
    }

    /// `[1700000000.123, "0.0312"]`
    private static func sample(_ pair: JSONValue) -> Double? {
        guard let pair = pair.array, pair.count == 2, let text = pair[1].string else { return nil }
        return CounterMatrix.number(text)
    }
}

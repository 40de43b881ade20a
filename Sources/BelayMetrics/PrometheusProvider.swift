package import BelayCore
internal import BelayEngine
package import BelayHTTP
internal import Foundation

/// Instant queries to Prometheus and what speaks its API.
package struct PrometheusProvider: MetricProvider {
    private let client: HTTPClient
    private let environment: [String: String]

    /// - Parameter environment: Where `env:NAME` references are looked up, each time they are used.
    package init(client: HTTPClient, environment: [String: String]) {
        self.client = client
        self.environment = environment
    }

    package func measure(_ metric: Metric) async -> (MetricAnswer, requests: MetricAnswer?) {
        guard metric.minRequests != nil, let counting = metric.query.requestsQuery else {
            return (await ask(metric.query.text, metric.query), nil)
        }
        async let answer = ask(metric.query.text, metric.query)
        async let requests = ask(counting, metric.query)
        return await (answer, requests)
    }

    /// One instant query at the server's present.
    package func ask(_ text: String, _ query: PrometheusQuery) async -> MetricAnswer {
        switch await fetch(text, query) {
        case .success(let data): Self.answer(data)
        case .failure(let failure): failure.isNoData ? .noData(failure.message) : .error(failure.message)
        }
    }

    private func fetch(_ text: String, _ query: PrometheusQuery) async -> Result<JSONValue, QueryFailure> {
        do {
            let response = try await client.execute(request(text, query))
            return Self.data(status: response.status, body: response.body)
        } catch let error as HTTPError {
            let message = "\(query.address): \(error.message)"
            switch error.kind {
            case .transport, .timeout: return .failure(QueryFailure(true, message))
            case .tooLarge, .request: return .failure(QueryFailure(false, message))
            }
        } catch let error as SecretFailure {
            return .failure(QueryFailure(false, error.message))
        } catch {
            return .failure(QueryFailure(true, "\(query.address): cancelled"))
        }
    }

    package func counters(_ metric: Metric, back: Duration) async -> CounterAnswer {
        guard case .counters(let counters) = metric.query.question else { return .error("the metric has no counters") }
        let lag = counters.lag > .zero ? " offset \(counters.lag.wholeMilliseconds)ms" : ""
        let range = "[\(back.wholeMilliseconds)ms]\(lag)"
        async let canary = result(of: counters.canary + range, "matrix", metric.query)
        async let stable = result(of: counters.stable + range, "matrix", metric.query)
        async let starts = startTimes(counters.startTimes, metric.query)
        async let now = result(of: "time()", "scalar", metric.query)
        switch (await canary, await stable, await starts, await now) {
        case (.failure(let failure), _, _, _), (_, .failure(let failure), _, _), (_, _, .failure(let failure), _),
            (_, _, _, .failure(let failure)):
            return failure.isNoData ? .noData(failure.message) : .error(failure.message)
        case (.success(let canary), .success(let stable), .success(let starts), .success(let now)):
            guard let server = CounterSamples.time(now) else { return .error("the server's time cannot be read") }
            return .samples(
                canary: CounterSamples.series(canary, starts: starts),
                stable: CounterSamples.series(stable, starts: starts), at: server)
        }
    }

    private func startTimes(_ selector: String?, _ query: PrometheusQuery) async -> Result<[JSONValue], QueryFailure> {
        guard let selector else { return .success([]) }
        return await result(of: selector, "vector", query)
    }

    private func result(
        of text: String, _ type: String, _ query: PrometheusQuery
    ) async -> Result<[JSONValue], QueryFailure> {
        switch await fetch(text, query) {
        case .failure(let failure): return .failure(failure)
        case .success(let data):
            guard data["resultType"]?.string == type, let entries = data["result"]?.array else {
                return .failure(QueryFailure(false, "`\(text)` gives no \(type)"))
            }
            return .success(entries)
        }
    }

    private func request(_ text: String, _ query: PrometheusQuery) throws -> HTTPRequest {
        let base = query.address.hasSuffix("/") ? String(query.address.dropLast()) : query.address
        var request = HTTPRequest(url: base + "/api/v1/query")
        request.method = "POST"
        request.timeout = query.timeout
        request.body = Array("query=\(Self.formEncoded(text))".utf8)
        request.headers = ["Content-Type: application/x-www-form-urlencoded"]
        let secrets = SecretReader(environment: environment)
        for header in query.headers {
            let value = SecretReader.isReference(header.value) ? try secrets.read(header.value) : header.value
            request.headers.append("\(header.name): \(value)")
        }
        if let bearer = query.bearer { request.headers.append("Authorization: Bearer \(try secrets.read(bearer))") }
        if let user = query.basicUser, let password = query.basicPassword {
            let pair = Data("\(user):\(try secrets.read(password))".utf8).base64EncodedString()
            request.headers.append("Authorization: Basic \(pair)")
        }
        request.authority = try query.authority.map(secrets.file)
        request.certificate = try query.certificate.map(secrets.file)
        request.key = try query.key.map(secrets.file)
        return request
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
    package static func answer(status: Int, body: [UInt8]) -> MetricAnswer {
        switch data(status: status, body: body) {
        case .success(let data): answer(data)
        case .failure(let failure): failure.isNoData ? .noData(failure.message) : .error(failure.message)
        }
    }

    private static func data(status: Int, body: [UInt8]) -> Result<JSONValue, QueryFailure> {
        let parsed = Result { () throws(JSONText.Failure) in try JSONText.parse(body) }
        let json: JSONValue? = if case .success(let value) = parsed { value } else { nil }
        let complaint = json?["error"]?.string.map { ": \($0.prefix(300))" } ?? ""
        let isNoData = status >= 500 || status == 429
        guard (200..<300).contains(status) else {
            return .failure(QueryFailure(isNoData, "the server answered \(status)\(complaint)"))
        }
        guard let json else { return .failure(QueryFailure(false, "the answer is not JSON")) }
        guard json["status"]?.string == "success", let data = json["data"] else {
            return .failure(QueryFailure(false, "the answer is not one of Prometheus\(complaint)"))
        }
        return .success(data)
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
        return CounterSamples.number(text)
    }
}

/// Why a query has no result.
struct QueryFailure: Error {
    /// The server may answer later: nothing is known, and nobody is to blame.
    let isNoData: Bool
    let message: String

    init(_ isNoData: Bool, _ message: String) {
        self.isNoData = isNoData
        self.message = message
    }
}

internal import BelayCore
internal import BelayEngine
internal import BelayHTTP
internal import Foundation

/// Sends requests to servers under their limits: so many at once, none before the time that was asked for. A request waits
/// for it; that is a gap for whoever watches, and no error of the server's.
actor ServerQueue {
    private struct Server {
        var running = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    /// Whoever asks for more is asked again after this.
    private static let longestPause: Duration = .seconds(300)

    private let client: HTTPClient
    private let secrets: SecretReader
    private var servers: [String: Server] = [:]
    /// By address, not by server: behind one gateway a sick service's 503 closes nothing but itself.
    private var closedUntil: [String: ContinuousClock.Instant] = [:]

    init(client: HTTPClient, secrets: SecretReader) {
        self.client = client
        self.secrets = secrets
    }

    /// - Parameters:
    ///   - url: Where to, below the endpoint's address.
    ///   - headers: Beside the endpoint's own.
    ///   - waits: Whether to wait where the server asked to be left alone; what is compared with its clock must not.
    func send(
        _ endpoint: Endpoint, _ method: String, _ url: String, headers: [String] = [], body: [UInt8]? = nil,
        waits: Bool = true
    ) async -> Result<HTTPResponse, QueryFailure> {
        let key = Self.key(of: endpoint.address)
        await enter(key, limit: endpoint.maxInFlight)
        while let until = closedUntil[endpoint.address], ContinuousClock.now < until {
            leave(key)
            guard waits else {
                let left = until - ContinuousClock.now
                return .failure(
                    QueryFailure(true, "\(endpoint.address): the server asked to be left alone, \(left.text) more"))
            }
            guard (try? await Task.sleep(until: until)) != nil else {
                return .failure(QueryFailure(true, "\(endpoint.address): cancelled"))
            }
            await enter(key, limit: endpoint.maxInFlight)
        }
        defer { leave(key) }
        do {
            let request = try request(endpoint, method, url, headers, body)
            let response = try await client.execute(request)
            if response.status == 429 || response.status == 503, let pause = Self.pause(response.retryAfter) {
                closedUntil[endpoint.address] = ContinuousClock.now + min(pause, Self.longestPause)
            }
            return .success(response)
        } catch let error as HTTPError {
            let message = "\(endpoint.address): \(error.message)"
            switch error.kind {
            case .transport, .timeout: return .failure(QueryFailure(true, message))
            case .tooLarge, .request: return .failure(QueryFailure(false, message))
            }
        } catch let error as SecretFailure {
            return .failure(QueryFailure(false, error.message))
        } catch {
            return .failure(QueryFailure(true, "\(endpoint.address): cancelled"))
        }
    }

    private func enter(_ key: String, limit: Int) async {
        if servers[key, default: Server()].running < limit {
            servers[key, default: Server()].running += 1
        } else {
            // Whoever leaves hands its place over.
            await withCheckedContinuation { servers[key, default: Server()].waiting.append($0) }
        }
    }

    private func leave(_ key: String) {
        guard var server = servers[key] else { return }
        if server.waiting.isEmpty {
            server.running -= 1
        } else {
            server.waiting.removeFirst().resume()
        }
        servers[key] = server
    }

    /// Scheme, host and port: one server, however many paths.
    static func key(of address: String) -> String {
        let parts = address.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        return parts.prefix(3).joined(separator: "/")
    }

    /// Seconds, or a date as HTTP writes it. Source: RFC 9110, 10.2.3.
    static func pause(_ retryAfter: String?, now: Date = Date()) -> Duration? {
        guard let text = retryAfter?.trimmingCharacters(in: .whitespaces) else { return nil }
        if let seconds = Int(text), seconds >= 0 { return .seconds(min(seconds, 86_400)) }
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(identifier: "GMT")
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
        return format.date(from: text).map { .seconds(max($0.timeIntervalSince(now), 0)) }
    }

    private func request(
        _ endpoint: Endpoint, _ method: String, _ url: String, _ headers: [String], _ body: [UInt8]?
    ) throws -> HTTPRequest {
        var request = HTTPRequest(url: try secrets.expand(url))
        request.method = method
        request.timeout = endpoint.timeout
        request.body = body
        request.headers = headers
        for header in endpoint.headers {
            let value =
                SecretReader.isReference(header.value)
                ? try secrets.read(header.value) : try secrets.expand(header.value)
            request.headers.append("\(header.name): \(value)")
        }
        if let bearer = endpoint.bearer { request.headers.append("Authorization: Bearer \(try secrets.read(bearer))") }
        if let user = endpoint.basicUser, let password = endpoint.basicPassword {
            let pair = Data("\(user):\(try secrets.read(password))".utf8).base64EncodedString()
            secrets.remember(pair)
            request.headers.append("Authorization: Basic \(pair)")
        }
        request.authority = try endpoint.authority.map(secrets.file)
        request.certificate = try endpoint.certificate.map(secrets.file)
        request.key = try endpoint.key.map(secrets.file)
        request.isInsecure = endpoint.isInsecure
        return request
    }
}

/// What is asked for one moment, so that the same question is sent once.
actor SharedQuestions {
    private struct Question: Hashable {
        let endpoint: Endpoint
        let path: String
        let form: String
    }

    private var moment: Timestamp?
    private var asked: [Question: Task<Result<JSONValue, QueryFailure>, Never>] = [:]

    func answer(
        _ endpoint: Endpoint, _ path: String, _ form: String, at moment: Timestamp,
        _ ask: @escaping @Sendable () async -> Result<JSONValue, QueryFailure>
    ) async -> Result<JSONValue, QueryFailure> {
        if moment != self.moment {
            self.moment = moment
            asked = [:]
        }
        let question = Question(endpoint: endpoint, path: path, form: form)
        let task = asked[question] ?? Task { await ask() }
        asked[question] = task
        return await task.value
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

    /// The same, and of what it is.
    func of(_ subject: String) -> QueryFailure { QueryFailure(isNoData, "\(subject): \(message)") }

    func answer<Answer: FailableAnswer>() -> Answer { isNoData ? .noData(message) : .error(message) }
}

/// An answer of any kind, or why there is none.
protocol FailableAnswer {
    static func noData(_ message: String) -> Self
    static func error(_ message: String) -> Self
}

extension MetricAnswer: FailableAnswer {}
extension CounterAnswer: FailableAnswer {}
extension SeriesAnswer: FailableAnswer {}
extension VectorAnswer: FailableAnswer {}

extension HTTPResponse {
    /// What a status means: 5xx and 429 may pass, others are a mistake.
    func failure(_ complaint: String = "") -> QueryFailure? {
        if (200..<300).contains(status) { return nil }
        if status == 401 || status == 403 {
            let what = status == 401 ? "credentials missing or refused" : "these credentials may not ask this"
            return QueryFailure(false, "\(status), \(what)\(complaint)")
        }
        return QueryFailure(status >= 500 || status == 429, "the server answered \(status)\(complaint)")
    }
}

internal import BelayCore
internal import BelayEngine
internal import BelayHTTP
internal import Foundation

/// Sends requests to servers within their limits: no more at once than `maxInFlight`, and none before the time that a
/// server has asked for (`Retry-After`). A request waits for that time; for the gate it is a gap, and not an error.
actor ServerQueue {
    private struct Server {
        var running = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    /// The longest time for which a server is left alone, even where it asks for more.
    private static let longestPause: Duration = .seconds(300)

    private let client: HTTPClient
    private let secrets: SecretReader
    private var servers: [String: Server] = [:]
    /// Until when each address is left alone. Not each server: behind one gateway the 503 of a sick service must stop
    /// only its own requests.
    private var closedUntil: [String: ContinuousClock.Instant] = [:]

    init(client: HTTPClient, secrets: SecretReader) {
        self.client = client
        self.secrets = secrets
    }

    /// - Parameters:
    ///   - url: Where to, below the endpoint's address.
    ///   - headers: Beside the endpoint's own.
    ///   - waits: Whether to wait where the server asked to be left alone. An answer that is compared with the server's
    ///     clock must not wait.
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
            case .transport, .timeout, .untrusted: return .failure(QueryFailure(true, message))
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
            // A request that ends hands its place over to the first one that waits.
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

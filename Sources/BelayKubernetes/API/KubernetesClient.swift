package import BelayCore
internal import BelayHTTP
internal import BelayPlatform

/// A client of the Kubernetes API. It decides nothing: it asks, within a deadline, and tells.
///
/// What it repeats and what not: a read is repeated after a broken connection, a 5xx and a 429; a write only where the server says
/// that it has not begun (429, and 503 with `Retry-After`). Whatever else became of a write is for its caller to look up.
package final class KubernetesClient: Sendable {
    /// How a change is written down. https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply
    package enum Patch: String, Sendable {
        case merge = "application/merge-patch+json"
        case strategic = "application/strategic-merge-patch+json"
        case json = "application/json-patch+json"
    }

    /// What the server said.
    package struct Answer: Sendable {
        package let body: JSONValue
        /// Words for people: a deprecated version, a field that nobody knows.
        package let warnings: [String]
    }

    /// How the cluster is reached.
    package let access: ClusterAccess
    /// Recorded by the server as the owner of the fields that are written.
    package static let fieldManager = "belay"

    let source: CredentialSource
    let watches = ConnectionPool()
    let probe: ConnectionProbe
    private let calls = ConnectionPool()
    private let note: @Sendable (String) -> Void

    /// - Parameters:
    ///   - read: The bytes of a file; nil where it does not exist.
    ///   - note: Is told the server's warnings, each once for each answer.
    package init(
        _ access: ClusterAccess, read: @escaping @Sendable (String) throws -> [UInt8]?,
        note: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        (self.access, self.note) = (access, note)
        source = CredentialSource(access, read: read)
        probe = ConnectionProbe(watches)
    }

    /// Ends all that is under way.
    package func shutdown() {
        calls.shutdown()
        watches.shutdown()
        probe.stop()
    }

    deinit { shutdown() }

    // MARK: Calls

    /// One object.
    package func get(
        _ path: ResourcePath, _ name: String, subresource: String? = nil, timeout: Duration = .seconds(10)
    ) async throws -> JSONValue {
        try await call("GET", path.path(name, subresource: subresource), timeout: timeout).body
    }

    /// A path that is about no objects: `/version`.
    package func get(path: String, timeout: Duration = .seconds(10)) async throws -> JSONValue {
        try await call("GET", path, timeout: timeout).body
    }

    /// The text at a path: a container's log.
    func text(_ path: String, query: [(String, String)], timeout: Duration) async throws -> String {
        try await call("GET", path, query: query, timeout: timeout, isText: true).body.string ?? ""
    }

    /// A new object. It is sent once.
    package func create(
        _ path: ResourcePath, _ object: JSONValue, isDryRun: Bool = false, timeout: Duration = .seconds(10)
    ) async throws -> Answer {
        try await call("POST", path.path(), query: Self.query(isDryRun), body: object, timeout: timeout)
    }

    /// Replaces an object whose resource version is still the one that it bears.
    /// - Throws: ``KubernetesError`` `.conflict` where somebody else has changed it.
    package func replace(
        _ path: ResourcePath, _ name: String, _ object: JSONValue, isDryRun: Bool = false,
        timeout: Duration = .seconds(10)
    ) async throws -> Answer {
        try await call("PUT", path.path(name), query: Self.query(isDryRun), body: object, timeout: timeout)
    }

    /// Changes parts of an object.
    /// - Throws: ``KubernetesError`` `.testFailed` where a JSON patch's `test` does not hold: read the object before judging.
    package func patch(
        _ path: ResourcePath, _ name: String, _ kind: Patch, _ patch: JSONValue, subresource: String? = nil,
        isDryRun: Bool = false, timeout: Duration = .seconds(10)
    ) async throws -> Answer {
        try await call(
            "PATCH", path.path(name, subresource: subresource), query: Self.query(isDryRun), body: patch,
            contentType: kind.rawValue, timeout: timeout)
    }

    /// Deletes an object, where it still is the one that is meant.
    /// - Parameters:
    ///   - uid: Of the object that is meant.
    ///   - revision: nil: whatever has become of it.
    package func delete(
        _ path: ResourcePath, _ name: String, uid: String, revision: String? = nil, timeout: Duration = .seconds(10)
    ) async throws {
        let conditions: JSONValue = .members([
            "uid": .string(uid), "resourceVersion": revision.map { .string($0) },
        ])
        let options: JSONValue = .members([
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background", "preconditions": conditions,
        ])
        _ = try await call("DELETE", path.path(name), body: options, timeout: timeout)
    }

    /// Reads an object, changes it and puts it back; somebody else's change in between is taken in, and the change made anew.
    /// - Parameter attempts: So often at most.
    package func update(
        _ path: ResourcePath, _ name: String, attempts: Int = 5, timeout: Duration = .seconds(10),
        _ change: (inout JSONValue) throws -> Void
    ) async throws -> Answer {
        let deadline = ContinuousClock.now + timeout
        var left = attempts
        while true {
            var object = try await get(path, name, timeout: ContinuousClock.now.duration(to: deadline))
            try change(&object)
            do {
                return try await replace(path, name, object, timeout: ContinuousClock.now.duration(to: deadline))
            } catch let error as KubernetesError where error.kind == .conflict && left > 1 {
                left -= 1
            }
        }
    }

    private static func query(_ isDryRun: Bool) -> [(String, String)] {
        [("fieldManager", fieldManager), ("fieldValidation", "Warn")] + (isDryRun ? [("dryRun", "All")] : [])
    }

    // MARK: One request

    /// How long one try at a read may take, so that a connection that has died costs no more.
    private static let patience: Duration = .seconds(5)

    /// One call with what may be repeated of it.
    func call(
        _ method: String, _ path: String, query: [(String, String)] = [], body: JSONValue? = nil,
        contentType: String = "application/json", timeout: Duration, isText: Bool = false
    ) async throws -> Answer {
        let deadline = ContinuousClock.now + timeout
        var (attempt, isRefused, wasAskedAnew) = (0, false, false)
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else {
                throw KubernetesError(.timeout, "\(method) \(access.server)\(path): no answer within \(timeout.text)")
            }
            do {
                let request = request(method, path, query, body, contentType, timeout: left)
                var signed = try await source.sign(request, isRefused: isRefused && !wasAskedAnew)
                if isRefused { wasAskedAnew = true }
                // A read over a connection that is dead is tried again over a new one.
                let rest = ContinuousClock.now.duration(to: deadline)
                signed.timeout = method == "GET" ? min(rest, Self.patience) : rest
                guard rest > .zero else { continue }
                return try answer(try await send(signed, method, path), method, path, isText: isText)
            } catch let error as KubernetesError {
                if error.kind == .unauthorized, !isRefused, source.canChange {
                    isRefused = true
                    continue
                }
                let passing: [KubernetesError.Kind] = [.unreachable, .timeout, .server, .busy]
                let isWorthwhile = error.isUntouched || method == "GET" && passing.contains(error.kind)
                let pause = error.retryAfter ?? .milliseconds(100 << min(attempt, 5))
                guard isWorthwhile, ContinuousClock.now + pause < deadline else { throw error }
                attempt += 1
                try await Task.sleep(for: pause)
            }
        }
    }

    /// A request with everything but a credential.
    func request(
        _ method: String, _ path: String, _ query: [(String, String)] = [], _ body: JSONValue? = nil,
        _ contentType: String = "application/json", timeout: Duration
    ) -> HTTPRequest {
        let text = query.map { "\($0.0)=\(ResourcePath.escaped($0.1))" }.joined(separator: "&")
        var request = HTTPRequest(url: access.server + path + (text.isEmpty ? "" : "?\(text)"))
        request.method = method
        request.timeout = timeout
        request.maximumBytes = 256 << 20
        request.headers = ["Accept: application/json, */*", "User-Agent: belay", "Expect:"]
        if let body {
            request.headers.append("Content-Type: \(contentType)")
            request.body = Array(JSONText.write(body).utf8)
            request.isSentOnce = method != "GET"
        }
        (request.authority, request.isInsecure) = (access.authority, access.isInsecure)
        (request.serverName, request.proxy) = (access.serverName, access.proxy)
        (request.certificate, request.key) = (access.ownCertificate?.certificate, access.ownCertificate?.key)
        if let other = access.impersonation {
            request.headers.append("Impersonate-User: \(other.user)")
            request.headers += other.groups.map { "Impersonate-Group: \($0)" }
            if let uid = other.uid { request.headers.append("Impersonate-Uid: \(uid)") }
        }
        return request
    }

    private func send(_ request: HTTPRequest, _ method: String, _ path: String) async throws -> HTTPResponse {
        do {
            return try await calls.use { try await $0.execute(request) }
        } catch let error as HTTPError {
            throw failure(error, method, path)
        }
    }

    /// What a failure below HTTP means here.
    func failure(_ error: HTTPError, _ method: String, _ path: String) -> KubernetesError {
        let words = "\(method) \(access.server)\(path): \(error.message)"
        switch error.kind {
        case .transport: return KubernetesError(.unreachable, words)
        case .timeout: return KubernetesError(.timeout, words)
        case .untrusted:
            let authority = access.authority == nil ? "the system's authorities" : "the authority of \(access.origin)"
            return KubernetesError(.configuration, "\(words); \(authority) did not sign for this server's name")
        case .tooLarge: return KubernetesError(.foreign, words)
        case .request: return KubernetesError(.configuration, "\(access.origin): \(error.message)")
        }
    }

    private func answer(
        _ response: HTTPResponse, _ method: String, _ path: String, isText: Bool
    ) throws(KubernetesError) -> Answer {
        let asked = "\(method) \(access.server)\(path)"
        let warnings = response.warnings.map(Self.words)
        for warning in warnings { note(warning) }
        let body = try? JSONText.parse(response.body)
        if (200..<300).contains(response.status) {
            if let body, !isText { return Answer(body: body, warnings: warnings) }
            if isText || path == "/readyz" {
                return Answer(body: .string(String(decoding: response.body, as: UTF8.self)), warnings: warnings)
            }
            throw foreign(response, asked)
        }
        throw refusal(response, body, asked)
    }

    /// What an answer without success means.
    /// - Parameter body: nil: it is no JSON.
    func refusal(_ head: HTTPResponse, _ body: JSONValue?, _ asked: String) -> KubernetesError {
        guard body?["kind"]?.string == "Status" else {
            if head.status != 404 { return foreign(head, asked) }
            return KubernetesError(status: 404, nil, "\(asked): the server has no such API", retryAfter: nil)
        }
        let wait = head.retryAfter.flatMap { Int64($0) }.map { Duration.seconds(min(max($0, 0), 3600)) }
        return KubernetesError(status: head.status, body, asked, retryAfter: wait)
    }

    /// Not an API server's words: most often a proxy's.
    private func foreign(_ response: HTTPResponse, _ asked: String) -> KubernetesError {
        let type = response.contentType.isEmpty ? "no content type" : response.contentType
        return KubernetesError(
            response.status >= 500 ? .server : .foreign,
            "\(asked): status \(response.status) with \(type), which no API server answers; is there a proxy in between?"
        )
    }

    /// `299 - "words"`, RFC 7234.
    private static func words(_ warning: String) -> String {
        guard let first = warning.firstIndex(of: "\""), let last = warning.lastIndex(of: "\""), first < last else {
            return warning
        }
        return String(warning[warning.index(after: first)..<last].replacing("\\\"", with: "\""))
    }
}

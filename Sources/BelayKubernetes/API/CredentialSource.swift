internal import BelayCommands
internal import BelayCore
internal import BelayHTTP
internal import BelayPlatform
internal import Foundation

/// Puts a credential on requests, and gets a new one where the old one has run out.
actor CredentialSource {
    private let access: ClusterAccess
    private let read: @Sendable (String) throws -> [UInt8]?
    private var token: (text: String, at: ContinuousClock.Instant)?
    private var answer: (answer: CredentialPlugin.Answer, goodUntil: Date?)?
    private var failure: (error: KubernetesError, at: ContinuousClock.Instant)?
    private static let failureLife: Duration = .seconds(5)
    /// One run of the plugin serves everybody who waits for it.
    private var running: Task<CredentialPlugin.Answer, any Error>?

    /// A token's file is read again after so long.
    private static let tokenLife: Duration = .seconds(60)
    /// A credential that ends sooner is taken for one that has ended.
    private static let reserve: TimeInterval = 10

    init(_ access: ClusterAccess, read: @escaping @Sendable (String) throws -> [UInt8]?) {
        (self.access, self.read) = (access, read)
    }

    /// - Parameter isRefused: The server did not take the last one.
    /// - Throws: ``KubernetesError`` `.configuration`; `CancellationError`.
    func sign(_ request: HTTPRequest, isRefused: Bool) async throws -> HTTPRequest {
        var request = request
        switch access.credential {
        case .none: break
        case .token(let token): request.headers.append("Authorization: Bearer \(token)")
        case .tokenFile(let path):
            request.headers.append("Authorization: Bearer \(try token(path, isRefused: isRefused))")
        case .certificate(let certificate, let key): (request.certificate, request.key) = (certificate, key)
        case .basic(let user, let password):
            let pair = Data("\(user):\(password)".utf8).base64EncodedString()
            request.headers.append("Authorization: Basic \(pair)")
        case .plugin(let plugin):
            let answer = try await ask(plugin, isRefused: isRefused)
            if let token = answer.token { request.headers.append("Authorization: Bearer \(token)") }
            if let certificate = answer.certificate, let key = answer.key {
                (request.certificate, request.key) = (Array(certificate.utf8), Array(key.utf8))
            }
        }
        return request
    }

    /// Whether another try may succeed where the server has refused this one.
    nonisolated var canChange: Bool {
        switch access.credential {
        case .tokenFile, .plugin: true
        case .none, .token, .certificate, .basic: false
        }
    }

    private func token(_ path: String, isRefused: Bool) throws -> String {
        if let token, !isRefused, token.at.duration(to: .now) < Self.tokenLife { return token.text }
        let bytes: [UInt8]?
        do {
            bytes = try read(path)
        } catch {
            throw KubernetesError(.configuration, "\(access.origin): the token's file \(path): \(error)")
        }
        guard let bytes else {
            throw KubernetesError(.configuration, "\(access.origin): the token's file \(path) does not exist")
        }
        let text = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).first.map(String.init)
        guard let text else {
            throw KubernetesError(.configuration, "\(access.origin): the token's file \(path) is empty")
        }
        token = (text, .now)
        return text
    }

    private func ask(_ plugin: CredentialPlugin, isRefused: Bool) async throws -> CredentialPlugin.Answer {
        if let answer, !isRefused, answer.goodUntil.map({ $0.timeIntervalSinceNow > Self.reserve }) ?? true {
            return answer.answer
        }
        // A plugin that fails is not asked again by everybody who waits.
        if let failure, failure.at.duration(to: .now) < Self.failureLife { throw failure.error }
        let task = running ?? Task { try await take(Self.run(plugin), plugin) }
        running = task
        return try await task.value
    }

    /// Keeps what the plugin said.
    private func take(
        _ fresh: Result<CredentialPlugin.Answer, KubernetesError>, _ plugin: CredentialPlugin
    ) throws -> CredentialPlugin.Answer {
        running = nil
        do throws(KubernetesError) {
            let fresh = try fresh.get()
            answer = (fresh, try fresh.expires.map { text throws(KubernetesError) in try Self.date(text, plugin) })
            failure = nil
            return fresh
        } catch {
            failure = (error, .now)
            throw error
        }
    }

    private static func date(_ text: String, _ plugin: CredentialPlugin) throws(KubernetesError) -> Date {
        for isFine in [false, true] {
            let style = Date.ISO8601FormatStyle(includingFractionalSeconds: isFine)
            if let date = try? Date(text, strategy: style) { return date }
        }
        throw plugin.failure("printed an expirationTimestamp that is no time of RFC 3339")
    }

    private static func run(_ plugin: CredentialPlugin) async -> Result<CredentialPlugin.Answer, KubernetesError> {
        do throws(KubernetesError) {
            return .success(try await runOnce(plugin))
        } catch {
            return .failure(error)
        }
    }

    private static func runOnce(_ plugin: CredentialPlugin) async throws(KubernetesError) -> CredentialPlugin.Answer {
        var runner = CommandRunner([plugin.command] + plugin.arguments, timeout: plugin.timeout)
        runner.environment = plugin.environment.map { ($0.key, $0.value) }
        runner.environment.append(("KUBERNETES_EXEC_INFO", JSONText.write(plugin.information)))
        switch await runner.run() {
        case .timeout: throw plugin.failure("has not ended within \(plugin.timeout.text), and was ended")
        case .failed(let words): throw plugin.failure("cannot be run: \(words)")
        case .signaled(let signal, _): throw plugin.failure("was ended by signal \(signal)")
        case .exited(0, let output, _):
            guard let json = try? JSONText.parse(output) else { throw plugin.failure("printed no JSON") }
            return try plugin.answer(json)
        // Its own words may hold a secret, and are left out.
        case .exited(let code, _, _): throw plugin.failure("ended with status \(code); run it by hand to see why")
        }
    }
}

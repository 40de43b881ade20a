internal import BelayHTTP
internal import BelayPlatform

/// Asks something small over the connections of the watches, so that one that has fallen silent is noticed: a dead connection of
/// HTTP/2 answers neither that nor anything else, while TCP says for hours that all is well.
final class ConnectionProbe: Sendable {
    private struct State {
        /// By this end's port: when an answer last came over that connection.
        var answered: [Int: ContinuousClock.Instant] = [:]
        var users = 0
        var task: Task<Void, Never>?
    }

    /// Between two questions, and how long an answer may take: together less than five seconds.
    static let interval: Duration = .milliseconds(1500)
    static let patience: Duration = .seconds(3)

    private let pool: ConnectionPool
    private let state = Locked(State())

    init(_ pool: ConnectionPool) { self.pool = pool }

    /// Asks as long as somebody watches.
    /// - Parameter request: What is asked; it is signed anew each time.
    func begin(_ request: @escaping @Sendable () async throws -> HTTPRequest) {
        state.withLock { state in
            state.users += 1
            guard state.task == nil else { return }
            state.task = Task { await ask(request) }
        }
    }

    func end() {
        state.withLock { state in
            state.users -= 1
            guard state.users == 0 else { return }
            state.task?.cancel()
            state.task = nil
        }
    }

    func stop() {
        state.withLock { state in
            state.task?.cancel()
            state.task = nil
        }
    }

    /// Whether answers come over the connection of that port, so that its silence would be noticed.
    func covers(_ port: Int) -> Bool {
        state.withLock { state in
            state.answered[port].map { $0.duration(to: .now) < Self.interval + Self.patience } ?? false
        }
    }

    /// Whether an answer has come lately over any connection.
    var isAnswered: Bool {
        state.withLock { state in
            state.answered.values.contains { $0.duration(to: .now) < Self.interval + Self.patience }
        }
    }

    private func ask(_ request: @Sendable () async throws -> HTTPRequest) async {
        while !Task.isCancelled, !pool.isShutDown {
            let (number, client) = pool.take()
            do {
                var request = try await request()
                request.sharesConnection = true
                request.timeout = Self.patience
                let port = try await client.execute(request).localPort
                state.withLock { state in
                    state.answered = state.answered.filter { $0.value.duration(to: .now) < .seconds(60) }
                    state.answered[port] = .now
                }
            } catch let error as HTTPError where error.kind == .timeout {
                // Whoever reads there is told, and begins anew on another connection.
                state.withLock { $0.answered = [:] }
                pool.end(number)
            } catch {}
            pool.giveBack(number)
            try? await Task.sleep(for: Self.interval)
        }
    }
}

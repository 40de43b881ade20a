internal import BelayHTTP
internal import BelayPlatform

/// One HTTP client, replaced by a new one where its connections may be dead: what is under way on the old one goes on.
final class ConnectionPool: Sendable {
    private struct Member {
        let client: HTTPClient
        var uses = 0
        var isRetired = false
    }

    private struct State {
        var members: [Int: Member]
        var current = 0
        var isShutDown = false
    }

    private let state = Locked(State(members: [0: Member(client: HTTPClient())]))

    /// Uses the present client.
    /// - Returns: The body's value, and the number to ``retire(_:)`` where the connection gave no answer.
    func use<Value: Sendable>(
        _ body: (HTTPClient) async throws -> Value
    ) async throws -> Value {
        let (number, client) = take()
        defer { giveBack(number) }
        do {
            return try await body(client)
        } catch let error as HTTPError where error.kind == .timeout {
            retire(number)
            throw error
        }
    }

    /// For an answer that lasts: the client stays in use until ``giveBack(_:)``.
    func take() -> (number: Int, client: HTTPClient) {
        state.withLock { state in
            state.members[state.current]!.uses += 1
            return (state.current, state.members[state.current]!.client)
        }
    }

    func giveBack(_ number: Int) {
        change { state in state.members[number]?.uses -= 1 }
    }

    /// Nobody begins anything on it any more.
    func retire(_ number: Int) {
        change { state in
            guard state.current == number, !state.isShutDown else { return }
            state.members[number]?.isRetired = true
            state.current += 1
            state.members[state.current] = Member(client: HTTPClient())
        }
    }

    /// Ends everything that is under way on a client.
    func end(_ number: Int) {
        retire(number)
        state.withLock { $0.members[number]?.client }?.shutdown()
    }

    /// Ends everything, and nothing new is made.
    func shutdown() {
        let members = state.withLock { state in
            state.isShutDown = true
            return Array(state.members.values)
        }
        for member in members { member.client.shutdown() }
    }

    var isShutDown: Bool { state.withLock { $0.isShutDown } }

    private func change(_ body: (inout State) -> Void) {
        let ended = state.withLock { state in
            body(&state)
            let ended = state.members.filter { $0.value.isRetired && $0.value.uses == 0 }
            for number in ended.keys { state.members[number] = nil }
            return ended.values.map(\.client)
        }
        for client in ended { client.shutdown() }
    }
}

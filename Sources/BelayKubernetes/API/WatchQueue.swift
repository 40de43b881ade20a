internal import BelayPlatform

/// Between a watch and the one task that reads it. A watch that runs ahead of its reader waits, so that the server's answer
/// waits, too, and nothing piles up in memory.
final class WatchQueue: Sendable {
    private struct State {
        var events: [WatchEvent] = []
        var end: Result<Void, any Error>?
        var reader: CheckedContinuation<Void, Never>?
        var writer: CheckedContinuation<Void, Never>?
        /// Nobody reads any more.
        var isLeft = false
    }

    /// So many events wait at most; a list of objects is one.
    static let room = 64

    private let state = Locked(State())

    /// Adds an event, and waits while there is no room.
    func put(_ event: WatchEvent) async {
        wakeReader { $0.events.append(event) }
        await withCheckedContinuation { continuation in
            let isRoom = state.withLock { state in
                if state.events.count < Self.room || state.isLeft { return true }
                state.writer = continuation
                return false
            }
            if isRoom { continuation.resume() }
        }
    }

    /// Nothing comes any more.
    func end(_ result: Result<Void, any Error>) { wakeReader { $0.end = $0.end ?? result } }

    /// Nobody reads any more: whoever waits is let go.
    func leave() {
        state.withLock { $0.isLeft = true }
        wakeWriter()
        wakeReader { $0.end = $0.end ?? .success(()) }
    }

    /// The next event; nil after the last one.
    func next() async throws -> WatchEvent? {
        while true {
            let (event, end) = state.withLock { state in
                (state.events.isEmpty ? nil : state.events.removeFirst(), state.end)
            }
            if let event {
                wakeWriter()
                return event
            }
            if let end {
                try end.get()
                return nil
            }
            await withCheckedContinuation { continuation in
                let isThere = state.withLock { state in
                    if !state.events.isEmpty || state.end != nil { return true }
                    state.reader = continuation
                    return false
                }
                if isThere { continuation.resume() }
            }
        }
    }

    private func wakeReader(_ change: (inout State) -> Void) {
        let waiting = state.withLock { state in
            change(&state)
            defer { state.reader = nil }
            return state.reader
        }
        waiting?.resume()
    }

    private func wakeWriter() {
        let waiting = state.withLock { state in
            defer { state.writer = nil }
            return state.writer
        }
        waiting?.resume()
    }
}

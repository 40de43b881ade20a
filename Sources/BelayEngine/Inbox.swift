/// What the driver's loop waits on. An `AsyncStream` would die with its cancelled consumer and lose the next message.
final class Inbox<Message: Sendable>: Sendable {
    private struct State {
        var messages: [Message] = []
        var reader: CheckedContinuation<Void, Never>?
    }

    private let state = Locked(State())

    func post(_ message: Message) {
        let reader = state.withLock { state in
            state.messages.append(message)
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
    }

    /// Everything that has arrived; waits for the first.
    func next() async -> [Message] {
        await withCheckedContinuation { (reader: CheckedContinuation<Void, Never>) in
            let isReady = state.withLock { state in
                if state.messages.isEmpty { state.reader = reader }
                return !state.messages.isEmpty
            }
            if isReady { reader.resume() }
        }
        return state.withLock { state in
            defer { state.messages = [] }
            return state.messages
        }
    }
}

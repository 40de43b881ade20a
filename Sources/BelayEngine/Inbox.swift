internal import BelayPlatform

/// The queue of messages that the engine's loop waits on. An `AsyncStream` would end with its cancelled consumer, and
/// the next message would be lost.
final class Inbox<Message: Sendable>: Sendable {
    private struct State {
        var messages: [Message] = []
        var reader: CheckedContinuation<Void, Never>?
    }

    private let state = Locked(State())
    private let clock: any EngineClock

    init(_ clock: any EngineClock) { self.clock = clock }

    func post(_ message: Message) {
        let reader = state.withLock { state in
            state.messages.append(message)
            defer { state.reader = nil }
            return state.reader
        }
        guard let reader else { return }
        clock.hold()
        reader.resume()
    }

    /// Everything that has arrived; waits for the first.
    func next() async -> [Message] {
        await withCheckedContinuation { (reader: CheckedContinuation<Void, Never>) in
            let isReady = state.withLock { state in
                guard state.messages.isEmpty else { return true }
                state.reader = reader
                clock.letGo()
                return false
            }
            if isReady { reader.resume() }
        }
        return state.withLock { state in
            defer { state.messages = [] }
            return state.messages
        }
    }
}

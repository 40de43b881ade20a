internal import BelayPlatform

/// Between the loop's thread, which brings bytes, and the one task that reads them.
final class StreamSink: Sendable {
    private enum End {
        case whole
        case failed(any Error)
    }

    private struct State {
        var head: HTTPResponse?
        var bytes: [UInt8] = []
        var end: End?
        var isPaused = false
        var reader: CheckedContinuation<Void, Never>?
        var onRoom: (@Sendable () -> Void)?
    }

    /// More than this is not taken before something has been read.
    private static let room = 256 << 10

    private let state = Locked(State())

    /// - Parameter body: Called once there is room again for what was not taken.
    func onRoom(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.onRoom = body } }

    // MARK: The loop's side

    func begin(_ head: HTTPResponse) { wake { $0.head = head } }

    /// - Returns: false where there is no room: the same bytes are to be offered again.
    func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let isTaken = state.withLock { state in
            guard state.bytes.count < Self.room else {
                state.isPaused = true
                return false
            }
            state.bytes += bytes
            return true
        }
        if isTaken { wake { _ in } }
        return isTaken
    }

    func end(_ result: Result<HTTPResponse, any Error>) {
        wake { state in
            switch result {
            case .success(let head):
                if state.head == nil { state.head = head }
                state.end = .whole
            case .failure(let error): state.end = .failed(error)
            }
            state.onRoom = nil
        }
    }

    private func wake(_ change: (inout State) -> Void) {
        let reader = state.withLock { state in
            change(&state)
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
    }

    // MARK: The reader's side

    /// Waits for the head; nil where it has not come in time.
    func head(within limit: Duration) async throws -> HTTPResponse? {
        let deadline = ContinuousClock.now + limit
        while true {
            let (head, end) = state.withLock { ($0.head, $0.end) }
            if let head { return head }
            if case .failed(let error)? = end { throw error }
            guard ContinuousClock.now < deadline else { return nil }
            await wait(until: deadline) { $0.head != nil || $0.end != nil }
        }
    }

    /// Waits for bytes.
    func next(within limit: Duration) async throws -> HTTPStream.Reading {
        let deadline = ContinuousClock.now + limit
        while true {
            let (bytes, end, onRoom) = state.withLock { state -> ([UInt8], End?, (@Sendable () -> Void)?) in
                defer {
                    state.bytes = []
                    state.isPaused = false
                }
                return (state.bytes, state.end, state.isPaused ? state.onRoom : nil)
            }
            onRoom?()
            if !bytes.isEmpty { return .bytes(bytes) }
            switch end {
            case .whole?: return .end
            case .failed(let error)?: throw error
            case nil:
                guard ContinuousClock.now < deadline else { return .nothing }
                await wait(until: deadline) { !$0.bytes.isEmpty || $0.end != nil }
            }
        }
    }

    private func wait(until deadline: ContinuousClock.Instant, isThere: @Sendable (State) -> Bool) async {
        let timer = Task {
            try await Task.sleep(until: deadline, clock: .continuous)
            wake { _ in }
        }
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                // The timer may have come before there was anybody to wake.
                if isThere(state) || ContinuousClock.now >= deadline { return true }
                state.reader = continuation
                return false
            }
            if isDone { continuation.resume() }
        }
        timer.cancel()
    }
}

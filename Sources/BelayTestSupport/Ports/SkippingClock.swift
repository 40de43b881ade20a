package import BelayCore
internal import BelayEngine

/// Time that passes only when nothing is under way: then it skips to the next moment that somebody sleeps for. A day of a
/// rollout takes milliseconds, and the same script gives the same story.
package final class SkippingClock: EngineClock {
    private struct Sleeper {
        let id: Int
        let until: Timestamp
        let reader: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now: Timestamp
        var wallOffset: Duration = .zero
        /// How much is under way.
        var held = 0
        var sleepers: [Sleeper] = []
        var lastID = 0
        var cancelled: Set<Int> = []
    }

    private let state: Locked<State>

    package init(at now: Timestamp = Timestamp(milliseconds: 1_700_000_000_000)) { state = Locked(State(now: now)) }

    package var now: Timestamp { state.withLock { $0.now } }
    package var wall: Timestamp { state.withLock { $0.now.advanced(by: $0.wallOffset) } }

    /// Somebody sets the system's clock.
    package func jumpWall(by duration: Duration) { state.withLock { $0.wallOffset += duration } }

    package func hold() { state.withLock { $0.held += 1 } }

    package func letGo() {
        let next = state.withLock { state -> Sleeper? in
            state.held -= 1
            return Self.skip(&state)
        }
        next?.reader.resume()
    }

    /// The one that is due next goes on alone: what follows from it is done before the one after it.
    private static func skip(_ state: inout State) -> Sleeper? {
        guard state.held == 0 else { return nil }
        let next = state.sleepers.indices.min { one, other in
            let (one, other) = (state.sleepers[one], state.sleepers[other])
            return one.until == other.until ? one.id < other.id : one.until < other.until
        }
        guard let next else { return nil }
        let sleeper = state.sleepers.remove(at: next)
        state.now = max(state.now, sleeper.until)
        state.held += 1
        return sleeper
    }

    package func sleep(until deadline: Timestamp) async throws {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { reader in
                let (isOver, next) = state.withLock { state -> (Bool, Sleeper?) in
                    if state.cancelled.remove(id) != nil || deadline <= state.now { return (true, nil) }
                    state.sleepers.append(Sleeper(id: id, until: deadline, reader: reader))
                    state.held -= 1
                    return (false, Self.skip(&state))
                }
                if isOver { reader.resume() }
                next?.reader.resume()
            }
            try Task.checkCancellation()
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else {
                    state.cancelled.insert(id)
                    return nil
                }
                state.held += 1
                return state.sleepers.remove(at: index)
            }
            sleeper?.reader.resume()
        }
    }
}

/// A door that a test closes and opens: whoever comes to it waits, and time does not.
package final class Door: Sendable {
    private struct State {
        var isClosed = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        /// Tests that wait until somebody has come.
        var watching: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Locked(State())
    private let clock: SkippingClock

    package init(_ clock: SkippingClock) { self.clock = clock }

    package func close() { state.withLock { $0.isClosed = true } }

    package func open() {
        let waiting = state.withLock { state in
            state.isClosed = false
            defer { state.waiting = [] }
            return state.waiting
        }
        for reader in waiting {
            clock.hold()
            reader.resume()
        }
    }

    package func pass() async {
        await withCheckedContinuation { reader in
            let (passes, watching) = state.withLock { state -> (Bool, [CheckedContinuation<Void, Never>]) in
                guard state.isClosed else { return (true, []) }
                state.waiting.append(reader)
                defer { state.watching = [] }
                return (false, state.watching)
            }
            for watcher in watching {
                clock.hold()
                watcher.resume()
            }
            if passes { reader.resume() } else { clock.letGo() }
        }
    }

    /// Waits until somebody stands before the closed door.
    package func someone() async {
        await withCheckedContinuation { reader in
            let isThere = state.withLock { state in
                if state.waiting.isEmpty { state.watching.append(reader) }
                return !state.waiting.isEmpty
            }
            if isThere { reader.resume() } else { clock.letGo() }
        }
    }
}

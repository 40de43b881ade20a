package import BelayCore
internal import BelayEngine
internal import BelayPlatform

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

    /// As its protocol says.
    package func hold() { state.withLock { $0.held += 1 } }

    /// As its protocol says.
    package func letGo() {
        let next = state.withLock { state -> Sleeper? in
            state.held -= 1
            return Self.skip(&state)
        }
        next?.reader.resume()
    }

    /// Wakes the sleeper that is due next, and only that one: what follows from it is done before the next one wakes.
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

    /// Sleeps until the deadline also where the task is cancelled, as another process would.
    package func sleepOn(until deadline: Timestamp) async {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try? await sleep(id, until: deadline)  // Only a cancelled sleep throws, and nothing cancels this one.
    }

    private func sleep(_ id: Int, until deadline: Timestamp) async throws {
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
    }

    /// As its protocol says.
    package func sleep(until deadline: Timestamp) async throws {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await sleep(id, until: deadline)
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

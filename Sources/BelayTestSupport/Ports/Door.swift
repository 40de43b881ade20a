internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// A door that a test closes and opens. A task that comes to the closed door waits there, while the clock goes on
/// without it.
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

    /// Whoever comes from now on waits.
    package func close() { state.withLock { $0.isClosed = true } }

    /// Lets everybody through.
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

    /// Goes through, or waits until the door is opened.
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

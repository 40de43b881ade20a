internal import BelayEngine
internal import Glibc

/// The time before anything is touched.
enum Preflight {
    final class Guard: Sendable {
        private let isOver = Locked(false)
        private let watch = Locked<Signals.Watch?>(nil)

        fileprivate init() {
            let isOver = isOver
            let made = Signals.watch { number in
                isOver.withLock { isOver in
                    if isOver {
                        kill(getpid(), number)  // It came between the two: the rollout's watch reads it again.
                        return
                    }
                    Console.complain("cancelled (\(Signals.name(number))) before anything was touched")
                    Console.exit(.aborted)
                }
            }
            watch.withLock { $0 = made }
        }

        /// From here on a signal is the rollout's.
        func end() {
            isOver.withLock { $0 = true }
            watch.withLock { $0 = nil }
        }
    }

    /// A signal ends the process at once, for as long as there is nothing to return.
    static func cancellable() -> Guard { Guard() }
}

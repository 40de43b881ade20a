internal import BelayEngine
internal import BelayPlatform
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
                        kill(getpid(), number)  // It came between two watches: send it to the second one.
                        return
                    }
                    Console.complain("cancelled (\(Signals.name(number))) before anything was touched")
                    Console.exit(.aborted)
                }
            }
            watch.withLock { $0 = made }
        }

        /// From here on the rollout's own watch takes the signals.
        func end() {
            isOver.withLock { $0 = true }
            watch.withLock { $0 = nil }
        }
    }

    /// Until `end` is called, a signal ends the process at once: there is no traffic to return yet.
    static func cancellable() -> Guard { Guard() }
}

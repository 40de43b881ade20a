internal import Dispatch
internal import Glibc

/// SIGINT, SIGTERM and SIGHUP, told to whoever drives.
enum Signals {
    private static let handled: [Int32] = [SIGINT, SIGTERM, SIGHUP]

    /// First thing in the program, before any thread starts: a signal that comes early is then kept, not lost.
    static func block() {
        signal(SIGPIPE, SIG_IGN)
        var set = sigset_t()
        sigemptyset(&set)
        for number in handled { sigaddset(&set, number) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Calls the handler for each signal until the returned value is dropped.
    static func watch(_ handler: @escaping @Sendable (Int32) -> Void) -> Watch {
        Watch(
            handled.map { number in
                let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
                source.setEventHandler { @Sendable in handler(number) }
                source.resume()
                return source
            })
    }

    /// For commands that only read: a signal ends them.
    static func unblock() {
        var set = sigset_t()
        sigemptyset(&set)
        for number in handled { sigaddset(&set, number) }
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    static func name(_ number: Int32) -> String {
        switch number {
        case SIGINT: "SIGINT"
        case SIGTERM: "SIGTERM"
        case SIGHUP: "SIGHUP"
        default: "signal \(number)"
        }
    }

    /// `@unchecked`: the sources are made once, and cancelling one is safe from any thread.
    final class Watch: @unchecked Sendable {
        private let sources: [any DispatchSourceSignal]
        init(_ sources: [any DispatchSourceSignal]) { self.sources = sources }
        deinit { for source in sources { source.cancel() } }
    }
}

internal import CSignals
internal import Dispatch
internal import Glibc

/// Passes SIGINT, SIGTERM and SIGHUP on to whoever drives. The program catches them before its first line; a signal
/// that comes early is kept until somebody watches.
enum Signals {
    /// Calls the handler for each signal until the returned value is dropped.
    static func watch(_ handler: @escaping @Sendable (Int32) -> Void) -> Watch {
        let file = csignals_file()
        guard file >= 0 else { return Watch(nil) }
        let source = DispatchSource.makeReadSource(fileDescriptor: file, queue: .global())
        source.setEventHandler { @Sendable in
            var number: UInt8 = 0
            while read(file, &number, 1) == 1 { handler(Int32(number)) }
        }
        source.resume()
        return Watch(source)
    }

    /// Lets a signal end the process, as it does by default; for commands that only read.
    static func unblock() { csignals_let_go() }

    static func name(_ number: Int32) -> String {
        switch number {
        case SIGINT: "SIGINT"
        case SIGTERM: "SIGTERM"
        case SIGHUP: "SIGHUP"
        default: "signal \(number)"
        }
    }

    /// `@unchecked`: the source is made once, and cancelling it is safe from any thread.
    final class Watch: @unchecked Sendable {
        private let source: (any DispatchSourceRead)?
        init(_ source: (any DispatchSourceRead)?) { self.source = source }
        deinit { source?.cancel() }
    }
}

internal import BelayCore
internal import BelayEngine
internal import BelayPlatform
internal import Glibc

/// The two outputs: stderr for people, stdout for machines. Written with write(2), because a buffered line is lost with a
/// killed program; a closed or full output never stops the engine.
enum Console {
    static let isTerminal = isatty(1) == 1
    static let errorIsTerminal = isatty(2) == 1
    private static let noColor = getenv("NO_COLOR") != nil || getenv("TERM").map { String(cString: $0) } == "dumb"

    /// Nobody reads stdout any more.
    static var isReaderGone: Bool {
        var entry = pollfd(fd: 1, events: 0, revents: 0)
        return poll(&entry, 1, 0) > 0 && Int32(entry.revents) & (POLLERR | POLLHUP | POLLNVAL) != 0
    }

    /// Whether stdout is a terminal that understands a moving cursor.
    static let mayRedraw = isTerminal && getenv("TERM").map { String(cString: $0) } != "dumb"

    /// Writes one line to stderr; control characters in the text are written out, and what a job's system would take for a command is none.
    static func say(_ line: String) {
        write(safe(line) + "\n", to: 2)
    }

    private static func safe(_ line: some StringProtocol) -> String {
        let text = line.printableLine
        guard GitHubActions.isHere else { return text }
        return text.hasPrefix("{") ? GitHubActions.harmlessJSON(text) : GitHubActions.harmless(text)
    }

    /// A command to the job's system, which reads both outputs.
    static func command(_ line: String) { write(line + "\n", to: 2) }
    static func print(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        write(lines.map(safe).joined(separator: "\n") + "\n", to: 1)
    }
    static func complain(_ line: String) {
        say(errorIsTerminal && !noColor ? "\u{1B}[31merror:\u{1B}[0m \(line)" : "error: \(line)")
    }

    /// The text in a colour; without a terminal, or with `NO_COLOR`, the text as it is.
    static func colored(_ text: String, _ color: Color, onError: Bool = true) -> String {
        (onError ? errorIsTerminal : isTerminal) && !noColor ? "\u{1B}[\(color.rawValue)m\(text)\u{1B}[0m" : text
    }

    enum Color: Int {
        case bold = 1
        case dim = 2
        case red = 31
        case green = 32
        case yellow = 33
        case cyan = 36
    }

    /// From now on output that a full pipe or a stopped terminal does not take is dropped: a rollout under way must not
    /// wait for a reader.
    static func dropWhenFull() { mayDrop.withLock { $0 = true } }

    private static let mayDrop = Locked(false)
    /// POSIX: a pipe that polls writable takes this much without blocking.
    private static let chunk = 4096

    static func write(_ text: String, to file: Int32) {
        var rest = Array(text.utf8)[...]
        let drops = mayDrop.withLock { $0 }
        while !rest.isEmpty {
            if drops, !isWritable(file) { return }
            let count = rest.prefix(chunk).withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return }  // Nobody reads any more.
            rest = rest.dropFirst(count)
        }
    }

    /// Waits 20 ms at most for a reader that is only a little behind.
    private static func isWritable(_ file: Int32) -> Bool {
        var entry = pollfd(fd: file, events: Int16(POLLOUT), revents: 0)
        return poll(&entry, 1, 20) > 0
    }

    /// Columns and lines; 80 × 24 where the terminal does not say.
    static var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    static func exit(_ code: ExitStatus) -> Never {
        fflush(nil)
        Glibc.exit(code.rawValue)
    }
}

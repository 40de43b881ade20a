internal import BelayAnalysis
internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// How far a long command has come, on a terminal's stderr.
final class ProgressBar: Sendable {
    private let total: Int
    private let done = Locked(0)

    init(total: Int) { self.total = total }

    func advance(_ count: Int) {
        guard Console.errorIsTerminal else { return }
        let width = 40
        let filled = done.withLock { done in
            let before = done * width / self.total
            done += count
            let after = done * width / self.total
            return before == after ? nil : after
        }
        guard let filled else { return }
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        Console.write("\r\(bar) \(filled * 100 / width) %", to: 2)
    }

    func finish() {
        if Console.errorIsTerminal { Console.write("\r\u{1B}[K", to: 2) }
    }
}

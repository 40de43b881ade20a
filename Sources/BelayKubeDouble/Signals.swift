internal import Dispatch
internal import Glibc

/// Waits for signals.
enum Signals {
    /// - Returns: The first of them that comes.
    static func wait(for signals: [Int32]) async -> Int32 {
        await withCheckedContinuation { continuation in
            let queue = DispatchQueue(label: "signals")
            var sources: [any DispatchSourceSignal] = []
            for number in signals {
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
                source.setEventHandler {
                    for source in sources { source.cancel() }
                    if !sources.isEmpty { continuation.resume(returning: number) }
                    sources = []
                }
                sources.append(source)
            }
            queue.sync { for source in sources { source.resume() } }
        }
    }
}

internal import BelayCore
internal import BelayEngine

/// Files on a disk that may hang: nobody waits for it longer than a second, but for the one write that must not happen later.
struct FileDesk: Sendable {
    static let patience: Duration = .seconds(1)
    static let silence = "the disk has not answered for \(patience.text)"
    /// A disk that hangs is asked by a few at a time, or there would soon be no thread left.
    private static let mostLate = 4

    private static let queue = Blocking("belay.files", isConcurrent: true)
    private let clock: any EngineClock
    /// Calls that nobody waits for any more and that have not ended.
    private let late = Locked(0)
    private let isWriting = Locked(false)

    init(_ clock: any EngineClock) { self.clock = clock }

    /// Something is still on its way to the disk.
    var isBusy: Bool { late.withLock { $0 } > 0 }

    /// - Returns: nil where the disk has not answered in a second.
    func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value? {
        isFull ? nil : await begin(body)
    }

    /// One at a time; while another one has not ended it is not begun.
    func runAlone<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value? {
        if isFull { return nil }
        let mayBegin = isWriting.withLock { isWriting in
            defer { isWriting = true }
            return !isWriting
        }
        guard mayBegin else { return nil }
        return await begin { [isWriting] in
            defer { isWriting.withLock { $0 = false } }
            return body()
        }
    }

    /// For as long as it takes.
    func wait<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value { await Self.queue.run(body) }

    private var isFull: Bool { late.withLock { $0 } >= Self.mostLate }

    private func begin<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value? {
        let noteEnd: @Sendable (Value) -> Void = { [late] _ in late.withLock { $0 -= 1 } }
        let value = await clock.wait(Self.patience, late: noteEnd) { bring in
            clock.hold()
            Self.queue.post { [clock] in
                bring(body())
                clock.letGo()
            }
        }
        if value == nil { late.withLock { $0 += 1 } }
        return value
    }
}

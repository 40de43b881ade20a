internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// Runs calls to files on a disk that may hang. Nobody waits longer than a second for them; the exception is `wait`,
/// for the one write that must not happen later.
struct FileDesk: Sendable {
    static let patience: Duration = .seconds(1)
    static let silence = "the disk has not answered for \(patience.text)"
    /// How many calls may hang at once. Further calls are not begun, or there would soon be no thread left.
    private static let mostLate = 4

    private static let queue = Blocking("belay.files", isConcurrent: true)
    private let clock: any EngineClock
    /// How many calls have not ended, though nobody waits for them any more.
    private let late = Locked(0)
    private let isWriting = Locked(false)

    init(_ clock: any EngineClock) { self.clock = clock }

    /// Whether such a call is still on its way to the disk.
    var isBusy: Bool { late.withLock { $0 } > 0 }

    /// - Returns: nil where the disk has not answered within a second, or where too many calls hang already.
    func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value? {
        isFull ? nil : await begin(body)
    }

    /// As `run`, but one at a time: where another such call has not ended, this one is not begun, and the answer is
    /// nil.
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

    /// Waits for as long as the call takes.
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

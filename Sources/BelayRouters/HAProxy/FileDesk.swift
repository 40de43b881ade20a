internal import BelayCore
internal import BelayEngine
internal import Dispatch

/// Files on a disk that may hang: nobody waits for it longer than a second, but for the one write that must not happen later.
struct FileDesk: Sendable {
    static let patience: Duration = .seconds(1)
    static let silence = "the disk has not answered for \(patience.text)"

    private static let queue = Blocking("belay.haproxy.files", isConcurrent: true)
    /// Calls that nobody waits for any more and that have not ended.
    private let late = Locked(0)
    private let isWriting = Locked(false)

    /// Something is still on its way to the disk.
    var isBusy: Bool { late.withLock { $0 } > 0 }

    /// - Returns: nil where the disk has not answered in a second.
    func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value? {
        // A disk that hangs is asked by a few at a time, or there would soon be no thread left.
        if late.withLock({ $0 }) >= 4 { return nil }
        let answer = Locked<(value: Value?, reader: CheckedContinuation<Value?, Never>?, isOver: Bool)>(
            (nil, nil, false))
        Self.queue.post { [late] in
            let value = body()
            let (reader, wasOver) = answer.withLock { answer in
                answer.value = value
                defer { answer.reader = nil }
                return (answer.reader, answer.isOver)
            }
            if wasOver { late.withLock { $0 -= 1 } }
            reader?.resume(returning: value)
        }
        let limit = DispatchTime.now() + .milliseconds(Int(Self.patience.wholeMilliseconds))
        DispatchQueue.global().asyncAfter(deadline: limit) { [late] in
            let reader = answer.withLock { answer -> CheckedContinuation<Value?, Never>? in
                guard answer.value == nil else { return nil }
                answer.isOver = true
                late.withLock { $0 += 1 }
                defer { answer.reader = nil }
                return answer.reader
            }
            reader?.resume(returning: nil)
        }
        return await withCheckedContinuation { reader in
            let isReady = answer.withLock { answer in
                if answer.value == nil, !answer.isOver { answer.reader = reader }
                return answer.value != nil || answer.isOver
            }
            if isReady { reader.resume(returning: answer.withLock { $0.value }) }
        }
    }

    /// One at a time; while another one has not ended it is not begun.
    func runAlone(_ body: @escaping @Sendable () -> String?) async -> String?? {
        let mayBegin = isWriting.withLock { isWriting in
            defer { isWriting = true }
            return !isWriting
        }
        guard mayBegin else { return nil }
        return await run { [isWriting] in
            let value = body()
            isWriting.withLock { $0 = false }
            return value
        }
    }

    /// For as long as it takes.
    func wait<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value { await Self.queue.run(body) }
}

internal import BelayCore
internal import BelayPlatform

/// The journal's own queue. A disk that does not answer must not hold up a verdict or an abort, so nobody waits for it longer
/// than a second; what was asked of it goes on.
struct Disk: Sendable {
    static let patience: Duration = .seconds(1)

    private let queue = Blocking("belay.journal")
    private let clock: any EngineClock
    /// Fulfilled once the call that was posted last has been done.
    private let last: Locked<OneShot<Void>>

    init(_ clock: any EngineClock) {
        self.clock = clock
        let open = OneShot<Void>(clock)
        open.fulfil(())
        last = Locked(open)
    }

    /// Runs a call in its turn and waits for it, at most a second.
    /// - Parameter late: Called with the result where it comes later than that.
    /// - Returns: nil where there was no result within a second.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable () -> Value, late: @escaping @Sendable (Value) -> Void = { _ in }
    ) async -> Value? {
        await clock.wait(Self.patience, late: late) { bring in post { bring(body()) } }
    }

    /// Runs a call in its turn; nobody waits for it.
    func post(_ body: @escaping @Sendable () -> Void) {
        let done = OneShot<Void>(clock)
        let turn = last.withLock { last in
            defer { last = done }
            return last
        }
        _ = clock.spawn { [queue] in
            await turn.value()
            await queue.run(body)
            done.fulfil(())
        }
    }
}

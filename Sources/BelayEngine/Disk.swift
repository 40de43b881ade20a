internal import BelayCore

/// The journal's own queue. A disk that does not answer must not hold up a verdict or an abort, so nobody waits for it longer
/// than a second; what was asked of it goes on.
struct Disk: Sendable {
    static let patience: Duration = .seconds(1)

    private let queue = Blocking("belay.journal")
    private let clock: any EngineClock
    /// Open once what was asked last has been done.
    private let last: Locked<OneShot<Void>>

    init(_ clock: any EngineClock) {
        self.clock = clock
        let open = OneShot<Void>(clock)
        open.fulfil(())
        last = Locked(open)
    }

    /// - Parameter late: Told what came of it where that was later than a second.
    /// - Returns: nil where there was no answer in a second.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable () -> Value, late: @escaping @Sendable (Value) -> Void = { _ in }
    ) async -> Value? {
        await clock.wait(Self.patience, late: late) { bring in post { bring(body()) } }
    }

    /// In its turn, with nobody waiting for it.
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

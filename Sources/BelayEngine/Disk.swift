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
        let answer = OneShot<Value?>(clock)
        post {
            let value = body()
            if !answer.fulfil(value) { late(value) }
        }
        let limit = clock.spawn { [clock] in
            let start = clock.now
            guard (try? await clock.sleep(for: Self.patience)) != nil else { return }
            // The whole process was suspended, and the disk had no chance to answer.
            if start.duration(to: clock.now) >= Self.patience * 2 { try? await clock.sleep(for: Self.patience) }
            answer.fulfil(nil)
        }
        let value = await answer.value()
        limit.cancel()
        return value
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

package import BelayCore

/// The engine's time. A clock in a test skips to the next moment at which something is due, once nothing is under way
/// any more. So that it knows, `hold` and `letGo` tell it what is under way.
package protocol EngineClock: Sendable {
    /// Never runs back.
    var now: Timestamp { get }
    /// What the system's own clock says; a difference from `now` that changes is a jump.
    var wall: Timestamp { get }
    func sleep(until deadline: Timestamp) async throws
    /// Says that something begins; until it ends, a clock that skips must not skip over it.
    func hold()
    /// Says that what began with `hold` has ended, or waits for something else.
    func letGo()
}

extension EngineClock {
    /// As its protocol says.
    package func hold() {}
    /// As its protocol says.
    package func letGo() {}

    /// As its protocol says.
    package func sleep(for duration: Duration) async throws { try await sleep(until: now.advanced(by: duration)) }

    /// Begins a task that time does not skip over.
    package func spawn(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        hold()
        return Task {
            await body()
            letGo()
        }
    }

    /// Waits for the value of a call that may hang, a disk's as a rule, but no longer than `patience`. The call itself
    /// goes on.
    /// - Parameters:
    ///   - late: Called with the value where it comes too late.
    ///   - begin: Starts the call elsewhere, and hands it the closure that takes the value.
    /// - Returns: nil where no value came in time.
    package func wait<Value: Sendable>(
        _ patience: Duration, late: @escaping @Sendable (Value) -> Void = { _ in },
        for begin: (@escaping @Sendable (Value) -> Void) -> Void
    ) async -> Value? {
        let answer = OneShot<Value?>(self)
        begin { value in
            if !answer.fulfil(value) { late(value) }
        }
        let limit = spawn {
            let start = now
            guard (try? await sleep(for: patience)) != nil else { return }
            // Twice the time has passed, so the whole process was suspended: the call gets another chance.
            if start.duration(to: now) >= patience * 2 { try? await sleep(for: patience) }
            answer.fulfil(nil)
        }
        let value = await answer.value()
        limit.cancel()
        return value
    }
}

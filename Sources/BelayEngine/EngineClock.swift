package import BelayCore

/// The engine's time. In tests it skips to whatever is due next, once nothing is under way any more: so it is told what is.
package protocol EngineClock: Sendable {
    /// Never runs back.
    var now: Timestamp { get }
    /// What the system's own clock says; a difference from `now` that changes is a jump.
    var wall: Timestamp { get }
    func sleep(until deadline: Timestamp) async throws
    /// Something begins that time must not skip over.
    func hold()
    /// It has ended, or waits for something else.
    func letGo()
}

extension EngineClock {
    package func hold() {}
    package func letGo() {}

    package func sleep(for duration: Duration) async throws { try await sleep(until: now.advanced(by: duration)) }

    package func spawn(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        hold()
        return Task {
            await body()
            letGo()
        }
    }

    /// Waits for what a call brings that may hang, a disk's as a rule, and no longer than `patience`. The call goes on.
    /// - Parameters:
    ///   - late: Told what it brought where that was too late.
    ///   - begin: Starts the call elsewhere, and gives it where to bring its value.
    /// - Returns: nil where nothing came in time.
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
            // The whole process was suspended, and the call had no chance to answer.
            if start.duration(to: now) >= patience * 2 { try? await sleep(for: patience) }
            answer.fulfil(nil)
        }
        let value = await answer.value()
        limit.cancel()
        return value
    }
}

/// A value that one waits for and others may bring; the first that comes counts.
final class OneShot<Value: Sendable>: Sendable {
    private enum State {
        case empty
        case waiting(CheckedContinuation<Value, Never>)
        case full(Value)
    }

    private let state = Locked(State.empty)
    private let clock: any EngineClock

    init(_ clock: any EngineClock) { self.clock = clock }

    /// - Returns: Whether it was the first.
    @discardableResult
    func fulfil(_ value: Value) -> Bool {
        let (isFirst, reader) = state.withLock { state -> (Bool, CheckedContinuation<Value, Never>?) in
            switch state {
            case .empty:
                state = .full(value)
                return (true, nil)
            case .waiting(let reader):
                state = .full(value)
                return (true, reader)
            case .full: return (false, nil)
            }
        }
        if let reader {
            clock.hold()
            reader.resume(returning: value)
        }
        return isFirst
    }

    func value() async -> Value {
        await withCheckedContinuation { reader in
            let ready = state.withLock { state -> Value? in
                if case .full(let value) = state { return value }
                state = .waiting(reader)
                clock.letGo()
                return nil
            }
            if let ready { reader.resume(returning: ready) }
        }
    }
}

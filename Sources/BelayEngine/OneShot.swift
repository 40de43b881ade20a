internal import BelayCore
internal import BelayPlatform

/// A value that one task waits for. Several others may bring it; the first value counts.
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

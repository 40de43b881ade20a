internal import BelayCore
internal import BelayEngine
internal import BelayPlatform
internal import BelaySpec

/// The process's exit codes, a contract with pipelines.
struct ExitStatus: RawRepresentable, Hashable, Sendable {
    let rawValue: Int32

    static let success = ExitStatus(rawValue: 0)
    /// `run`: rolled back because of a gate, a deadline, or a deployment or hook that failed. Other commands: not done.
    static let failure = ExitStatus(rawValue: 1)
    static let invalid = ExitStatus(rawValue: 2)
    static let aborted = ExitStatus(rawValue: 3)
    static let waitsForPerson = ExitStatus(rawValue: 4)
    static let timedOut = ExitStatus(rawValue: 5)
    static let needsAttention = ExitStatus(rawValue: 6)
    static let taken = ExitStatus(rawValue: 7)
    static let unreachable = ExitStatus(rawValue: 8)
    static let blind = ExitStatus(rawValue: 9)

    static let usage = ExitStatus(rawValue: 64)

    static func signal(_ number: Int32) -> ExitStatus { ExitStatus(rawValue: 128 + number) }

    init(rawValue: Int32) { self.rawValue = rawValue }

    init(_ outcome: Outcome) {
        switch outcome {
        case .promoted: self = .success
        case .refused: self = .taken
        case .rolledBack(let cause):
            switch cause.kind {
            case .gate, .action, .deadline: self = .failure
            case .person, .outsideChange, .cancelled: self = .aborted
            case .blind: self = .blind
            case .journal: self = .needsAttention
            }
        }
    }

    init(_ end: Driver.End) {
        switch end {
        case .finished(let outcome): self.init(outcome)
        case .superseded: self = .taken
        case .needsAttention: self = .needsAttention
        }
    }
}

/// Runs journal calls and turns their failures into a command's.
func orFail<Value>(_ body: () throws(JournalFailure) -> Value) throws(CommandFailure) -> Value {
    do throws(JournalFailure) {
        return try body()
    } catch {
        throw CommandFailure(error)
    }
}

/// The same for what the engine refuses.
func unlessRefused<Value>(
    _ body: () async throws(ReleaseRefusal) -> Value
) async throws(CommandFailure) -> Value {
    do throws(ReleaseRefusal) {
        return try await body()
    } catch {
        throw CommandFailure(error)
    }
}

internal import BelayCore
internal import BelayEngine
internal import BelaySpec

/// The process's exit codes, a contract with pipelines.
struct ExitStatus: RawRepresentable, Hashable, Sendable {
    let rawValue: Int32

    static let success = ExitStatus(rawValue: 0)
    /// `run`: rolled back because a gate or a deadline failed. Other commands: not done.
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
            case .gate, .deadline: self = .failure
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

/// Ends a command: what went wrong, where, what was left as it is, what to do next; and the exit code.
struct CommandFailure: Error {
    let code: ExitStatus
    let lines: [String]
    /// The lines begin with `file:line:column`, which editors and CI systems read.
    private(set) var isPositioned = false

    init(_ code: ExitStatus, _ lines: String...) {
        self.code = code
        self.lines = lines
    }

    init(_ code: ExitStatus, lines: [String]) {
        self.code = code
        self.lines = lines
    }

    /// One object for a machine: what `--output json` prints of a refusal.
    var json: String {
        JSONText.write(
            .object([
                .init("type", .string("error")), .init("exit", .int(Int64(code.rawValue))),
                .init("messages", .array(lines.map { .string($0) })),
            ]))
    }

    init(_ failure: SpecFailure) {
        let count = failure.issues.count
        let summary = "\(count) problem\(count == 1 ? "" : "s"); nothing was touched"
        self.init(.invalid, lines: failure.issues.map(\.description) + [summary])
        isPositioned = true
    }

    init(_ refusal: ReleaseRefusal) {
        switch refusal.kind {
        case .taken: self.init(.taken, lines: refusal.lines)
        case .unreachable: self.init(.unreachable, lines: refusal.lines)
        case .invalid, .mistakes:
            self.init(.invalid, lines: refusal.lines)
            isPositioned = refusal.kind == .mistakes
        case .journal(let kind): self.init(JournalFailure(kind, refusal.lines.joined(separator: "\n")))
        }
    }

    init(_ failure: JournalFailure) {
        switch failure.kind {
        case .fenced: self.init(.taken, failure.message)
        case .unavailable, .full:
            self.init(
                .unreachable, "the journal cannot be used: \(failure.message)",
                "`belay rescue FILE` returns all traffic to stable without a journal")
        case .unusable: self.init(.invalid, "the journal cannot be used: \(failure.message)")
        case .refused: self.init(.failure, failure.message)
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

internal import BelayCore
internal import BelayEngine
internal import BelayPlatform
internal import BelaySpec

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

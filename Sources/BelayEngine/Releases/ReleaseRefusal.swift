/// Why a release does not begin, or is not taken over. Nothing was touched.
package struct ReleaseRefusal: Error, Sendable {
    /// The kinds of refusal that have exit codes of their own.
    package enum Kind: Hashable, Sendable {
        /// The target is another rollout's or another driver's.
        case taken
        /// A dependency cannot be reached.
        case unreachable
        /// The file asks for what cannot be.
        case invalid
        /// As `invalid`, and the lines begin with `file:line:column`.
        case mistakes
        /// The record cannot be read or written.
        case journal(JournalFailure.Kind)
    }

    package let kind: Kind
    /// What went wrong, where, and what to do next: a line each.
    package let lines: [String]

    package init(_ kind: Kind, _ lines: String...) { self.init(kind, lines: lines) }

    package init(_ kind: Kind, lines: [String]) {
        self.kind = kind
        self.lines = lines
    }

    package init(_ failure: JournalFailure) { self.init(.journal(failure.kind), failure.message) }
}

/// Runs a call of the record and turns its failure into a refusal.
func orRefuse<Value>(
    _ body: () async throws(JournalFailure) -> Value
) async throws(ReleaseRefusal) -> Value {
    do throws(JournalFailure) {
        return try await body()
    } catch {
        throw ReleaseRefusal(error)
    }
}

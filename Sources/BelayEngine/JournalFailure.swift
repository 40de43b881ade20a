/// Why the record could not be read or written.
package struct JournalFailure: Error, Hashable, Sendable {
    /// The kinds of failure that are answered differently.
    package enum Kind: Hashable, Sendable {
        /// Another holder drives.
        case fenced
        /// Read-only, busy: it may work again.
        case unavailable
        /// There is no room.
        case full
        /// Not this program's file, a newer version's, or damaged.
        case unusable
        /// What was asked for is not there, or is there already.
        case refused
    }

    package let kind: Kind
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}

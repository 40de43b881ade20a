/// What is found where a target's mark would be.
package enum OwnerRecord: Hashable, Sendable {
    case none
    case mark(OwnerMark)
    /// Something is there, but no mark that this version can read; the text says what.
    case unreadable(String)
}

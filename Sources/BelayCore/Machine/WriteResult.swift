/// What came of a write, as the target says itself.
package enum WriteResult: Hashable, Sendable {
    /// The write was made; the reading beside it was taken afterwards and tells whether the share is in force.
    case done
    /// The target has taken it and follows in its own time: a later reading confirms it.
    case accepted
    /// The write was not made, or only a part of it; why.
    case refused(String)

    /// - Parameter error: What went wrong; nil where it was made so.
    package init(error: String?) { self = error.map { .refused($0) } ?? .done }
}

/// What came of an action.
package enum ActionAnswer: Equatable, Sendable {
    case claimed(Claim)
    /// What went wrong; nil where it was done.
    case ended(error: String?)
}

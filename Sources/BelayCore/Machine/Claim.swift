/// What came of marking the target as ours.
package enum Claim: Hashable, Sendable {
    /// The target is ours; the reading shows the shares found there. `wasMarked` is false where an earlier mark of this
    /// rollout should have been there and was gone.
    case ours(Reading, wasMarked: Bool = true)
    /// Another rollout or a newer driver has it.
    case taken(by: String)
    /// The mark could not be read or written.
    case failed(String)
}

/// Why the traffic was taken back.
package struct Cause: Hashable, Sendable {
    /// The kinds of cause, by the names that records have for them.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// A metric's verdict was Failed or Error, or Inconclusive where the file says so.
        case gate
        /// Something took longer than its limit: a write, a pause, an approval, the whole rollout.
        case deadline
        /// A deployment or a step's hook failed.
        case action
        /// No data for `blindFor`.
        case blind
        /// An operator's abort or a denied approval.
        case person
        /// The share was changed by another hand.
        case outsideChange = "outside-change"
        /// The job was cancelled by a signal.
        case cancelled
        /// The journal or the lease could not be kept.
        case journal
    }

    package let kind: Kind
    /// A sentence for people: what happened, with the numbers.
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}

/// Why the traffic was taken back.
package struct Cause: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// A metric's verdict was Failed or Error, or Inconclusive where the file says so.
        case gate
        /// Something took longer than its limit: a write, a pause, an approval, the whole rollout.
        case deadline
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

/// How a rollout ended.
package enum Outcome: Hashable, Sendable {
    case promoted
    case rolledBack(Cause)
    /// The target belongs to another rollout or driver, which the text names. Nothing was touched.
    case refused(String)
}

/// Who acted: the name recorded in the journal, and the groups that approvals may ask for.
package struct Actor: Hashable, Sendable {
    /// As claimed, or the system's.
    package let name: String
    package let groups: [String]
    /// The system's user, where that is another name than the claimed one; nil: it is the name.
    package let user: String?

    package init(name: String, groups: [String] = [], user: String? = nil) {
        self.name = name
        self.groups = groups
        self.user = user
    }

    /// Who typed it, whatever they call themselves.
    package var person: String { user ?? name }
}

/// What an operator asks of a rollout.
package struct Command: Hashable, Sendable {
    /// The commands that an operator may give.
    package enum Verb: Hashable, Sendable {
        case pause
        /// Lifts a pause. It is no answer to the question what came of an action: an operator who only resumes a
        /// rollout may not have seen that question.
        case resume
        /// An action whose end nobody saw, or an adoption that failed, is done once more.
        case rerun
        case promote(full: Bool)
        case approve
        case deny
        case skip(metric: String)
        case abort
    }

    /// Tells commands apart, so that none is obeyed twice.
    package let id: String
    package let verb: Verb
    package let actor: Actor
    package let reason: String
    /// The journal's length when the operator looked, so that two promotes cannot skip two gates.
    package let aimedAt: Int?

    package init(id: String, verb: Verb, actor: Actor, reason: String, aimedAt: Int?) {
        self.id = id
        self.verb = verb
        self.actor = actor
        self.reason = reason
        self.aimedAt = aimedAt
    }
}

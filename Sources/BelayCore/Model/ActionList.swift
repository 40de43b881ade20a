/// The lists of actions that a rollout goes through. Each is done from its beginning to its end, one action after the other.
package enum ActionList: Hashable, Sendable {
    /// claim, deploy, awaitReady; stable 100 % is asserted right after the claim.
    case opening
    /// hook; before the step's share is asked for.
    case step(Int)
    /// adopt, hand over, drain, retire, release; after the last step.
    case forward
    /// drain, retire, release; once stable 100 % is confirmed.
    case back

    /// Whether the list closes the rollout. A failure in it changes no decision: the action is tried again or left
    /// undone.
    package var isClosing: Bool {
        switch self {
        case .opening, .step: false
        case .forward, .back: true
        }
    }
}

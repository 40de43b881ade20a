/// How a rollout ended.
package enum Outcome: Hashable, Sendable {
    case promoted
    case rolledBack(Cause)
    /// The target belongs to another rollout or driver, which the text names. Belay leaves it as it is.
    case refused(String)
}

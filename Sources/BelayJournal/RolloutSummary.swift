package import BelayCore

/// One rollout in the list.
package struct RolloutSummary: Hashable, Sendable {
    package let id: String
    package let name: String
    package let revision: String
    package let target: String
    package let started: Timestamp
    package let finished: Timestamp?
    package let outcome: String?
}

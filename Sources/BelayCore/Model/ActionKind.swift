/// What is done to the world beside the traffic, under the names that records have for it.
package enum ActionKind: String, Hashable, Sendable, CaseIterable {
    /// The target is marked as ours, and read.
    case claim
    /// The new version is brought to the canary's side.
    case deploy
    /// The new version is waited for until it can serve.
    case awaitReady = "await-ready"
    /// A step's own program.
    case hook
    /// The canary's revision becomes the stable one.
    case adopt
    /// The mark at the target names the canary's side as stable: from here on nothing is returned to the old one.
    case handOver = "hand-over"
    /// What is left on the side without traffic ends by itself, or is cut where that can be.
    case drain
    /// The version that has no traffic any more is stopped.
    case retire
    /// The mark at the target is taken away.
    case release
}

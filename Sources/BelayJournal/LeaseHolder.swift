package import BelayCore
package import BelayPlatform

/// Who drives a rollout, or drove it last.
package struct LeaseHolder: Hashable, Sendable {
    package let epoch: Int
    package let until: Timestamp
    package let process: ProcessIdentity

    /// Whether the lease still counts: it has not run out, and its process may be alive. On the same host a dead
    /// process is known by its pid and start time, so that the next driver need not wait.
    package func isLive(at now: Timestamp) -> Bool { until > now && process.mayBeAlive }
}

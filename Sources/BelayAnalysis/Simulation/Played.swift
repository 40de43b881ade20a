package import BelayCore

/// How one played rollout ended.
package struct Played: Hashable, Sendable {
    /// How it ended.
    package enum End: Hashable, Sendable {
        case promoted
        case rolledBack(Cause.Kind)
        /// Paused: a person is called.
        case waiting
        /// None of these when the time was over.
        case underWay
    }

    package var end = End.underWay
    /// Seconds from the canary's first request to the way back.
    package var rolledBackAt: Double?
    /// Seconds from the canary's first request until it had all the traffic.
    package var fullAt: Double?
    /// Failed requests that stable would have answered.
    package var excessBad = 0.0

    package init() {}

    package var isRolledBack: Bool {
        if case .rolledBack = end { true } else { false }
    }
}

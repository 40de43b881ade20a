package import BelayCore

/// The right to drive a rollout, until it expires.
package struct Lease: Hashable, Sendable {
    package var rollout: String
    package var epoch: Int
    package var until: Timestamp

    package init(rollout: String, epoch: Int, until: Timestamp) {
        self.rollout = rollout
        self.epoch = epoch
        self.until = until
    }

    package static let life: Duration = .seconds(30)
    package static let renewal: Duration = .seconds(5)
}

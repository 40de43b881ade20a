internal import func Glibc.exp
internal import func Glibc.log
internal import func Glibc.log1p

/// Counts of one closed window, for one kind of bad request.
package struct Block: Hashable, Sendable {
    package var canaryBad: Double
    package var stableBad: Double
    package var canaryRequests: Double
    package var stableRequests: Double

    package init(canaryBad: Double, stableBad: Double, canaryRequests: Double, stableRequests: Double) {
        self.canaryBad = canaryBad
        self.stableBad = stableBad
        self.canaryRequests = canaryRequests
        self.stableRequests = stableRequests
    }

    /// Whether the block says anything of the ratio: that needs traffic on both sides and at least one bad request.
    var hasLabels: Bool { canaryRequests > 0 && stableRequests > 0 && canaryBad + stableBad > 0 }
}

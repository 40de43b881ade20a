package import BelayCore

internal import func Glibc.exp
internal import func Glibc.log

/// Counts of one window for every kind of bad request that is compared.
package struct WindowCounts: Hashable, Sendable {
    package var bad: [CountWindow.Bad]
    package var canaryRequests: Double
    package var stableRequests: Double

    package init(bad: [CountWindow.Bad], canaryRequests: Double, stableRequests: Double) {
        self.bad = bad
        self.canaryRequests = canaryRequests
        self.stableRequests = stableRequests
    }

    package init(_ window: CountWindow) {
        self.init(bad: window.bad, canaryRequests: window.canaryRequests, stableRequests: window.stableRequests)
    }

    /// The counts of one kind of bad request.
    package func block(_ kind: Int) -> Block {
        Block(
            canaryBad: bad[kind].canary, stableBad: bad[kind].stable, canaryRequests: canaryRequests,
            stableRequests: stableRequests)
    }
}

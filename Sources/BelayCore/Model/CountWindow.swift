/// What the two versions did between two moments, as exact increments of their counters.
package struct CountWindow: Hashable, Sendable {
    /// One kind of bad request: an error, or an answer slower than one bound.
    package struct Bad: Hashable, Sendable {
        package var canary: Double
        package var stable: Double

        package init(canary: Double, stable: Double) {
            self.canary = canary
            self.stable = stable
        }
    }

    /// The window's limits by the metrics server's clock: `from` is outside of it, `to` is inside.
    package var from: Timestamp
    package var to: Timestamp
    /// The oldest sample that an increment was counted from: nothing before it is in the window.
    package var since: Timestamp
    package var canaryRequests: Double
    package var stableRequests: Double
    package var bad: [Bad]

    package init(
        from: Timestamp, to: Timestamp, since: Timestamp, canaryRequests: Double, stableRequests: Double, bad: [Bad]
    ) {
        self.from = from
        self.to = to
        self.since = since
        self.canaryRequests = canaryRequests
        self.stableRequests = stableRequests
        self.bad = bad
    }
}

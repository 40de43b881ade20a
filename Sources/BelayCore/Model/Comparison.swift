/// How the canary is compared with stable on counts: what `compare` says. Frozen with the plan, for a test whose limits
/// were changed after a look guarantees nothing.
package struct Comparison: Hashable, Sendable {
    /// The harm test's null hypothesis: the canary's rate of bad requests is at most so many times stable's. Above 0.
    package var harmRatio = 1.25
    /// The promotion test's null hypothesis: the canary's rate is at least so many times stable's. Above 0.25.
    package var promotionRatio = 2.0
    /// The probability of a false abort over a whole rollout, 0…1.
    package var alpha = 0.01
    /// The probability that a step ends early although the canary is worse than `promotionRatio`, 0…1, for each step.
    package var promotionAlpha = 0.05
    /// A share of bad requests that is good enough whatever stable's is, 0…1. nil: only the ratio counts.
    package var delta: Double?
    /// The harm e-value from which nothing is promoted by itself.
    package var suspicion = 3.0
    /// How long a step is watched before suspicion, or too few requests, calls a person.
    package var suspicionLimit: Duration = .seconds(900)
    /// The canary's requests that a step needs before it may end.
    package var minRequests = 100
    /// Left out of the comparison at the beginning: caches, connection pools and compilers warm up.
    package var warmUp: Duration = .seconds(30)
    package var dispersion = Dispersion()
    /// This metric's share of `alpha` beside other comparisons, relative to theirs.
    package var weight = 1.0

    /// How much more counts vary than independent requests would.
    package struct Dispersion: Hashable, Sendable {
        /// The extra variance of the logarithm of the rate ratio in each window.
        package var variance = 0.1
        /// How many errors come together: 2g - 1 for bursts of g on average. At least 1.
        package var burst = 1.0

        package init() {}
    }

    package init() {}

    /// The e-value that ends the rollout where one probability `alpha` is all there is.
    package var harmLimit: Double { 1 / alpha }
    package var promotionLimit: Double { 1 / promotionAlpha }
    /// In the warm-up, and at 100 % where time is a cause beside the release, more is asked.
    package static let strictLimit = 1000.0
}

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

    /// Exclusive and inclusive, by the metrics server's clock.
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

/// What a comparison knew after one window. Numbers are e-values, at most `limit` of `Double`'s range.
package struct Evidence: Hashable, Sendable {
    package enum Test: String, Hashable, Sendable, CaseIterable {
        /// Only a catastrophe counts.
        case warmUp = "warm-up"
        /// Canary against stable, at the same time.
        case ratio
        /// Canary alone, where stable has no traffic.
        case absolute
    }

    package var test: Test
    package var window: CountWindow
    /// The step that was under way.
    package var step: Int
    /// Whether its share was in force during the whole window.
    package var isWhole: Bool
    /// The first window since the step's share was confirmed once more: what the step needs is counted from it.
    package var beginsAnew = false
    /// Against "the canary is no worse".
    package var harm: Double
    package var harmLimit: Double
    /// Against "the canary is worse", in the present step.
    package var promotion: Double
    /// The canary's requests in the present step.
    package var requests: Double
    /// The requests that the canary is compared with; 0: there is nothing to tell harm from, and no step passes on it.
    package var reference: Double

    package init(
        test: Test, window: CountWindow, step: Int, isWhole: Bool, harm: Double, harmLimit: Double,
        promotion: Double, requests: Double, reference: Double
    ) {
        self.test = test
        self.window = window
        self.step = step
        self.isWhole = isWhole
        self.harm = harm
        self.harmLimit = harmLimit
        self.promotion = promotion
        self.requests = requests
        self.reference = reference
    }

    /// So that a sum of several never overflows.
    package static let largest = 1e300
}

/// What a comparison knew after one window. `harm` and `promotion` are e-values, at most `largest`.
package struct Evidence: Hashable, Sendable {
    /// Which test a window counts for.
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
    /// Whether this is the first whole window since the step's share was confirmed once more: what the step needs is
    /// counted from this window on.
    package var beginsAnew = false
    /// The e-value against "the canary is no worse".
    package var harm: Double
    package var harmLimit: Double
    /// The e-value against "the canary is worse", in the present step.
    package var promotion: Double
    /// The canary's requests in the present step.
    package var requests: Double
    /// The requests that the canary is compared with. At 0 there is nothing to compare with, and no step passes on this
    /// evidence.
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

    /// The largest e-value that is stored, so that a sum of several never overflows.
    package static let largest = 1e300
}

/// How the canary is compared with stable by counts, as `compare` in the file says. It is stored with the plan and
/// never changed, because a test whose limits are changed after a look guarantees nothing.
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
    /// From this harm e-value on no step ends by itself.
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

    /// The harm e-value that ends the rollout where this is its only comparison.
    package var harmLimit: Double { 1 / alpha }
    package var promotionLimit: Double { 1 / promotionAlpha }
    /// The harm e-value that ends the rollout in the warm-up, and at 100 %, where the canary is compared with stable's
    /// past. It is higher, since something else than the release may be the cause.
    package static let strictLimit = 1000.0
}

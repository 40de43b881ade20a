package import BelayCore

internal import func Glibc.log

/// What a comparison can do at the present traffic, said before the release: about how long it takes to notice harm,
/// and to be sure that there is none. It depends on the number of errors, not on time.
///
/// `T ≈ (log(1/α) + c) / (Λ · KL)`: errors per second times what each of them tells on average (Wald). The constants
/// `c` are what a mixture costs beside a test that knows the true ratio.
package struct Forecast: Hashable, Sendable {
    private static let ratioCost = 1.5
    private static let absoluteCost = 0.44

    package let comparison: Comparison
    /// Of both versions together.
    package let requestsPerSecond: Double
    /// Stable's share of bad requests, 0…1.
    package let badShare: Double

    package init(_ comparison: Comparison, requestsPerSecond: Double, badShare: Double) {
        self.comparison = comparison
        self.requestsPerSecond = requestsPerSecond
        self.badShare = badShare
    }

    /// Seconds until a canary whose rate is `ratio` times stable's is taken back, the warm-up included.
    /// - Returns: nil where it never is.
    package func secondsToAbort(ratio: Double, share: Weight) -> Double? {
        guard ratio > comparison.harmRatio else { return nil }
        // The evidence is the mean of a process over the whole rollout and one over the step. Where one of them shows
        // nothing, the other has to reach twice the limit.
        return seconds(ratio, against: comparison.harmRatio, comparison.alpha / 2, share).map { $0 + warmUp }
    }

    /// Seconds until a canary that is like stable may go on, by ratio or by `delta`, whichever is sooner.
    /// - Returns: nil where no evidence comes: no errors, and no `delta`.
    package func secondsToPromote(share: Weight, isFirst: Bool) -> Double? {
        let ratio = seconds(1, against: comparison.promotionRatio, comparison.promotionAlpha, share)
        let soonest = [ratio, secondsToPass(share)].compactMap(\.self).min()
        return soonest.map { $0 + (isFirst ? warmUp : 0) }
    }

    private func secondsToPass(_ share: Weight) -> Double? {
        guard let delta = comparison.delta, badShare < delta else { return nil }
        let rate = requestsPerSecond * Self.fraction(share)
        let information = Self.divergence(badShare, delta)
        guard rate > 0, information > 0 else { return nil }
        return (log(2 / comparison.promotionAlpha) + Self.absoluteCost) / (rate * information)
    }

    private func seconds(_ ratio: Double, against null: Double, _ alpha: Double, _ share: Weight) -> Double? {
        let canary = Self.fraction(share)
        guard canary > 0, canary < 1, badShare > 0, requestsPerSecond > 0 else { return nil }
        let odds = canary / (1 - canary)
        func probability(_ ratio: Double) -> Double { odds * ratio / (1 + odds * ratio) }
        let errorsPerSecond = badShare * requestsPerSecond * (1 - canary) * (1 + odds * ratio)
        let information = Self.divergence(probability(ratio), probability(null))
        return (log(1 / alpha) + Self.ratioCost) / (errorsPerSecond * information)
    }

    /// What one trial with probability `p` tells against `q` on average, in nats: Kullback & Leibler.
    private static func divergence(_ p: Double, _ q: Double) -> Double {
        (p > 0 ? p * log(p / q) : 0) + (1 - p) * log((1 - p) / (1 - q))
    }

    private static func fraction(_ share: Weight) -> Double { Double(share.basisPoints) / 10_000 }
    private var warmUp: Double { comparison.warmUp.inSeconds }
}

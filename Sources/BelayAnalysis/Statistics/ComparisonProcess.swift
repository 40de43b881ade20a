package import BelayCore

internal import func Glibc.exp
internal import func Glibc.log

/// The evidence of one comparison: a fold of its windows, in the order they were seen.
///
/// Harm is the mean of a process over the whole rollout and one that starts with every step, so that a regression which
/// shows only under load does not have to outweigh the calm before it. A process that is set back to 1 is no e-process;
/// a mean of several processes is one. Promotion begins anew with every step.
package struct ComparisonProcess: Hashable, Sendable {
    /// One kind of bad request: errors, or answers slower than one bound.
    private struct Kind: Hashable {
        var whole: RatioProcess
        /// One for each step in which both versions have traffic; nil until it starts, and then worth 1.
        var steps: [RatioProcess?]
        var promotion: RatioProcess
        var canaryBad = 0.0
        /// The canary's counts in this step while it was alone, those of each window divided by its dispersion.
        var alone = Rate()
        var stable = Rate()
        var warmUpBad = 0.0
    }

    private struct Rate: Hashable {
        var bad = 0.0
        var requests = 0.0

        /// Wilson's score limit at 99.5 %, of at least one request: Wilson, Probable Inference, J. Am. Stat. Assoc. 22 (1927).
        var upperLimit: Double {
            let (z, p) = (2.5758293035489, bad / requests)
            let half = z * (p * (1 - p) / requests + z * z / (4 * requests * requests)).squareRoot()
            return min((p + z * z / (2 * requests) + half) / (1 + z * z / requests), 1)
        }
    }

    private let comparison: Comparison
    private let harmHypotheses: RatioHypotheses
    private let promotionHypotheses: RatioHypotheses
    private var kinds: [Kind]
    private var scratch: [Double]
    private var warmUpRequests = 0.0
    private var concurrentStep: Int?
    /// The step under way, counted among those in which both versions have traffic.
    private(set) var step = 0
    /// The canary's requests in the present step.
    package private(set) var requests = 0.0

    /// - Parameters:
    ///   - kinds: How many kinds of bad request a window has.
    ///   - steps: In how many steps both versions have traffic; at least 1.
    package init(_ comparison: Comparison, kinds: Int, steps: Int) {
        self.comparison = comparison
        harmHypotheses = .harm(comparison.harmRatio)
        promotionHypotheses = .promotion(comparison.promotionRatio)
        let kind = Kind(
            whole: RatioProcess(harmHypotheses), steps: Array(repeating: nil, count: max(steps, 1)),
            promotion: RatioProcess(promotionHypotheses))
        self.kinds = Array(repeating: kind, count: kinds)
        scratch = Array(repeating: 0, count: harmHypotheses.count)
    }

    /// Begins a step. What was seen for promotion belongs to an earlier one and is dropped.
    package mutating func begin(step: Int) {
        self.step = step
        requests = 0
        for index in kinds.indices {
            kinds[index].promotion = RatioProcess(promotionHypotheses)
            kinds[index].canaryBad = 0
            kinds[index].alone = Rate()
        }
    }

    /// Adds a window of the warm-up, in which only a catastrophe counts.
    package mutating func addWarmUp(_ counts: WindowCounts) {
        warmUpRequests += counts.canaryRequests
        for index in kinds.indices { kinds[index].warmUpBad += counts.bad[index].canary }
    }

    /// A window in which both versions have traffic.
    /// - Parameter isWhole: Whether the present step was in force during all of it; otherwise it counts for the whole only.
    package mutating func add(_ counts: WindowCounts, isWhole: Bool) {
        if isWhole { requests += counts.canaryRequests }
        if isWhole, concurrentStep != step {
            concurrentStep = step
            for index in kinds.indices { kinds[index].stable = Rate() }
        }
        for index in kinds.indices {
            if isWhole {
                kinds[index].canaryBad += counts.bad[index].canary
                kinds[index].stable.bad += counts.bad[index].stable
                kinds[index].stable.requests += counts.stableRequests
            }
            let block = counts.block(index)
            guard block.hasLabels else { continue }
            harmHypotheses.increments(block, comparison.dispersion, into: &scratch)
            kinds[index].whole.add(scratch, harmHypotheses)
            guard isWhole else { continue }
            if kinds[index].steps.indices.contains(step) {
                if kinds[index].steps[step] == nil { kinds[index].steps[step] = RatioProcess(harmHypotheses) }
                kinds[index].steps[step]?.add(scratch, harmHypotheses)
            }
            promotionHypotheses.increments(block, comparison.dispersion, into: &scratch)
            kinds[index].promotion.add(scratch, promotionHypotheses)
        }
    }

    /// A window in which stable has no traffic.
    package mutating func addAlone(_ counts: WindowCounts) {
        requests += counts.canaryRequests
        for index in kinds.indices {
            kinds[index].canaryBad += counts.bad[index].canary
            guard let limit = absoluteLimit(of: kinds[index]) else { continue }
            // As for the ratio: dividing by what depends on the window's size alone keeps the test valid, and the noise of
            // one version is half of the ratio's.
            let dispersion = comparison.dispersion
            let factor = dispersion.burst + max(counts.canaryRequests * limit - 1, 0) * dispersion.variance / 2
            kinds[index].alone.bad += counts.bad[index].canary / factor
            kinds[index].alone.requests += counts.canaryRequests / factor
        }
    }

    /// The natural logarithm of the e-value against "the canary is no worse".
    package var logHarm: Double {
        mean { kind in
            let steps = LogMath.sum(kind.steps.count) { kind.steps[$0]?.logE ?? 0 }
            let restarted = steps - log(Double(kind.steps.count))
            return LogMath.sum(2) { $0 == 0 ? kind.whole.logE : restarted } - log(2)
        }
    }

    /// The natural logarithm of the e-value against "the canary is worse", in this step. Every kind has to pass.
    package var logPromotion: Double {
        kinds.map { kind in
            guard let delta = comparison.delta else { return kind.promotion.logE }
            let alone = AbsoluteTest.promotion(bad: kind.canaryBad, of: requests, limit: delta)
            return LogMath.sum(2) { $0 == 0 ? kind.promotion.logE : alone } - log(2)
        }.min() ?? 0
    }

    /// The natural logarithm of the warm-up's e-value against "at most every tenth request is bad".
    package var logGuardian: Double {
        kinds.map { AbsoluteTest.guardian(bad: $0.warmUpBad, of: warmUpRequests) }.max() ?? 0
    }

    /// The natural logarithm of the e-value against "no worse than stable was when both had traffic, or than `delta`",
    /// for a step of the canary alone.
    package var logAbsoluteHarm: Double {
        mean { kind in
            absoluteLimit(of: kind).map {
                AbsoluteTest.harm(bad: kind.alone.bad, of: kind.alone.requests, limit: $0)
            } ?? 0
        }
    }

    /// Stable's requests in the present step.
    package var stableRequests: Double { concurrentStep == step ? kinds.first?.stable.requests ?? 0 : 0 }

    /// What a step of the canary alone is held against: stable's requests when both had traffic, or the promise of `delta`.
    package var absoluteReference: Double {
        let known = kinds.first?.stable.requests ?? 0
        return known == 0 && comparison.delta != nil ? requests : known
    }

    /// The natural logarithm of the e-value against "at least `delta` of the requests are bad", for a step of the
    /// canary alone; 0 without a `delta`, since only that can end such a step early.
    package var logAbsolutePromotion: Double {
        guard let delta = comparison.delta else { return 0 }
        return kinds.map { AbsoluteTest.promotion(bad: $0.canaryBad, of: requests, limit: delta) }.min() ?? 0
    }

    /// The share of bad requests that the canary alone is held against; nil where nothing is known of stable.
    private func absoluteLimit(of kind: Kind) -> Double? {
        kind.stable.requests > 0 ? max(kind.stable.upperLimit, comparison.delta ?? 0) : comparison.delta
    }

    private func mean(_ logarithm: (Kind) -> Double) -> Double {
        if kinds.count == 1 { return logarithm(kinds[0]) }
        let all = kinds.map(logarithm)
        return LogMath.sum(all.count) { all[$0] } - log(Double(all.count))
    }
}

extension Evidence {
    /// An e-value from its logarithm, bounded so that sums stay finite.
    package static func value(_ logarithm: Double) -> Double { min(exp(logarithm), largest) }
}

internal import BelayCore

internal import func Glibc.exp
internal import func Glibc.log
internal import func Glibc.log1p

/// Counts of one closed window, and how many errors it takes to be sure of them.
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

    /// A ratio needs traffic on both sides and something bad to tell it from.
    var hasLabels: Bool { canaryRequests > 0 && stableRequests > 0 && canaryBad + stableBad > 0 }
}

/// Hypotheses about the ratio of the two rates, mixed: a likelihood ratio against the null ratio for each of them.
///
/// Given that something bad happened, it happened on the canary with probability `w·ρ / (1 + w·ρ)`, where `w` is the
/// ratio of the requests seen in the same window. What hits both versions cancels, and the share may change at any time.
/// The mixture is an e-process: under the null hypothesis it ever reaches `1/α` with probability at most `α`, however
/// often it is looked at (Ville). After Lindon & Malek, Anytime-Valid Inference for Multinomial Count Data (2022).
struct RatioHypotheses: Hashable, Sendable {
    /// The null ratio ρ₀, above 0.
    let null: Double
    private let ratios: [Double]
    private let steps: [Double]
    private let logWeights: [Double]

    init(null: Double, ratios: [Double], weights: [Double]) {
        self.null = null
        self.ratios = ratios
        steps = ratios.map { log($0 / null) }
        logWeights = weights.map { log($0) }
    }

    var count: Int { ratios.count }

    /// Against "at most `null` times stable's rate".
    static func harm(_ null: Double) -> RatioHypotheses {
        let multiples = [1.25, 1.5, 2, 2.5, 3, 4, 6, 8, 12, 16, 24, 40, 64, 100]
        let weights = Array(repeating: 1 / Double(multiples.count), count: multiples.count)
        return RatioHypotheses(null: null, ratios: multiples.map { $0 * null }, weights: weights)
    }

    /// Against "at least `null` times stable's rate". Above 0.25, the smallest hypothesis.
    static func promotion(_ null: Double) -> RatioHypotheses {
        let pairs = [(0.25, 0.10), (0.5, 0.15), (0.75, 0.20), (1.0, 0.35), (1.25, 0.20)].filter { $0.0 < null }
        let total = pairs.reduce(0) { $0 + $1.1 }
        return RatioHypotheses(null: null, ratios: pairs.map(\.0), weights: pairs.map { $0.1 / total })
    }

    /// The log-likelihood ratio of each hypothesis for one block. Overdispersed blocks are tempered: dividing by φ ≥ 1,
    /// which depends on the block's size alone, keeps the guarantee (Jensen).
    func increments(_ block: Block, _ dispersion: Comparison.Dispersion, into increments: inout [Double]) {
        let share = block.canaryRequests / block.stableRequests
        let all = block.canaryBad + block.stableBad
        let odds = share * null
        let p = odds / (1 + odds)
        let phi = dispersion.burst + max(all - 1, 0) * p * (1 - p) * dispersion.variance
        let atNull = log1p(odds)
        for index in 0..<ratios.count {
            let likelihood = block.canaryBad * steps[index] + all * (atNull - log1p(share * ratios[index]))
            increments[index] = likelihood / phi
        }
    }

    func mixture(_ logarithms: [Double]) -> Double {
        LogMath.sum(ratios.count) { logWeights[$0] + logarithms[$0] }
    }
}

/// The evidence against one null ratio, so far.
struct RatioProcess: Hashable, Sendable {
    private var logarithms: [Double]
    /// The natural logarithm of the e-value.
    private(set) var logE = 0.0

    init(_ hypotheses: RatioHypotheses) { logarithms = Array(repeating: 0, count: hypotheses.count) }

    mutating func add(_ increments: [Double], _ hypotheses: RatioHypotheses) {
        for index in 0..<logarithms.count { logarithms[index] += increments[index] }
        logE = hypotheses.mixture(logarithms)
    }
}

/// The evidence from one version alone against "its rate is `limit`", for low traffic and where stable has none.
package enum AbsoluteTest {
    private static let below = [0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5]
    private static let above = [1.25, 1.5, 2, 3, 5, 10, 20, 50]

    /// The natural logarithm of the e-value against "at least `limit` of the requests are bad".
    /// - Parameter limit: Above 0, below 1.
    package static func promotion(bad: Double, of requests: Double, limit: Double) -> Double {
        mixture(below.map { $0 * limit }, bad, requests, limit)
    }

    /// The natural logarithm of the e-value against "at most `limit` of the requests are bad".
    /// - Parameter limit: Above 0; at 0.79 and more no worse rate is left to test against, and the answer is 0.
    package static func harm(bad: Double, of requests: Double, limit: Double) -> Double {
        let worse = above.map { $0 * limit }.filter { $0 < 0.99 }
        return worse.isEmpty ? 0 : mixture(worse, bad, requests, limit)
    }

    /// The warm-up's guard: against "at most 10 % of the requests are bad".
    package static func guardian(bad: Double, of requests: Double) -> Double {
        mixture([0.2, 0.35, 0.5, 0.75, 0.95], bad, requests, 0.1)
    }

    private static func mixture(_ rates: [Double], _ bad: Double, _ requests: Double, _ limit: Double) -> Double {
        let weight = log(Double(rates.count))
        return LogMath.sum(rates.count) {
            LogMath.bernoulli(bad, of: requests, rates[$0], against: limit) - weight
        }
    }
}

internal import BelayCore

internal import func Glibc.exp
internal import func Glibc.log
internal import func Glibc.log1p

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

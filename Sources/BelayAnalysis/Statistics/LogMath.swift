internal import func Glibc.exp
internal import func Glibc.log
internal import func Glibc.log1p

/// Sums and mixtures of numbers that are known by their logarithms. E-values of busy services do not fit a `Double`.
enum LogMath {
    /// `log(Σ exp(xᵢ))`; -∞ for none.
    @inline(__always)
    static func sum(_ count: Int, _ logarithm: (Int) -> Double) -> Double {
        var largest = -Double.infinity
        for index in 0..<count { largest = max(largest, logarithm(index)) }
        guard largest > -.infinity else { return largest }
        var total = 0.0
        for index in 0..<count { total += exp(logarithm(index) - largest) }
        return largest + log(total)
    }

    /// The log-likelihood ratio of `hits` of `trials` under the probability `p` against `null`.
    static func bernoulli(_ hits: Double, of trials: Double, _ p: Double, against null: Double) -> Double {
        // 0 · log 0 is 0 here: no hit is no evidence against a hypothesis that forbids them.
        let hit = hits > 0 ? hits * log(p / null) : 0
        return hit + (trials - hits) * (log1p(-p) - log1p(-null))
    }
}

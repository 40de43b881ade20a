internal import func Glibc.exp
internal import func Glibc.sqrt

/// A share with its exact 95 % interval.
/// Source: Clopper and Pearson, Biometrika 26 (1934).
package struct Proportion: Hashable, Sendable {
    package let value: Double
    package let low: Double
    package let high: Double

    package init(_ hits: Int, of trials: Int) {
        value = trials > 0 ? Double(hits) / Double(trials) : 0
        let (k, n) = (Double(hits), Double(trials))
        low = hits == 0 || trials == 0 ? 0 : Self.quantile(0.025, k, n - k + 1)
        high = hits == trials ? 1 : Self.quantile(0.975, k + 1, n - k)
    }

    /// Where the beta distribution reaches `p`, by halving.
    private static func quantile(_ p: Double, _ a: Double, _ b: Double) -> Double {
        var (low, high) = (0.0, 1.0)
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if exp(BetaMixture.logLower(middle, a, b)) < p { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}

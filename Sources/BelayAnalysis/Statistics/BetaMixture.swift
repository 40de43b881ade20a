internal import func Glibc.exp
internal import func Glibc.lgamma
internal import func Glibc.log
internal import func Glibc.log1p

/// The evidence of ``RatioHypotheses`` in closed form, for a share that does not change: a Beta prior on the
/// probability that a bad request falls on the canary. Its two-sided form can check the split: are the requests divided
/// as asked? All results are natural logarithms of e-values.
package struct BetaMixture: Hashable, Sendable {
    package let a: Double
    package let b: Double
    /// The probability under the null hypothesis, 0…1 exclusive.
    package let null: Double

    package init(a: Double = 1, b: Double = 1, null: Double) {
        self.a = a
        self.b = b
        self.null = null
    }

    /// Against "the probability is `null`".
    package func twoSided(_ x: Double, _ y: Double) -> Double {
        Self.logBeta(a + x, b + y) - Self.logBeta(a, b) - x * log(null) - y * log1p(-null)
    }

    /// Against "at most `null`".
    package func harm(_ x: Double, _ y: Double) -> Double {
        twoSided(x, y) + Self.logUpper(null, a + x, b + y) - Self.logUpper(null, a, b)
    }

    /// Against "at least `null`".
    package func promotion(_ x: Double, _ y: Double) -> Double {
        twoSided(x, y) + Self.logLower(null, a + x, b + y) - Self.logLower(null, a, b)
    }

    private static func logBeta(_ a: Double, _ b: Double) -> Double { lgamma(a) + lgamma(b) - lgamma(a + b) }

    /// `log I_x(a, b)`, the regularised incomplete beta function.
    static func logLower(_ x: Double, _ a: Double, _ b: Double) -> Double {
        x <= (a + 1) / (a + b + 2) ? logTail(x, a, b) : log1p(-exp(logTail(1 - x, b, a)))
    }

    private static func logUpper(_ x: Double, _ a: Double, _ b: Double) -> Double { logLower(1 - x, b, a) }

    /// Lentz's continued fraction; converges fast below `(a + 1) / (a + b + 2)`.
    private static func logTail(_ x: Double, _ a: Double, _ b: Double) -> Double {
        let tiny = 1e-300
        var c = 1.0
        var d = 1 - (a + b) * x / (a + 1)
        d = 1 / (abs(d) < tiny ? tiny : d)
        var fraction = d
        for step in 1...10_000 {
            let m = Double(step)
            for numerator in [
                m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
            ] {
                d = 1 + numerator * d
                d = 1 / (abs(d) < tiny ? tiny : d)
                c = 1 + numerator / c
                if abs(c) < tiny { c = tiny }
                fraction *= c * d
            }
            if abs(c * d - 1) < 1e-15 { break }
        }
        return a * log(x) + b * log1p(-x) - log(a) - logBeta(a, b) + log(fraction)
    }
}

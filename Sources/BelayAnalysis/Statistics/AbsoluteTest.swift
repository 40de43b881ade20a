internal import func Glibc.exp
internal import func Glibc.log
internal import func Glibc.log1p

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

    /// The natural logarithm of the warm-up's e-value, against "at most 10 % of the requests are bad".
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

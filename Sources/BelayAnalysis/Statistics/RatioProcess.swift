internal import func Glibc.exp
internal import func Glibc.log
internal import func Glibc.log1p

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

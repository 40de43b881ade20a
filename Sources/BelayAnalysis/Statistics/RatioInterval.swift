internal import func Glibc.exp
internal import func Glibc.log
internal import func Glibc.log1p

/// An interval for the ratio of the two rates, for people to look at. With the stated confidence it holds at all times
/// at once.
package struct RatioInterval: Hashable, Sendable {
    private static let grid: [Double] = (0..<257).map { log(128) * (Double($0) - 128) / 128 }

    private var blocks: [Block] = []
    private var likelihoods = Array(repeating: 0.0, count: grid.count)

    package init() {}

    /// Counts one window.
    package mutating func add(_ block: Block) {
        guard block.hasLabels else { return }
        blocks.append(block)
        for (index, logRatio) in Self.grid.enumerated() {
            likelihoods[index] += Self.likelihood(block, logRatio)
        }
    }

    /// - Parameter alpha: 0.05 for 95 % confidence.
    /// - Returns: 0 and infinity where nothing bad has happened yet.
    package func bounds(alpha: Double = 0.05) -> (low: Double, high: Double) {
        guard !blocks.isEmpty else { return (0, .infinity) }
        let level = LogMath.sum(likelihoods.count) { likelihoods[$0] } - log(Double(likelihoods.count)) + log(alpha)
        let best = likelihoods.indices.max { likelihoods[$0] < likelihoods[$1] } ?? 0
        // The likelihood is concave in log ρ: each end is found by bisection between the best point and the grid's end.
        let low = end(from: Self.grid[best], to: log(1e-9), level: level)
        let high = end(from: Self.grid[best], to: log(1e9), level: level)
        return (low.map { exp($0) } ?? 0, high.map { exp($0) } ?? .infinity)
    }

    private func end(from inside: Double, to outside: Double, level: Double) -> Double? {
        var (inside, outside) = (inside, outside)
        if total(outside) > level { return nil }
        for _ in 0..<80 {
            let middle = (inside + outside) / 2
            if total(middle) > level { inside = middle } else { outside = middle }
        }
        return (inside + outside) / 2
    }

    private func total(_ logRatio: Double) -> Double { blocks.reduce(0) { $0 + Self.likelihood($1, logRatio) } }

    private static func likelihood(_ block: Block, _ logRatio: Double) -> Double {
        let odds = log(block.canaryRequests / block.stableRequests) + logRatio
        return -block.canaryBad * softplus(-odds) - block.stableBad * softplus(odds)
    }

    private static func softplus(_ t: Double) -> Double { max(t, 0) + log1p(exp(-abs(t))) }
}

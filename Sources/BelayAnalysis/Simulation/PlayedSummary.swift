internal import BelayCore

internal import func Glibc.exp
internal import func Glibc.sqrt

/// What many played rollouts come to, with intervals.
package struct PlayedSummary: Hashable, Sendable {
    package private(set) var runs = 0
    package private(set) var rolledBack = 0
    package private(set) var promoted = 0
    package private(set) var waiting = 0
    package private(set) var excessBad = Moments()
    package private(set) var secondsToRollback = Moments()
    package private(set) var secondsToFull = Moments()

    package init() {}

    package mutating func add(_ played: Played) {
        runs += 1
        switch played.end {
        case .rolledBack: rolledBack += 1
        case .promoted: promoted += 1
        case .waiting: waiting += 1
        case .underWay: break
        }
        excessBad.add(played.excessBad)
        if let second = played.rolledBackAt { secondsToRollback.add(second) }
        if let second = played.fullAt, !played.isRolledBack { secondsToFull.add(second) }
    }

    package mutating func add(_ other: PlayedSummary) {
        runs += other.runs
        rolledBack += other.rolledBack
        promoted += other.promoted
        waiting += other.waiting
        excessBad.add(other.excessBad)
        secondsToRollback.add(other.secondsToRollback)
        secondsToFull.add(other.secondsToFull)
    }

    /// Neither, when the time was over.
    package var underWay: Int { runs - rolledBack - promoted - waiting }

    /// Of all runs: taken back; let through to the end without a person.
    package var rollbackRate: Proportion { Proportion(rolledBack, of: runs) }
    package var promotionRate: Proportion { Proportion(promoted, of: runs) }
    package var waitingRate: Proportion { Proportion(waiting, of: runs) }
}

/// A mean with its 95 % interval, from sums that can be added.
package struct Moments: Hashable, Sendable {
    package private(set) var count = 0.0
    private var sum = 0.0
    private var squares = 0.0

    package init() {}

    package mutating func add(_ value: Double) {
        count += 1
        sum += value
        squares += value * value
    }

    package mutating func add(_ other: Moments) {
        count += other.count
        sum += other.sum
        squares += other.squares
    }

    /// nil of nothing.
    package var mean: Double? { count > 0 ? sum / count : nil }

    /// Half the width of the 95 % interval; normal, of 2 at least.
    package var margin: Double? {
        guard count > 1 else { return nil }
        let variance = max(squares - sum * sum / count, 0) / (count - 1)
        return 1.96 * sqrt(variance / count)
    }
}

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

extension PlayedSummary {
    /// Many courses on all cores. The same seed gives the same ones, whatever the number of cores.
    /// - Parameters:
    ///   - progress: Told how many more have been played.
    ///   - play: One course with a seed of its own.
    package static func of(
        runs: Int, seed: UInt64, progress: @escaping @Sendable (Int) -> Void = { _ in },
        _ play: @escaping @Sendable (UInt64) -> Played
    ) async -> PlayedSummary {
        let size = 25
        return await withTaskGroup(of: (Int, PlayedSummary).self) { group in
            for (place, first) in stride(from: 0, to: runs, by: size).enumerated() {
                group.addTask {
                    var summary = PlayedSummary()
                    let last = min(first + size, runs)
                    for index in first..<last { summary.add(play(Self.seed(seed, index))) }
                    progress(last - first)
                    return (place, summary)
                }
            }
            var parts: [(Int, PlayedSummary)] = []
            for await part in group { parts.append(part) }
            // Sums of doubles depend on their order.
            return parts.sorted { $0.0 < $1.0 }.reduce(into: PlayedSummary()) { $0.add($1.1) }
        }
    }

    private static func seed(_ seed: UInt64, _ index: Int) -> UInt64 {
        var random = SplitMix64(seed: seed ^ (UInt64(index) &* 0xD134_2543_DE82_EF95))
        return random.next()
    }
}

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

    /// Counts one played rollout.
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

    /// Adds another's counts: of rollouts played elsewhere.
    package mutating func add(_ other: PlayedSummary) {
        runs += other.runs
        rolledBack += other.rolledBack
        promoted += other.promoted
        waiting += other.waiting
        excessBad.add(other.excessBad)
        secondsToRollback.add(other.secondsToRollback)
        secondsToFull.add(other.secondsToFull)
    }

    /// How many rollouts were still under way when the time was over.
    package var underWay: Int { runs - rolledBack - promoted - waiting }

    /// Shares of all runs: taken back; let through to the end without a person; waiting for a person.
    package var rollbackRate: Proportion { Proportion(rolledBack, of: runs) }
    package var promotionRate: Proportion { Proportion(promoted, of: runs) }
    package var waitingRate: Proportion { Proportion(waiting, of: runs) }
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

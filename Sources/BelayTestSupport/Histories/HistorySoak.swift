/// Checks many histories, several at a time.
package enum HistorySoak {
    /// What so many histories came to.
    package struct Outcome: Sendable {
        package fileprivate(set) var histories = 0
        fileprivate var plain = (histories: 0, truth: 0.0, counted: 0.0)
        /// How often each telling came up; and for the histories that had no other telling, what happened and what of
        /// it was counted.
        fileprivate var count: [Telling: Int] = [:]
        fileprivate var alone: [Telling: (truth: Double, counted: Double)] = [:]
        package fileprivate(set) var harmful = 0
        package fileprivate(set) var broken: [String] = []

        package var isGood: Bool {
            broken.isEmpty && harmful > 0
                && Telling.allCases.allSatisfy { telling in
                    let (truth, counted) = alone[telling] ?? (0, 0)
                    return count[telling, default: 0] >= 10 && counted >= truth * (1 - telling.mostLost)
                }
        }

        package var text: String {
            var lines = ["\(histories) histories, \(harmful) of them with harm shown"]
            func lost(_ truth: Double, _ counted: Double) -> String {
                truth > 0 ? "\(((1 - counted / truth) * 1000).rounded() / 10) % not counted" : "never alone"
            }
            lines.append("  undistorted: \(plain.histories), \(lost(plain.truth, plain.counted))")
            for telling in Telling.allCases {
                let (truth, counted) = alone[telling] ?? (0, 0)
                lines.append("  \(telling.rawValue): \(count[telling, default: 0]), \(lost(truth, counted))")
            }
            lines += broken.prefix(10)
            lines.append(isGood ? "nothing was invented" : "FAILED")
            return lines.joined(separator: "\n")
        }
    }

    /// Histories in which the law was once seen to break. They are played before anything else.
    package static let found: [UInt64] = [
        // A process that began in a surge of traffic was left out, though all its later counts confirmed the first
        // ones.
        202_611_280_236_348,
        // Two scrapers of one address once saw different processes, and were taken for two counters from then on.
        202_611_280_308_285,
        // The second of two processes was taken for a restart, because the scrape that saw the first one again came
        // late.
        202_611_280_425_011,
        // A mistake in the law itself: the look in which a distortion ended was held against the version that had no
        // distortion.
        202_611_290_014_720,
        // A bound that was still on its way was taken for one that the histogram does not have.
        202_611_290_142_736,
        // Two scrapers of a target that restarted between their scrapes were taken for two counters.
        202_611_290_237_846,
        // What had been counted before a second scraper came to the target was forgotten.
        202_611_290_181_547,
    ]

    /// Plays the histories of ``found``.
    package static func playFound() -> Outcome {
        var outcome = Outcome()
        for seed in found { play(seed, into: &outcome) }
        return outcome
    }

    /// - Parameter workers: How many run at a time.
    package static func run(_ count: Int, firstSeed: UInt64, workers: Int = 2) async -> Outcome {
        await withTaskGroup(of: Outcome.self) { group in
            for worker in 0..<workers {
                group.addTask { work(count / workers, from: firstSeed &+ UInt64(worker), by: UInt64(workers)) }
            }
            var outcome = Outcome()
            for await part in group { outcome.add(part) }
            return outcome
        }
    }

    /// The first seed at which a planted mistake is found; nil where none of so many histories shows it.
    package static func find(_ mistake: PlantedMistake, within seeds: Range<UInt64>) -> (seed: UInt64, message: String)?
    {
        for seed in seeds {
            do throws(HistoryLaw.Broken) {
                _ = try HistoryLaw.check(seed: seed, mistake: mistake)
            } catch {
                return (seed, error.message)
            }
        }
        return nil
    }

    private static func work(_ count: Int, from first: UInt64, by stride: UInt64) -> Outcome {
        var outcome = Outcome()
        var seed = first
        for _ in 0..<count where outcome.broken.count < 5 {
            play(seed, into: &outcome)
            seed &+= stride
        }
        return outcome
    }

    private static func play(_ seed: UInt64, into outcome: inout Outcome) {
        do throws(HistoryLaw.Broken) {
            let (result, tellings) = try HistoryLaw.check(seed: seed)
            outcome.add(result, tellings)
        } catch {
            outcome.broken.append(error.message)
        }
    }
}

extension HistorySoak.Outcome {
    fileprivate mutating func add(_ result: HistoryLaw.Result, _ tellings: [Telling]) {
        histories += 1
        if result.isHarmful { harmful += 1 }
        for telling in tellings { count[telling, default: 0] += 1 }
        if tellings.isEmpty {
            plain.histories += 1
            plain.truth += result.truth
            plain.counted += result.counted
        } else if tellings.count == 1 {
            alone[tellings[0], default: (0, 0)].truth += result.truth
            alone[tellings[0], default: (0, 0)].counted += result.counted
        }
    }

    fileprivate mutating func add(_ other: HistorySoak.Outcome) {
        histories += other.histories
        harmful += other.harmful
        plain.histories += other.plain.histories
        plain.truth += other.plain.truth
        plain.counted += other.plain.counted
        count.merge(other.count, uniquingKeysWith: +)
        alone.merge(other.alone) { ($0.truth + $1.truth, $0.counted + $1.counted) }
        broken += other.broken
    }
}

/// Plays many rollouts, several at a time, until so many steps are done.
package enum Soak {
    /// What so many worlds came to.
    package struct Outcome: Sendable {
        package var census = Census()
        package var broken: [(seed: UInt64, law: LawBroken)] = []

        package var isGood: Bool { broken.isEmpty && census.rarer(than: 100).isEmpty }

        package var text: String {
            var lines = ["\(census.steps) steps in \(census.rollouts) rollouts"]
            for situation in Census.Situation.allCases {
                lines.append("  \(situation.rawValue): \(census.count(situation))")
            }
            for (seed, law) in broken.prefix(10) { lines.append("seed \(seed) breaks law \(law.law): \(law.message)") }
            let rare = census.rarer(than: 100)
            if !rare.isEmpty { lines.append("came up less than 100 times: \(rare.joined(separator: ", "))") }
            lines.append(isGood ? "laws 1 to 10 held" : "FAILED")
            return lines.joined(separator: "\n")
        }
    }

    /// - Parameter steps: At least so many are done, unless a law breaks.
    package static func run(steps: Int, firstSeed: UInt64, workers: Int = 2) async -> Outcome {
        await withTaskGroup(of: Outcome.self) { group in
            for worker in 0..<workers {
                group.addTask {
                    work(steps: steps / workers + 1, from: firstSeed + UInt64(worker), by: UInt64(workers))
                }
            }
            var outcome = Outcome()
            for await part in group {
                outcome.census.add(part.census)
                outcome.broken += part.broken
            }
            return outcome
        }
    }

    /// Plays every seed that once broke a law.
    package static func playFound() -> Outcome {
        var outcome = Outcome()
        for seed in found { play(seed, into: &outcome) }
        return outcome
    }

    /// The first seed at which a planted bug breaks its own law; nil where none of the seeds shows it.
    package static func find(_ bug: PlantedBug, within seeds: Range<UInt64>) -> (seed: UInt64, law: LawBroken)? {
        for seed in seeds {
            let world = SimulatedWorld(seed: seed, bug: bug)
            do throws(LawBroken) {
                try world.run()
            } catch {
                if error.law == bug.law { return (seed, error) }
            }
        }
        return nil
    }

    /// One seed's story: its last events, and what broke.
    package static func trace(seed: UInt64) -> String {
        let world = SimulatedWorld(seed: seed)
        var end = "nothing broke"
        do throws(LawBroken) {
            try world.run()
        } catch {
            end = "law \(error.law): \(error.message)"
        }
        return (world.story + [end]).joined(separator: "\n")
    }

    private static func work(steps: Int, from first: UInt64, by stride: UInt64) -> Outcome {
        var outcome = Outcome()
        var seed = first
        while outcome.census.steps < steps, outcome.broken.count < 3 {
            play(seed, into: &outcome)
            seed += stride
        }
        return outcome
    }

    private static func play(_ seed: UInt64, into outcome: inout Outcome) {
        let world = SimulatedWorld(seed: seed)
        do throws(LawBroken) {
            try world.run()
        } catch {
            outcome.broken.append((seed, error))
        }
        outcome.census.add(world.census)
    }
}

import BelayTestSupport
import Dispatch
import Glibc

// The simulation in a release build: `belay-soak [STEPS] [FIRST-SEED]`, `belay-soak --trace SEED`,
// `belay-soak --bugs [SEEDS]`. Prints the census, or the seed that broke a law.
// `belay-soak --conditions [COUNT] [SEED]` generates conditions instead, `belay-soak --answers [COUNT] [SEED]` answers
// of an API server. `belay-soak --histories [COUNT] [SEED]` tells
// histories of requests to the reader of counters, `belay-soak --history SEED` shows one of them, and
// `belay-soak --mistakes` looks for the planted mistakes.

let arguments = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
if CommandLine.arguments.dropFirst().first == "--trace", let seed = arguments.first {
    print(Soak.trace(seed: seed))
    exit(0)
}
if CommandLine.arguments.dropFirst().first == "--bugs" {
    for bug in PlantedBug.allCases {
        let found = Soak.find(bug, within: 0..<(arguments.first ?? 2000))
        print(
            "\(bug.rawValue): \(found.map { "seed \($0.seed), law \($0.law.law): \($0.law.message)" } ?? "NOT FOUND")")
    }
    exit(0)
}
if CommandLine.arguments.dropFirst().first == "--conditions" {
    var fuzz = ConditionFuzz(seed: arguments.dropFirst().first ?? 0)
    fuzz.run(Int(arguments.first ?? 1_000_000))
    print(fuzz.text)
    exit(fuzz.isWhole ? 0 : 1)
}
if CommandLine.arguments.dropFirst().first == "--answers" {
    var fuzz = AnswerFuzz(seed: arguments.dropFirst().first ?? 0)
    fuzz.run(Int(arguments.first ?? 1_000_000))
    print(fuzz.text)
    exit(fuzz.isWhole ? 0 : 1)
}
if CommandLine.arguments.dropFirst().first == "--histories" {
    let seed = arguments.dropFirst().first ?? 0
    let again = HistorySoak.playFound().broken
    for message in again { print("found again: \(message)") }
    let outcome = await HistorySoak.run(Int(arguments.first ?? 100_000), firstSeed: seed)
    print("from seed \(seed)\n\(outcome.text)")
    exit(outcome.isGood && again.isEmpty ? 0 : 1)
}
if CommandLine.arguments.dropFirst().first == "--history", let seed = arguments.first {
    print(HistoryLaw.trace(seed: seed))
    exit(0)
}
if CommandLine.arguments.dropFirst().first == "--mistakes" {
    for mistake in PlantedMistake.allCases {
        let found = HistorySoak.find(mistake, within: 0..<5000)
        print("\(mistake.rawValue): \(found.map { "seed \($0.seed), \($0.message)" } ?? "NOT FOUND")")
    }
    exit(0)
}
let steps = Int(arguments.first ?? 10_000_000)
let firstSeed = arguments.dropFirst().first ?? 0
let again = Soak.playFound()
for (seed, law) in again.broken { print("found seed \(seed) breaks law \(law.law) again: \(law.message)") }
print("from seed \(firstSeed)")
let outcome = await Soak.run(steps: steps, firstSeed: firstSeed)
print(outcome.text)
exit(outcome.isGood && again.broken.isEmpty ? 0 : 1)

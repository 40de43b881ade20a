import BelayTestSupport
import Dispatch
import Glibc

// The simulation in a release build: `belay-soak [STEPS] [FIRST-SEED]`, `belay-soak --trace SEED`. Prints the census, or the seed that broke a law.

let arguments = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
if CommandLine.arguments.dropFirst().first == "--trace", let seed = arguments.first {
    print(Soak.trace(seed: seed))
    exit(0)
}
let steps = Int(arguments.first ?? 10_000_000)
let firstSeed = arguments.dropFirst().first ?? 0
let outcome = await Soak.run(steps: steps, firstSeed: firstSeed)
print(outcome.text)
exit(outcome.isGood ? 0 : 1)

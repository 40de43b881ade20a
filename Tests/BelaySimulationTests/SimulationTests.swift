import BelayTestSupport
import Testing

@Suite("The simulation")
struct SimulationTests {
    /// The full ten million steps run in a release build: `make simulation`.
    @Test("the laws hold whatever happens", arguments: 0..<8)
    func lawsHold(block: UInt64) {
        for seed in block * 50..<(block + 1) * 50 {
            let world = SimulatedWorld(seed: seed)
            do throws(LawBroken) {
                try world.run()
            } catch {
                Issue.record("seed \(seed) breaks law \(error.law): \(error.message)")
            }
        }
    }

    @Test func `the laws hold on every seed that once broke one`() {
        for (seed, law) in Soak.playFound().broken {
            Issue.record("seed \(seed) breaks law \(law.law): \(law.message)")
        }
    }

    @Test("a planted bug is found within 2,000 seeds", arguments: PlantedBug.allCases)
    func bugIsFound(bug: PlantedBug) {
        let found = Soak.find(bug, within: 0..<2000)
        #expect(found != nil, "\(bug.rawValue) was not found")
    }

    @Test func `one seed gives one story`() throws {
        let worlds = (SimulatedWorld(seed: 7), SimulatedWorld(seed: 7))
        try worlds.0.run()
        try worlds.1.run()
        #expect(worlds.0.story == worlds.1.story)
        #expect(worlds.0.census.steps == worlds.1.census.steps)
    }
}

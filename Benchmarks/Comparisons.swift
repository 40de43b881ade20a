import BelayCore
import BelayDemo
import Foundation

/// The two runs that the comparison is accepted by, on the real HAProxy and Prometheus at 200 requests a second: a version
/// with 2 % errors against 0.1 %, and an equal one.
struct Comparisons {
    let belay: String

    func figures() async throws -> [Figure] {
        [
            try await figure("2 % errors against 0.1 % at 200/s, run to rollback", errors: 2, weight: 25, code: 1),
            try await figure("an equal version, delta 0.5 %, run to promotion", errors: 0.1, weight: 50, code: 0),
        ]
    }

    private func figure(_ name: String, errors: Double, weight: Int, code: Int32) async throws -> Figure {
        let rig = try Rig(belay: belay, life: 300)
        do {
            try await rig.startHAProxy()
            try await rig.startBlue(errors: 0.1)
            try await rig.startGreen(errors: errors)
            try await rig.startPrometheus()
            try await Rig.until("Prometheus has scraped", within: 20) { try await rig.hasScraped() }
            let load = Load(port: rig.frontends[0], perSecond: 200, life: 160)
            defer { load.stop() }
            let seconds = try await run(rig, weight, code)
            await rig.stop()
            return Figure(name: name, values: [seconds], unit: "s", limit: nil)
        } catch {
            await rig.stop()
            throw error
        }
    }

    private func run(_ rig: Rig, _ weight: Int, _ code: Int32) async throws -> Double {
        let strategy = """
                canary:
                  settle: 0s
                  steps:
                    - {setWeight: \(weight), hold: {min: 5s, max: 100s}}
                    - {setWeight: 100, hold: 3s}
            """
        let gates = """
                prometheus: {address: "\(rig.prometheusAddress)"}
                templates:
                  - {ref: haproxy-compare-errors, args: {interval: 1s, warm-up: 4s, lookback: 10s, delta: "0.5%"}}
            """
        let path = rig.folder + "/compare.yaml"
        try rig.rolloutFile(name: "compare", strategy: strategy, analysis: gates).write(
            toFile: path, atomically: true, encoding: .utf8)
        let clock = ContinuousClock()
        let began = clock.now
        let process = try await LocalProcess.start(
            belay, ["run", path], environment: ["BELAY_DB": rig.folder + "/compare.db"],
            log: rig.folder + "/compare.log")
        guard await process.wait() == code else { throw LocalProcess.Failure(description: process.output) }
        return Double((clock.now - began).wholeMilliseconds) / 1000
    }
}

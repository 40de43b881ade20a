import BelayDemo
import Foundation
import Testing

extension GateSuites {
    /// Canary against stable, on the real HAProxy and the real Prometheus.
    @Suite("Comparisons on real servers")
    struct CompareTests {
        static func gate(_ stage: Stage) -> String {
            """
                prometheus: {address: "\(stage.rig.prometheusAddress)"}
                templates:
                  - {ref: haproxy-compare-errors, args: {interval: 1s, warm-up: 4s, lookback: 10s, delta: "0.5%"}}
            """
        }

        static func steps(_ first: Int) -> String {
            """
                canary:
                  settle: 0s
                  steps:
                    - {setWeight: \(first), hold: {min: 5s, max: 100s}}
                    - {setWeight: 100, hold: 3s}
            """
        }

        @Test func `two percent of errors against a tenth of a percent are taken back at 200 requests a second`()
            async throws
        {
            try await Stage.with { stage in
                try await stage.rig.startBlue(errors: 0.1)
                try await stage.rig.startGreen(errors: 2)
                try await stage.watch()
                let load = Load(port: stage.rig.frontends[0], perSecond: 200, life: 120)
                defer { load.stop() }
                let file = try stage.file(Self.steps(25), analysis: Self.gate(stage))
                let ended = try await stage.belay("run", file)
                #expect(ended.code == 1, "\(ended.text)")
                #expect(ended.text.contains("TAKING THE TRAFFIC BACK: haproxy-compare-errors: worse than stable"))
                #expect(stage.rig.value() == "0")
                let evidence = try await stage.belay("show", "app", "--evidence")
                #expect(evidence.code == 0, "\(evidence.text)")
                #expect(evidence.text.contains("decided again from the counts: harm shown, the same verdicts"))
            }
        }

        @Test func `an equal version goes on before its step's max, with delta`() async throws {
            try await Stage.with { stage in
                try await stage.rig.startBlue(errors: 0.1)
                try await stage.rig.startGreen(errors: 0.1)
                try await stage.watch()
                let load = Load(port: stage.rig.frontends[0], perSecond: 200, life: 160)
                defer { load.stop() }
                let file = try stage.file(Self.steps(50), analysis: Self.gate(stage))
                try await Rig.until("`plan` knows the traffic", within: 30) {
                    let plan = try await stage.belay("plan", file)
                    return plan.text.contains("evidence to go on takes about")
                        && plan.text.contains("at 100 % stable has no traffic")
                }
                let ended = try await stage.belay("run", file)
                #expect(ended.code == 0, "\(ended.text)")
                #expect(stage.rig.value() == "10000")
                let evidence = try await stage.belay("show", "app", "--evidence")
                #expect(evidence.code == 0, "\(evidence.text)")
                #expect(evidence.text.contains("(absolute)"))
                let record = try await stage.belay("events", "app", "--output", "json")
                let passed = try #require(record.text.split(separator: "\n").first { $0.contains("\"step.passed\"") })
                let last = try #require(
                    record.text.prefix(upTo: passed.startIndex).split(separator: "\n").last {
                        $0.contains("\"metric.measured\"") && $0.contains("\"watched\"")
                    })
                let watched = try #require(Self.number("watched", in: last))
                #expect(watched < 100_000, "the step ended at its max: \(last)")
            }
        }

        static func number(_ key: String, in line: Substring) -> Double? {
            line.firstRange(of: "\"\(key)\":").flatMap {
                Double(line[$0.upperBound...].prefix { $0.isNumber || $0 == "." })
            }
        }
    }
}

import BelayDemo
import Foundation
import Testing

extension GateSuites {
    /// What is found before a release, on the real HAProxy and the real Prometheus.
    @Suite("Gates that cannot see, on real servers")
    struct WildTests {
        private static let steps = Stage.canary([50, 100], hold: "1s")

        private static func template(_ stage: Stage, _ text: String) -> String {
            """
                prometheus: {address: "\(stage.rig.prometheusAddress)"}
                templates:
                  - \(text)
            """
        }

        @Test
        func `a label that the application does not have is exit 2 with the names that exist, nothing is touched`()
            async throws
        {
            try await Stage.with { stage in
                try await stage.serve()
                try await stage.watch()
                let load = Load(port: stage.rig.frontends[0], perSecond: 50, life: 60)
                defer { load.stop() }
                try await Rig.until("the application was scraped") {
                    try await stage.belay("analyze", try Self.rate(stage, "code", "scraped")).text.contains("no data")
                        == false
                }
                let refused = try await stage.belay("run", try Self.rate(stage, "status", "status"))
                #expect(refused.code == 2, "\(refused.text)")
                #expect(
                    refused.text.contains("no series of http_requests_total has the label status"), "\(refused.text)")
                #expect(refused.text.contains("there are code, instance, job, version"))
                #expect(refused.text.contains("nothing was touched"))
                #expect(stage.rig.value() == "0")
                // The right one is measured, and a class without a series yet is a healthy service.
                let plan = try await stage.belay("plan", try Self.rate(stage, "code", "code"))
                #expect(plan.code == 0, "\(plan.text)")
            }
        }

        private static func rate(_ stage: Stage, _ label: String, _ name: String) throws -> String {
            let arguments = "selector: 'version=\"blue\"', error-label: \(label), window: 4s, min-requests: 1"
            return try stage.file(
                steps, name: name, analysis: template(stage, "{ref: app-error-rate, args: {\(arguments)}}"))
        }

        @Test("an empty revision is exit 2", arguments: ["", " "])
        func emptyRevision(revision: String) async throws {
            try await Stage.with { stage in
                let file = try stage.file(Self.steps, analysis: Stage.noGate)
                let refused = try await stage.belay("run", file, "--revision", revision)
                #expect(refused.code == 2, "\(refused.text)")
                #expect(refused.text.contains("the revision is empty (--revision)"))
            }
        }

        @Test func `a store that says its answer is partial is exit 8, unless the file lets it pass`() async throws {
            try await Stage.with { stage in
                try await stage.serve()
                let store = try CannedPort { _ in
                    let body =
                        #"{"status":"success","data":{"resultType":"scalar","result":[1,"0"]},"#
                        + #""warnings":["no StoreAPIs matched for this query"]}"#
                    return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                }
                func gates(_ more: String) -> String {
                    """
                        prometheus: {address: "http://127.0.0.1:\(store.number)"\(more)}
                        templates:
                          - metrics: [{name: m, interval: 300ms, max: 1, provider: {prometheus: {query: scalar(x)}}}]
                    """
                }
                let refused = try await stage.belay("run", try stage.file(Self.steps, analysis: gates("")))
                #expect(refused.code == 8, "\(refused.text)")
                #expect(refused.text.contains("its answer is incomplete: no StoreAPIs matched"))
                let passed = try await stage.belay(
                    "run",
                    try stage.file(Self.steps, name: "ignored", analysis: gates(", ignoreWarnings: [no StoreAPIs]")))
                #expect(passed.code == 0, "\(passed.text)")
                #expect(passed.text.components(separatedBy: "note: no StoreAPIs matched").count == 2, "\(passed.text)")
            }
        }

        @Test
        func `two jobs that scrape one HAProxy count its requests once, and plan says which label tells them apart`()
            async throws
        {
            try await Stage.with { stage in
                try await stage.rig.startBlue(errors: 0.1)
                try await stage.rig.startGreen(errors: 0.1)
                let config = "\(stage.rig.folder)/prometheus.yml"
                let once = try String(contentsOfFile: config, encoding: .utf8)
                let job = try #require(once.split(separator: "\n").first { $0.contains("job_name: haproxy") })
                try (once + job.replacing("job_name: haproxy", with: "job_name: again") + "\n").write(
                    toFile: config, atomically: true, encoding: .utf8)
                try await stage.watch()
                let load = Load(port: stage.rig.frontends[0], perSecond: 200, life: 100)
                defer { load.stop() }
                let file = try stage.file(CompareTests.steps(50), analysis: CompareTests.gate(stage))
                try await Rig.until("`plan` sees the copies", within: 30) {
                    try await stage.belay("plan", file).text.contains(
                        "the same requests stand under several values of `job`; they count once")
                }
                let ended = try await stage.belay("run", file)
                #expect(ended.code == 0, "\(ended.text)")
                // 200 requests a second of both versions, and not twice as many.
                let evidence = try await stage.belay("show", "app", "--evidence")
                #expect(evidence.code == 0, "\(evidence.text)")
                let record = try await stage.belay("events", "app", "--output", "json")
                var (requests, seconds) = (0.0, 0.0)
                for line in record.text.split(separator: "\n") where line.contains("\"evidence\"") {
                    func number(_ key: String) -> Double { CompareTests.number(key, in: line) ?? 0 }
                    requests += number("canary") + number("stable")
                    seconds += (number("to") - number("from")) / 1000
                }
                #expect(requests / seconds < 260 && requests / seconds > 140, "\(requests) in \(seconds) s")
            }
        }

        @Test func `the measurement that took the traffic back is shown as failed, with its cause`() async throws {
            try await Stage.with { stage in
                try await stage.rig.startBlue(errors: 0.1)
                try await stage.rig.startGreen(errors: 20)
                try await stage.watch()
                let load = Load(port: stage.rig.frontends[0], perSecond: 200, life: 60)
                defer { load.stop() }
                let steps =
                    "    canary:\n      settle: 0s\n      steps:\n        - {setWeight: 50, hold: {min: 5s, max: 100s}}"
                let run = try await stage.belay(
                    "run", try stage.file(steps, analysis: CompareTests.gate(stage)))
                #expect(run.code == 1, "\(run.text)")
                #expect(run.text.contains("✖ haproxy-compare-errors"))
                let status = try await stage.belay("status", "app", "--output", "json")
                #expect(
                    status.text.contains(#""last":"failed""#) && status.text.contains(#""failed":1"#), "\(status.text)")
                #expect(status.text.contains("(taken back at "), "\(status.text)")
            }
        }
    }
}

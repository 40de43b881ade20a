import BelayDemo
import Foundation
import Testing

extension GateSuites {
    /// Gates that ask a command, a web service and a judge, on the real HAProxy.
    @Suite("Other gates on real servers")
    struct GateTests {
        @Test func `a command that fails takes the traffic back, a dry run does not`() async throws {
            try await Stage.with { stage in
                try await stage.serve()
                let flag = stage.rig.folder + "/bad"
                let gates = """
                        templates:
                          - metrics:
                              - name: smoke
                                interval: 300ms
                                provider: {command: {run: [/usr/bin/test, "!", -e, "\(flag)"]}}
                              - name: trial
                                interval: 300ms
                                max: 1
                                provider: {constant: {value: 2}}
                            dryRun: [{metricName: trial}]
                    """
                let file = try stage.file(Stage.canary([50, 100], hold: "60s"), analysis: gates)
                let plan = try await stage.belay("plan", file)
                #expect(plan.text.contains("trial: dry run, no gate"), "\(plan.text)")
                let run = try await stage.start(["run", file])
                try await stage.expect(run, says: "router confirms: 50 %")
                try Data().write(to: URL(fileURLWithPath: flag))
                #expect(await run.wait() == 1, "\(run.output)")
                #expect(run.output.contains("TAKING THE TRAFFIC BACK: smoke: 1 failed"))
                #expect(stage.rig.value() == "0")
            }
        }

        @Test func `a slow provider does not delay another metric's verdict, and ends with the rollout`() async throws {
            try await Stage.with { stage in
                try await stage.serve()
                let (began, ended) = (stage.rig.folder + "/began", stage.rig.folder + "/ended")
                let gates = """
                        templates:
                          - metrics:
                              - name: slow
                                provider:
                                  command: {run: [/bin/sh, -c, "echo $$ > \(began); sleep 30; touch \(ended)"], timeout: 60s}
                              - {name: bad, max: 1, initialDelay: 500ms, provider: {constant: {value: 2}}}
                    """
                let run = try await stage.belay(
                    "run", try stage.file(Stage.canary([50, 100], hold: "60s"), analysis: gates))
                #expect(run.code == 1, "\(run.text)")
                #expect(run.text.contains("TAKING THE TRAFFIC BACK: bad"))
                #expect(!FileManager.default.fileExists(atPath: ended))
                let pid = try #require(Int32(try String(contentsOfFile: began, encoding: .utf8).filter(\.isNumber)))
                try await Rig.until("the slow command is gone") { kill(pid, 0) != 0 }
            }
        }

        @Test func `a service's own JSON is a gate, and its silence is no success`() async throws {
            try await Stage.with { stage in
                try await stage.serve()
                let port = try CannedPort { _ in
                    let body = #"{"checks": [{"name": "db", "ok": true}, {"name": "cache", "ok": true}]}"#
                    return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                }
                func gates(_ number: Int) -> String {
                    """
                        templates:
                          - metrics:
                              - name: health
                                interval: 300ms
                                blindFor: 2s
                                successCondition: "len(result) > 0 && all(result, .ok)"
                                provider: {web: {url: "http://127.0.0.1:\(number)/health", jsonPath: "{$.checks}"}}
                    """
                }
                let good = try stage.file(Stage.canary([50, 100], hold: "1s"), analysis: gates(port.number))
                let promoted = try await stage.belay("run", good)
                #expect(promoted.code == 0, "\(promoted.text)")
                let nobody = try stage.file(
                    Stage.canary([50, 100], hold: "60s"), name: "nobody", analysis: gates(try Rig.freePort()))
                let refused = try await stage.belay("run", nobody)
                #expect(refused.code == 8, "\(refused.text)")
            }
        }

        @Test func `the judge takes back a version with errors`() async throws {
            try await Stage.with { stage in
                try await stage.serve(errors: 10)
                try await stage.watch()
                let load = Load(port: stage.rig.frontends[0], perSecond: 200, life: 90)
                defer { load.stop() }
                func query(_ side: String) -> String {
                    let series = "haproxy_backend_http_responses_total{proxy=\"{{\(side).backend}}\""
                    return
                        "100 * (sum(rate(\(series),code=\"5xx\"}[3s])) or vector(0)) / (sum(rate(\(series)}[3s])) > 0)"
                }
                let gates = """
                        prometheus: {address: "\(stage.rig.prometheusAddress)"}
                        templates:
                          - metrics:
                              - name: score
                                judge: mannWhitney
                                interval: 1s
                                step: 1s
                                series:
                                  - name: error percent
                                    direction: increase
                                    critical: true
                                    canary: '\(query("canary"))'
                                    stable: '\(query("stable"))'
                                provider: {prometheus: {}}
                              - {name: gate, max: 1, provider: {constant: {value: 0}}}
                    """
                let file = try stage.file(Stage.canary([50, 100], hold: "60s"), analysis: gates)
                let ended = try await stage.belay("run", file)
                #expect(ended.code == 1, "\(ended.text)")
                #expect(ended.text.contains("TAKING THE TRAFFIC BACK: score"), "\(ended.text)")
            }
        }

        @Test func `analyze says what the gates would say now`() async throws {
            try await Stage.with { stage in
                let gates = """
                        templates:
                          - metrics:
                              - {name: small, max: 1, provider: {constant: {value: 0.5}}}
                              - {name: large, max: 1, failureLimit: 2, provider: {constant: {value: 7}}}
                    """
                try await stage.serve()
                let file = try stage.file(Stage.canary([50], hold: "1s"), analysis: gates)
                let within = try await stage.belay("analyze", file)
                #expect(within.code == 0, "\(within.text)")
                #expect(within.text.contains("large: failed, within its limit  7"))
                let strict = try await stage.belay(
                    "analyze", file, "--set", "spec.analysis.templates[0].metrics[1].failureLimit=0")
                #expect(strict.code == 1, "\(strict.text)")
                #expect(strict.text.contains("green, the canary: a gate fails"))
            }
        }
    }
}

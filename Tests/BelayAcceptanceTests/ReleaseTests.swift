import BelayDemo
import Foundation
import Testing

/// Releases on the real HAProxy and the real Prometheus, under load.
@Suite("Releases on real servers", .serialized)
struct ReleaseTests {
    @Test func `two releases under load lose no request and swap the roles`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            try await stage.watch()
            let load = Load(port: stage.rig.frontends[0], perSecond: 200, life: 120)
            let file = try stage.file(Stage.canary([10, 50, 100], hold: "2s"))
            let first = try await stage.belay("run", file)
            #expect(first.code == 0, "\(first.text)")
            #expect(stage.rig.value() == "10000")
            #expect(stage.rig.fileValue == "10000")
            let second = try await stage.belay("run", file, "--revision", "2.0")
            #expect(second.code == 0, "\(second.text)")
            #expect(second.text.contains("green → blue"))
            #expect(stage.rig.value() == "0")
            load.stop()
            #expect(load.samples.count > 500)
            #expect(load.failed.isEmpty, "\(load.failed.count) of \(load.samples.count): \(load.lastError)")
            #expect(Set(load.samples.map(\.version)) == ["blue", "green"])
            #expect(try await stage.belay("verify").code == 0)
            #expect(!FileManager.default.fileExists(atPath: stage.rig.mapFile + ".app.owner"))
        }
    }

    @Test func `a version with errors is taken back by itself`() async throws {
        try await Stage.with { stage in
            try await stage.serve(errors: 20)
            try await stage.watch()
            let load = Load(port: stage.rig.frontends[0], perSecond: 200, life: 60)
            let ended = try await stage.belay("run", try stage.file(Stage.canary([20, 100], hold: "20s")))
            #expect(ended.code == 1, "\(ended.text)")
            #expect(ended.text.contains("TAKING THE TRAFFIC BACK: haproxy-error-rate"))
            #expect(stage.rig.value() == "0")
            #expect(stage.rig.fileValue == "0")
            load.stop()
            #expect(load.failed.isEmpty)
            let record = try await stage.belay("show", "app")
            #expect(record.text.contains("haproxy-error-rate = "))
        }
    }

    @Test func `undo releases the revision that was promoted before, in one step, and only to a side that serves`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.serve()
            let file = try stage.file(Stage.canary([50, 100], hold: "1s"), analysis: Stage.noGate)
            for revision in ["1.0", "2.0"] {
                let run = try await stage.belay("run", file, "--revision", revision)
                #expect(run.code == 0, "\(run.text)")
            }
            #expect(stage.rig.value() == "0")
            let undo = try await stage.belay("undo", "app")
            #expect(undo.code == 0 && undo.text.contains("1.0 is released again"), "\(undo.text)")
            #expect(!undo.text.contains("50 %"), "\(undo.text)")
            #expect(stage.rig.value() == "10000")
            #expect(try await stage.belay("undo", "app").code == 0)
            #expect(stage.rig.value() == "0")
            stage.rig.tell("set server app_green/green state maint")
            let dead = try await stage.belay("undo", "app")
            #expect(dead.code == 2 && dead.text.contains("deploy 1.0 to green first"), "\(dead.text)")
            #expect(stage.rig.value() == "0")
            // Another version has had the side since: it must not get all of the traffic in the name of the former one.
            stage.rig.tell("set server app_green/green state ready")
            let other = try await stage.start(["run", file, "--revision", "3.0"])
            try await stage.expect(other, says: "router confirms: 50 %")
            #expect(try await stage.belay("abort").code == 0)
            _ = await other.wait()
            let wrong = try await stage.belay("undo", "app")
            #expect(wrong.code == 2 && wrong.text.contains("(3.0) has had green since"), "\(wrong.text)")
            #expect(stage.rig.value() == "0")
        }
    }

    @Test func `a dead canary behind redispatch answers 200 and is found by the retry rate`() async throws {
        try await Stage.with(redispatch: true) { stage in
            try await stage.serve()
            try await stage.watch()
            await stage.rig.stopGreen()
            let load = Load(port: stage.rig.frontends[0], perSecond: 100, life: 60)
            let gates = """
                    prometheus: {address: "\(stage.rig.prometheusAddress)"}
                    templates:
                      - {ref: haproxy-error-rate, args: {backend: "{{canary.backend}}", window: 4s, interval: 1s, min-requests: "1"}}
                      - {ref: haproxy-retry-rate, args: {backend: "{{canary.backend}}", window: 4s, interval: 1s}}
                """
            let ended = try await stage.belay(
                "run", try stage.file(Stage.canary([30, 100], hold: "15s"), analysis: gates))
            #expect(ended.code == 1, "\(ended.text)")
            #expect(ended.text.contains("TAKING THE TRAFFIC BACK: haproxy-retry-rate"))
            load.stop()
            #expect(load.samples.allSatisfy { $0.status == 200 })
        }
    }

    @Test func `Prometheus going down is no success: blind after blindFor, exit 9`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            try await stage.watch()
            let load = Load(port: stage.rig.frontends[0], perSecond: 50, life: 60)
            let gates = """
                    prometheus: {address: "\(stage.rig.prometheusAddress)"}
                    templates:
                      - metrics:
                          - name: up
                            interval: 500ms
                            blindFor: 3s
                            successCondition: len(result) >= 1
                            provider: {prometheus: {query: up}}
                """
            let run = try await stage.start([
                "run", try stage.file(Stage.canary([10, 100], hold: "60s"), analysis: gates),
            ])
            try await stage.expect(run, says: "router confirms: 10 %")
            try await stage.expect(run, says: "✔ up")
            await stage.rig.stopPrometheus()
            #expect(await run.wait() == 9, "\(run.output)")
            #expect(stage.rig.value() == "0")
            load.stop()
        }
    }

    @Test func `no traffic is no data and ends in the way back, exit 9`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            try await stage.watch()
            let gates = """
                    prometheus: {address: "\(stage.rig.prometheusAddress)"}
                    templates:
                      - metrics:
                          - name: errors
                            interval: 500ms
                            blindFor: 3s
                            successCondition: result[0] < 0.01
                            provider:
                              prometheus:
                                query: >-
                                  sum(rate(haproxy_backend_http_responses_total{proxy="app_green",code="5xx"}[4s]))
                                  / (sum(rate(haproxy_backend_http_responses_total{proxy="app_green"}[4s])) > 0)
                """
            let ended = try await stage.belay(
                "run", try stage.file(Stage.canary([10, 100], hold: "10s"), analysis: gates))
            #expect(ended.code == 9, "\(ended.text)")
            #expect(stage.rig.value() == "0")
        }
    }

    @Test
    func `a Prometheus that does not answer at the start is exit 8, a query it refuses is exit 2, nothing is touched`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.serve()
            let file = try stage.file(Stage.canary([10, 100], hold: "1s"))
            let down = try await stage.belay("run", file)
            #expect(down.code == 8, "\(down.text)")
            try await stage.watch()
            let gates = """
                    prometheus: {address: "\(stage.rig.prometheusAddress)"}
                    templates: [{metrics: [{name: m, successCondition: "result[0] < 1", provider: {prometheus: {query: "sum(("}}}]}]
                """
            let refused = try await stage.belay("run", try stage.file(Stage.canary([10], hold: "1s"), analysis: gates))
            #expect(refused.code == 2, "\(refused.text)")
            #expect(refused.text.contains("parse error"))
            #expect(stage.rig.value() == "0")
        }
    }
}

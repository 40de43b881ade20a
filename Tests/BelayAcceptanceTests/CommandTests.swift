import BelayDemo
import Foundation
import Testing

/// What people and jobs type, under the circumstances they type it in.
@Suite("The commands in the world", .serialized)
struct CommandTests {
    private static func patient(_ stage: Stage) throws -> String {
        try stage.file(Stage.canary([10, 50, 100], hold: "60s"), analysis: Stage.noGate)
    }

    @Test func `an empty key is a mistake, and a key is one release's own`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let file = try stage.file(Stage.canary([50, 100], hold: "300ms"), analysis: Stage.noGate)
            #expect(try await stage.belay("run", file, "--key", "").code == 64)
            #expect(try await stage.belay("run", file, "--key", "build-7").code == 0)
            let again = try await stage.belay("run", file, "--key", "build-7")
            #expect(
                again.code == 0 && again.text.contains("attaching to the run of this key: app 1.0"), "\(again.text)")
            #expect(again.text.contains("is over: PROMOTED"), "\(again.text)")
            let other = try await stage.belay("run", file, "--key", "build-7", "--revision", "2.0")
            #expect(other.code == 2 && other.text.contains("1.0 then and 2.0 now"), "\(other.text)")
            let changed = try stage.file(Stage.canary([20, 100], hold: "300ms"), name: "other", analysis: Stage.noGate)
            let files = try await stage.belay("run", changed, "--key", "build-7")
            #expect(files.code == 2 && files.text.contains("the files"), "\(files.text)")
            #expect(stage.rig.value() == "10000")
        }
    }

    @Test func `a cancelled job that was only attached takes the traffic back as well`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let file = try Self.patient(stage)
            let run = try await stage.start(["run", file, "--key", "k"])
            try await stage.expect(run, says: "router confirms: 10 %")
            let attached = try await stage.start(["run", file, "--key", "k"])
            try await stage.expect(attached, says: "waiting for its end")
            attached.signal(SIGTERM)
            #expect(await attached.wait() == 3, "\(attached.output)")
            #expect(await run.wait() == 3, "\(run.output)")
            #expect(run.output.contains("the attached job was cancelled (SIGTERM)"))
            #expect(stage.rig.value() == "0")
        }
    }

    @Test func `a signal before the first line of resume ends in the way back`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let run = try await stage.start(["run", try Self.patient(stage)])
            try await stage.expect(run, says: "router confirms: 10 %")
            run.signal(SIGKILL)
            _ = await run.wait()
            let resumed = try await stage.start(["resume"])
            // As soon as the process catches the signal, long before it has read its arguments.
            try await Rig.until("SIGTERM is caught", within: 10, log: resumed.log) {
                let status = (try? String(contentsOfFile: "/proc/\(resumed.pid)/status", encoding: .utf8)) ?? ""
                let mask = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }?.split(separator: "\t").last
                return mask.flatMap { UInt64($0, radix: 16) }.map { $0 & (1 << 14) != 0 } ?? false
            }
            resumed.signal(SIGTERM)
            #expect(await resumed.wait() == 3, "\(resumed.output)")
            #expect(stage.rig.value() == "0" && stage.rig.fileValue == "0")
        }
    }

    @Test func `a signal while the metrics are looked at ends at once, and nothing was touched`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let isEnded = DispatchSemaphore(value: 0)
            let port = try CannedPort { _ in
                isEnded.wait()
                return ""
            }
            defer { isEnded.signal() }
            let analysis = """
                    prometheus: {address: "http://127.0.0.1:\(port.number)", timeout: 60s}
                    templates:
                      - {ref: haproxy-error-rate, args: {backend: "{{canary.backend}}"}}
                """
            let run = try await stage.start([
                "run", try stage.file(Stage.canary([50, 100], hold: "1s"), analysis: analysis),
            ])
            try await Rig.until("Prometheus is asked", within: 20, log: run.log) { !port.requests.isEmpty }
            run.signal(SIGTERM)
            #expect(await run.wait() == 3, "\(run.output)")
            #expect(run.output.contains("before anything was touched"))
            #expect(stage.rig.value() == "0")
            #expect(try await stage.belay("list").text.contains("no rollouts yet"))
        }
    }

    @Test func `ten aborts at once all succeed, and one after them does, too`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let run = try await stage.start(["run", try Self.patient(stage)])
            try await stage.expect(run, says: "router confirms: 10 %")
            var aborts: [LocalProcess] = []
            for _ in 0..<10 { aborts.append(try await stage.start(["abort"])) }
            for abort in aborts { #expect(await abort.wait() == 0, "\(abort.output)") }
            #expect(await run.wait() == 3)
            #expect(try await stage.belay("abort").code == 0)
            #expect(try await stage.belay("promote").text.contains("no rollout is under way"))
            #expect(try await stage.belay("resume").code == 3)
            #expect(try await stage.belay("wait", "nobody").code == 64)
        }
    }

    @Test func `target says which side is free, and 7 while neither is`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let file = try Self.patient(stage)
            let before = try await stage.belay("target", file)
            #expect(before.code == 0 && before.text.contains("idle    green"), "\(before.text)")
            let run = try await stage.start(["run", file])
            try await stage.expect(run, says: "router confirms: 10 %")
            let busy = try await stage.belay("target", file, "--output", "json")
            #expect(busy.code == 7 && busy.text.contains(#""exit":7"#), "\(busy.text)")
            #expect(busy.text.contains("drives it: `belay status"), "\(busy.text)")
            let plan = try await stage.belay("plan", file)
            #expect(plan.code == 0 && plan.text.contains("`run` will refuse this now"), "\(plan.text)")
            #expect(plan.text.contains("blue (app_blue) → green (app_green)"), "\(plan.text)")
            let waiting = try await stage.start(["target", file, "--wait", "--output", "json"])
            try await stage.expect(waiting, says: "is under way")
            #expect(try await stage.belay("promote", "--full").code == 0)
            try await stage.expect(run, says: "router confirms: 100 %")
            #expect(try await stage.belay("promote").code == 0)
            #expect(await run.wait() == 0)
            #expect(await waiting.wait() == 0)
            #expect(
                waiting.output.contains(#""idle":{"side":"blue","backend":"app_blue","revision":null}"#),
                "\(waiting.output)")
            #expect(waiting.output.contains(#""stable":{"side":"green","backend":"app_green","revision":"1.0"}"#))
        }
    }

    @Test func `one system user counts once in a quorum, unless the file says that users share it`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            func strategy(_ extra: String) -> String {
                "    canary:\n      settle: 0s\n      steps:\n        - {setWeight: 50, approval: {count: 2\(extra)}}\n        - {setWeight: 100}"
            }
            let strict = try await stage.start(["run", try stage.file(strategy(""), analysis: Stage.noGate)])
            try await stage.expect(strict, says: "waits for approval")
            #expect(try await stage.belay("approve", "--actor", "ann").code == 0)
            let second = try await stage.belay("approve", "--actor", "bea")
            #expect(second.code == 1 && second.text.contains("one system user counts once"), "\(second.text)")
            #expect(try await stage.belay("abort").code == 0)
            #expect(await strict.wait() == 3)
            let shared = try await stage.start([
                "run", try stage.file(strategy(", sharedUser: true"), analysis: Stage.noGate),
            ])
            try await stage.expect(shared, says: "waits for approval")
            #expect(try await stage.belay("approve", "--actor", "ann").code == 0)
            #expect(try await stage.belay("approve", "--actor", "bea").code == 0)
            #expect(await shared.wait() == 0, "\(shared.output)")
            #expect(shared.output.contains("approved by ann (system user "))
        }
    }

    @Test func `a canary side that can serve nothing is refused at the start, and no raise goes to one`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let file = try stage.file(
                Stage.canary([10, 50], hold: "60s", extra: "      progressDeadline: 2s\n"), analysis: Stage.noGate)
            stage.rig.tell("set server app_green/green state maint")
            let dead = try await stage.belay("run", file)
            #expect(dead.code == 2 && dead.text.contains("green MAINT"), "\(dead.text)")
            #expect(try await stage.belay("plan", file).text.contains("`run` will refuse this: the canary's side"))
            stage.rig.tell("set server app_green/green state ready")
            let run = try await stage.start(["run", file])
            try await stage.expect(run, says: "router confirms: 10 %")
            stage.rig.tell("set server app_green/green state maint")
            #expect(try await stage.belay("promote").code == 0)
            #expect(await run.wait() == 1, "\(run.output)")
            #expect(run.output.contains("no server of the backend app_green can serve: green MAINT"))
            #expect(stage.rig.value() == "0")
        }
    }

    @Test func `a journal that is deleted while it is driven is a lost one: a warning, and the way back`() async throws
    {
        try await Stage.with { stage in
            try await stage.serve()
            let run = try await stage.start(["run", try Self.patient(stage)])
            try await stage.expect(run, says: "router confirms: 10 %")
            for suffix in ["", "-wal", "-shm"] { unlink(stage.store + suffix) }
            #expect(await run.wait() == 6, "\(run.output)")
            #expect(run.output.contains("is gone: it was deleted or renamed"), "\(run.output)")
            #expect(stage.rig.value() == "0" && stage.rig.fileValue == "0")
        }
    }

    @Test func `what was printed at the end is found again, and a record that was cut off shows`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let file = try stage.file(Stage.canary([50, 100], hold: "300ms"), analysis: Stage.noGate)
            let run = try await stage.belay("run", file)
            #expect(run.code == 0 && run.text.contains("journal \(stage.store)"), "\(run.text)")
            let words = run.text.split(separator: "\n").first { $0.hasPrefix("journal head ") }
            let head = String(try #require(words).dropFirst("journal head ".count))
            #expect(try await stage.belay("verify").code == 0)
            #expect(try await stage.belay("verify", "--head", head).code == 0)
            #expect(try await stage.belay("verify", "--head", String(repeating: "0", count: 64)).code == 1)
        }
    }
}

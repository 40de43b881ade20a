import BelayDemo
import Foundation
import Testing

/// What a reload leaves behind.
extension RouterTests {
    @Test func `an earlier process that still serves after a reload is said, and waited for within the bound`()
        async throws
    {
        try await Stage.withHangingRequest { (stage, run) async throws in
            try await stage.rig.reloadHAProxy()
            try await stage.expect(run, says: "still serves its open connections")
            #expect(try await stage.belay("abort").code == 0)
            #expect(stage.rig.value() == "0")
            #expect(await run.wait() == 3, "\(run.output)")
            #expect(run.output.contains("not known: what an earlier process"), "\(run.output)")
        }
    }

    @Test func `a driver that was not there before a reload finds the earlier worker beside the present one`()
        async throws
    {
        try await Stage.withHangingRequest(hasMaster: true) { (stage, run) async throws in
            run.signal(SIGKILL)
            _ = await run.wait()
            try await stage.rig.reloadMaster()
            let next = try await stage.start(["resume"])
            try await stage.expect(next, says: "still serves its open connections")
            #expect(try await stage.belay("abort").code == 0)
            #expect(await next.wait() == 3, "\(next.output)")
            #expect(next.output.contains("not known: what an earlier process"), "\(next.output)")
        }
    }

    @Test func `a backup server at the other side's address is refused, since it would answer for a dead version`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.serve()
            let config = stage.rig.folder + "/haproxy-0.cfg"
            let text = try String(contentsOfFile: config, encoding: .utf8)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let blue = try #require(lines.first { $0.contains("server blue ") }?.split(separator: " ").last)
            let changed = lines.flatMap { line -> [Substring] in
                line.contains("server green ") ? [line, "    server spare \(blue) backup"] : [line]
            }
            try changed.joined(separator: "\n").write(toFile: config, atomically: true, encoding: .utf8)
            try await stage.rig.reloadHAProxy()
            let file = try stage.file(Stage.canary([50, 100], hold: "1s"), analysis: Stage.noGate)
            let run = try await stage.belay("run", file)
            #expect(run.code == 2, "\(run.text)")
            #expect(
                run.text.contains("the backup server spare of app_green is a server of the other side"), "\(run.text)")
        }
    }

    @Test func `with twenty descriptors a release still ends, one way or the other, and never in between`() async throws
    {
        try await Stage.with { stage in
            try await stage.serve()
            let file = try stage.file(Stage.canary([50, 100], hold: "1s"), analysis: Stage.noGate)
            let log = stage.rig.folder + "/few.log"
            let run = try await LocalProcess.start(
                "/bin/sh", ["-c", "ulimit -n 20; exec \"$0\" run \"$1\"", Stage.belay, file],
                environment: ["BELAY_DB": stage.store, "NO_COLOR": "1"], log: log)
            let code = await run.wait()
            let value = stage.rig.value()
            #expect(code == 0 ? value == "10000" : value == "0", "\(code) \(value) \(run.output)")
            #expect(stage.rig.fileValue == value)
        }
    }

    @Test func `when a side last had traffic is known beside the map, under a long key and to a journal made anew`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.serve()
            let key = String(repeating: "k", count: 300)
            try stage.edit("haproxy-0.cfg") { $0.replacing("str(app)", with: "str(\(key))") }
            try stage.edit("app.map") { $0.replacing("app 0", with: "\(key) 0") }
            try await stage.rig.reloadHAProxy()
            let strategy = Stage.canary([50, 100], hold: "60s").replacing("settle: 0s", with: "settle: 60s")
            let file = try stage.file(strategy, analysis: Stage.noGate)
            try stage.edit("rollout.yaml") { $0.replacing("key: app", with: "key: \(key)") }
            // A side that never had traffic has nothing to settle.
            let first = try await stage.start(["run", file])
            try await stage.expect(first, says: "router confirms: 50 %")
            #expect(!first.output.contains("waiting until no window reaches back"), "\(first.output)")
            #expect(try await stage.belay("abort").code == 0)
            #expect(await first.wait() == 3)
            let fresh = stage.rig.folder + "/fresh.db"
            let second = try await stage.start(["run", file], store: fresh)
            try await stage.expect(second, says: "waiting until no window reaches back to green's earlier traffic")
            second.signal(SIGTERM)
            #expect(await second.wait() == 3, "\(second.output)")
        }
    }

    @Test func `the watched status fits a small terminal, redraws in place and ends with the rollout`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let file = try stage.file(Stage.canary([50, 100], hold: "1s"), analysis: Stage.noGate)
            let run = try await stage.start(["run", file])
            try await stage.expect(run, says: "router confirms: 50 %")
            // A pseudo-terminal of its own; what is drawn there comes out raw.
            let watch = try await LocalProcess.start(
                "script", ["-qec", "stty cols 40 rows 10; exec '\(Stage.belay)' status --watch", "/dev/null"],
                environment: ["BELAY_DB": stage.store, "TERM": "xterm", "LC_ALL": "C.UTF-8"],
                log: stage.rig.folder + "/watch.log")
            #expect(await watch.wait() == 0, "\(watch.output)")
            #expect(await run.wait() == 0, "\(run.output)")
            let frames = watch.output.split(separator: "\u{1B}[H")
            #expect(frames.count > 2 && frames.allSatisfy { $0.hasSuffix("\u{1B}[J") })
            for frame in frames {
                let lines = frame.replacing(/\u{1B}\[[0-9;]*[A-Za-z]/, with: "").split(whereSeparator: \.isNewline)
                #expect(lines.count < 10 && lines.allSatisfy { $0.count <= 40 }, "\(lines)")
            }
            #expect(frames.last?.contains("PROMOTED") == true, "\(watch.output)")
        }
    }
}

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
}

import BelayDemo
import Foundation
import Testing

/// A call of the program that a disk or a socket does not finish, held until the test lets it go.
struct Held {
    private let door: String

    /// - Parameters:
    ///   - call: `rename`, `fsync`, `ftruncate` or `connect`; the first one about a path that ends in `word`.
    init(_ stage: Stage) { door = stage.rig.folder + "/door" }

    func environment(_ call: String, _ word: String) -> [String: String] {
        let library = URL(fileURLWithPath: Stage.belay).deletingLastPathComponent().appending(path: "libbelay-hold.so")
            .path
        return ["LD_PRELOAD": library, "BELAY_HOLD": "\(call):\(word):\(door)"]
    }

    func close() { _ = FileManager.default.createFile(atPath: door, contents: nil) }
    func open() { unlink(door) }

    func isHeld(log: String) async throws {
        try await Rig.until("the call is held", within: 30, log: log) { access(door + ".held", F_OK) == 0 }
    }
}

/// Late effects of calls that had begun: the ways in which a rollback was once undone.
@Suite("Calls that hang", .serialized)
struct HeldTests {
    @Test func `a raise whose renaming hangs is undone before the rollout ends, and no reload brings it back`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.serve()
            let held = Held(stage)
            let file = try stage.file(Stage.canary([50, 100], hold: "60s"), analysis: Stage.noGate)
            // The pin comes first, and leaves a file that is right already alone: the first renaming of the map is the raise's.
            held.close()
            let run = try await stage.start(["run", file], environment: held.environment("rename", "/app.map"))
            try await held.isHeld(log: run.log)
            #expect(stage.rig.value() == "5000")
            let abort = try await stage.start(["abort"])
            try await Rig.until("stable is asserted", within: 20, log: run.log) { stage.rig.value() == "0" }
            try await stage.expect(run, says: "an earlier write to the router has not ended yet")
            #expect(!run.output.contains("ROLLED BACK"))
            held.open()
            #expect(await run.wait() == 3, "\(run.output)")
            #expect(await abort.wait() == 0)
            #expect(stage.rig.value() == "0" && stage.rig.fileValue == "0")
            try await stage.rig.reloadHAProxy()
            #expect(stage.rig.value() == "0")
            let left = try FileManager.default.contentsOfDirectory(atPath: stage.rig.folder).filter {
                $0.hasSuffix(".tmp")
            }
            #expect(left.isEmpty, "\(left)")
        }
    }

    @Test func `a hook whose log hangs holds no abort up, and is not begun after it`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let held = Held(stage)
            let hook = "{command: [/bin/touch, \(stage.rig.folder)/hooked]}"
            let steps =
                "    canary:\n      settle: 0s\n      steps: [{setWeight: 25, hold: 1s}, {setWeight: 100, run: \(hook)}]"
            let file = try stage.file(steps, analysis: Stage.noGate)
            held.close()
            let run = try await stage.start(
                ["run", file], environment: held.environment("ftruncate", ".action.log"))
            try await held.isHeld(log: run.log)
            let abort = try await stage.start(["abort"])
            try await Rig.until("stable has everything", within: 20, log: run.log) { stage.rig.value() == "0" }
            held.open()
            #expect(await run.wait() == 3, "\(run.output)")
            #expect(await abort.wait() == 0, "\(abort.output)")
            #expect(!FileManager.default.fileExists(atPath: stage.rig.folder + "/hooked"), "\(run.output)")
        }
    }

    @Test func `a journal whose disk hangs holds no cancelled job up`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let held = Held(stage)
            let file = try stage.file(Stage.canary([50, 100], hold: "60s"), analysis: Stage.noGate)
            let run = try await stage.start(["run", file], environment: held.environment("fsync", "belay.db-wal"))
            try await stage.expect(run, says: "router confirms: 50 %")
            held.close()
            try await held.isHeld(log: run.log)
            run.signal(SIGTERM)
            try await Rig.until("the traffic is back", within: 20, log: run.log) { stage.rig.value() == "0" }
            #expect(run.output.contains("has not answered for 1s"))
            held.open()
            #expect(await run.wait() == 3, "\(run.output)")
            #expect(try await stage.belay("verify").code == 0)
            #expect(try await stage.belay("list").text.contains("rolled back: the job was cancelled"))
        }
    }

    @Test func `a journal whose disk never answers again keeps nobody from ending`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let held = Held(stage)
            let file = try stage.file(Stage.canary([50, 100], hold: "60s"), analysis: Stage.noGate)
            let run = try await stage.start(["run", file], environment: held.environment("fsync", "belay.db-wal"))
            defer { held.open() }
            try await stage.expect(run, says: "router confirms: 50 %")
            held.close()
            try await held.isHeld(log: run.log)
            run.signal(SIGTERM)
            // The lease runs out, and nothing more is waited for.
            #expect(await run.wait() == 6, "\(run.output)")
            #expect(stage.rig.value() == "0" && stage.rig.fileValue == "0")
        }
    }

    @Test func `a router that hangs in the way back is tried again until it answers`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let held = Held(stage)
            let file = try stage.file(Stage.canary([50, 100], hold: "60s"), analysis: Stage.noGate)
            let run = try await stage.start(
                ["run", file], environment: held.environment("connect", "haproxy-0.sock"))
            try await stage.expect(run, says: "router confirms: 50 %")
            held.close()
            try await held.isHeld(log: run.log)  // The reading of each second.
            run.signal(SIGTERM)
            try await Rig.until("the traffic is back", within: 20, log: run.log) { stage.rig.value() == "0" }
            held.open()
            #expect(await run.wait() == 3, "\(run.output)")
        }
    }
}

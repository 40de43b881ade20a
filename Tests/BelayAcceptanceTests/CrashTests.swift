import BelayDemo
import Foundation
import Testing

/// Killed anywhere, a run is finished by the next one.
@Suite("Killed and resumed", .serialized)
struct CrashTests {
    /// The named points and how a process is brought there.
    static let points = [
        "after-append", "after-write", "between-runtime-and-file", "before-read-back", "in-way-back", "in-takeover",
    ]

    @Test func `at every named point, six times each, the next one finishes what was begun`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let file = try stage.file(Stage.canary([25, 50, 100], hold: "200ms"), analysis: Stage.noGate)
            var hits: [String: Int] = [:]
            for point in Self.points {
                for nth in 1...12 where hits[point, default: 0] < 6 {
                    let before = stage.rig.value()
                    let isBack = point == "in-way-back"
                    var arguments = ["run", file]
                    if isBack { arguments += ["--timeout", "\(nth * 60)ms"] }
                    let count = isBack || point == "in-takeover" ? 1 : nth % 3 + 1
                    if point == "in-takeover" {
                        _ = try await killAtRandom(arguments, after: .milliseconds(100 * nth), stage)
                        arguments = ["resume", "app"]
                    }
                    let crashed = try await stage.start(arguments, environment: ["BELAY_CRASH_AT": "\(point):\(count)"])
                    let isHit = await crashed.wait() == 137
                    if isHit {
                        hits[point, default: 0] += 1
                        try await finish(stage)
                    }
                    try await check(stage, before: before, isBack: isBack && isHit, "\(point):\(count)")
                }
            }
            for point in Self.points { #expect(hits[point] == 6, "\(point) was hit \(hits[point, default: 0]) times") }
        }
    }

    @Test func `at thirty random moments, the next one finishes what was begun`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let file = try stage.file(Stage.canary([25, 50, 100], hold: "200ms"), analysis: Stage.noGate)
            var killed = 0
            for round in 0..<60 where killed < 30 {
                let before = stage.rig.value()
                if try await killAtRandom(["run", file], after: .milliseconds(Int.random(in: 20...900)), stage) {
                    killed += 1
                }
                // Sometimes the one that resumes is killed, too.
                if round % 3 == 0 {
                    _ = try await killAtRandom(
                        ["resume", "app"], after: .milliseconds(Int.random(in: 10...300)), stage)
                }
                try await finish(stage)
                try await check(stage, before: before, isBack: false, "round \(round)")
            }
            #expect(killed == 30)
            #expect(try await stage.belay("verify").code == 0)
        }
    }

    /// - Returns: Whether the kill came before its end.
    private func killAtRandom(_ arguments: [String], after moment: Duration, _ stage: Stage) async throws -> Bool {
        let process = try await stage.start(arguments)
        try await Task.sleep(for: moment)
        process.signal(SIGKILL)
        return await process.wait() == 137
    }

    private func finish(_ stage: Stage) async throws {
        let resumed = try await stage.belay("resume", "app")
        // 1: over already, or nothing was recorded before the kill.
        #expect([0, 1, 2, 3].contains(resumed.code), "\(resumed.text)")
    }

    /// Journal, router and file agree.
    private func check(_ stage: Stage, before: String, isBack: Bool, _ what: String) async throws {
        let value = stage.rig.value()
        let latest = try await stage.belay("list", "--limit", "1")
        #expect(value == "0" || value == "10000", "\(what): \(value)")
        #expect(stage.rig.fileValue == value, "\(what)")
        #expect(!latest.text.contains("under way"), "\(what): \(latest.text)")
        if isBack { #expect(value == before, "\(what): \(latest.text)") }
        if latest.text.contains("rolled back") { #expect(value == before, "\(what): \(latest.text)") }
    }
}

/// A driver that did not run for longer than its lease.
@Suite("Suspended", .serialized)
struct SuspendedTests {
    @Test func `a driver suspended for longer than its lease goes on when nobody took over`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let file = try stage.file(Stage.canary([50, 100], hold: "6s"), analysis: Stage.noGate)
            let run = try await stage.start(["run", file])
            try await stage.expect(run, says: "router confirms: 50 %")
            run.signal(SIGSTOP)
            try await Task.sleep(for: .seconds(33))  // The lease's own life and a little: no guess.
            run.signal(SIGCONT)
            #expect(await run.wait() == 0, "\(run.output)")
            #expect(stage.rig.value() == "10000")
        }
    }
}

/// The disk of journal and map is full.
@Suite("A full disk", .serialized)
struct FullDiskTests {
    @Test func `at 50 % the traffic goes back, and nothing is lost`() async throws {
        let folder = "/tmp/belay-small-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let mount = try await LocalProcess.start(
            "mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", folder], log: folder + ".log")
        guard await mount.wait() == 0 else {
            // Without the right to mount, JournalTests covers it by max_page_count.
            try? FileManager.default.removeItem(atPath: folder)
            return
        }
        do {
            try await Stage.with(folder: folder) { stage in
                try await stage.serve()
                let file = try stage.file(Stage.canary([50, 100], hold: "120s"), analysis: Stage.noGate)
                let run = try await stage.start(["run", file])
                try await stage.expect(run, says: "router confirms: 50 %")
                fill(folder)
                let code = await run.wait()
                #expect(stage.rig.value() == "0", "\(run.output)")
                #expect([3, 6].contains(code), "\(code) \(run.output)")
                unlink(folder + "/filler")
                let resumed = try await stage.belay("resume", "app")
                #expect([1, 3, 6].contains(resumed.code), "\(resumed.text)")
                #expect(stage.rig.value() == "0")
                #expect(stage.rig.fileValue == "0")
                #expect(try await stage.belay("verify").code == 0)
                #expect(try await stage.belay("list").text.contains("rolled back"))
                let frozen = try await LocalProcess.start("mount", ["-o", "remount,ro", folder], log: "/dev/null")
                guard await frozen.wait() == 0 else { return }
                let refused = try await stage.readOnly("list")
                #expect(refused.code == 8 && refused.text.contains("must be writable"), "\(refused.text)")
            }
        } catch {
            _ = await (try await LocalProcess.start("umount", ["--lazy", folder], log: folder + ".log")).wait()
            throw error
        }
        _ = await (try await LocalProcess.start("umount", ["--lazy", folder], log: folder + ".log")).wait()
        rmdir(folder)
        unlink(folder + ".log")
    }

    /// The same without a mount: SQLite's own limit, which not even the reserve can lift.
    @Test func `a journal that takes nothing more: the traffic goes back without it, exit 6, and the next one says so`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.serve()
            let file = try stage.file(Stage.canary([50, 100], hold: "120s"), analysis: Stage.noGate)
            let run = try await stage.start(["run", file], environment: ["BELAY_SPARE_PAGES": "0"])
            try await stage.expect(run, says: "router confirms: 50 %")
            // Its record does not fit any more.
            _ = try await stage.belay("pause", "app", "--reason", String(repeating: "long ", count: 2000))
            #expect(await run.wait() == 6, "\(run.output)")
            #expect(run.output.contains("traffic goes back to stable without it"))
            #expect(stage.rig.value() == "0")
            #expect(stage.rig.fileValue == "0")
            // Whether the few bytes of the way back still found room or not: it is recorded now, and the traffic stays.
            let resumed = try await stage.belay("resume", "app")
            #expect([3, 6].contains(resumed.code), "\(resumed.text)")
            #expect(try await stage.belay("list").text.contains("rolled back"))
            #expect(stage.rig.value() == "0")
            #expect(try await stage.belay("verify").code == 0)
        }
    }

    /// Takes every byte there is.
    private func fill(_ folder: String) {
        let file = open(folder + "/filler", O_CREAT | O_WRONLY, 0o644)
        var size = 1 << 20
        while size >= 1 {
            let block = [UInt8](repeating: 1, count: size)
            if write(file, block, size) < size { size /= 2 }
        }
        close(file)
    }
}

import BelayDemo
import Foundation
import Testing

/// Releases through a file with one number, which another program follows.
@Suite("Releases through a file", .serialized)
struct FileTests {
    @Test func `a good release writes each share, tells the program, and the next one goes the other way round`()
        async throws
    {
        try await Stand.with { stand in
            let file = try stand.file([25, 100], hold: "300ms", more: stand.noting)
            let plan = try await stand.belay("plan", file)
            #expect(plan.code == 0 && plan.text.contains("is not verified"), "\(plan.text)")
            #expect(plan.text.contains("\(stand.folder)/share = 25"), "\(plan.text)")
            let run = try await stand.belay("run", file)
            #expect(run.code == 0, "\(run.text)")
            #expect(stand.share == "100" && stand.told == ["0", "25", "100"])
            let target = try await stand.belay("target", file)
            #expect(target.text.contains("idle    blue") && target.text.contains("stable  green"), "\(target.text)")
            #expect(try await stand.belay("run", file).code == 0)
            #expect(stand.share == "0" && stand.told.suffix(3) == ["100", "75", "0"])
        }
    }

    @Test func `a share counts once the balancer has it in force, and so does the way back`() async throws {
        try await Stand.with { stand in
            try await stand.startBalancer()
            let run = try await stand.start("run", try stand.file([50, 100], hold: "60s", more: stand.asking))
            try await stand.expect(run, says: "50 % accepted")
            try await stand.expect(run, says: "router confirms: 50 %")
            #expect(stand.shown == "50")
            #expect(try await stand.belay("abort").code == 0)
            #expect(stand.shown == "0" && stand.share == "0")
            #expect(await run.wait() == 3, "\(run.output)")
        }
    }

    @Test func `a driver that is killed is followed by one that goes on, and nobody else is let in`() async throws {
        try await Stand.with { stand in
            let file = try stand.file([25, 100], hold: "60s", more: stand.noting)
            let run = try await stand.start("run", file)
            try await stand.expect(run, says: "router confirms: 25 %")
            run.signal(SIGKILL)
            _ = await run.wait()
            #expect(stand.share == "25")
            let other = try await stand.belay("run", file, "--db", stand.folder + "/other.db")
            #expect(other.code == 7 && other.text.contains("belongs to app-"), "\(other.text)")
            let next = try await stand.start("resume")
            try await stand.expect(next, says: "taking over")
            #expect(try await stand.belay("abort").code == 0)
            #expect(await next.wait() == 3 && stand.share == "0", "\(next.output)")
        }
    }

    @Test(
        "another hand in the file, or in what is in force, ends in the way back",
        arguments: ["share", "shown"])
    func anotherHand(name: String) async throws {
        try await Stand.with { stand in
            try "0\n".write(toFile: stand.folder + "/shown", atomically: true, encoding: .utf8)
            let follow = ", run: [/bin/sh, -c, 'echo $BELAY_SHARE > \(stand.folder)/shown']"
            let run = try await stand.start(
                "run", try stand.file([25, 100], hold: "60s", more: follow + stand.asking))
            try await stand.expect(run, says: "router confirms: 25 %")
            try "90\n".write(toFile: "\(stand.folder)/\(name)", atomically: true, encoding: .utf8)
            #expect(await run.wait() == 3, "\(run.output)")
            #expect(run.output.contains("by another hand") && stand.share == "0" && stand.shown == "0")
        }
    }

    @Test func `a program that was told does not outlive its second, whatever becomes of the driver`() async throws {
        try await Stand.with { stand in
            let mark = "61.\(UInt32.random(in: 1...999_999))"
            func isThere() -> Bool {
                let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
                return all.filter { $0.allSatisfy(\.isNumber) }.contains { pid in
                    let words = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)
                    return words?.contains("sleep\0\(mark)") ?? false
                }
            }
            let run = try await stand.start(
                "run", try stand.file([25, 100], hold: "60s", more: ", run: [/bin/sleep, '\(mark)']"))
            try await Rig.until("the program runs", log: run.log) { isThere() }
            run.signal(SIGKILL)
            _ = await run.wait()
            try await Rig.until("the program has ended") { !isThere() }
        }
    }

    @Test func `a program that fails holds the raise back, and stable keeps the traffic`() async throws {
        try await Stand.with { stand in
            let guards = ", run: [/bin/sh, -c, 'test $BELAY_SHARE = 0 || { echo no capacity >&2; exit 1; }']"
            let file = try stand.file([25, 100], hold: "60s", more: guards)
            let text = try String(contentsOfFile: file, encoding: .utf8)
                .replacing("settle: 0s,", with: "settle: 0s, progressDeadline: 2s,")
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let run = try await stand.belay("run", file)
            #expect(run.code == 1 && run.text.contains("no capacity"), "\(run.text)")
            #expect(stand.share == "0")
            #expect(try await stand.belay("rescue", file, "--stable", "blue").code == 0)
        }
    }
}

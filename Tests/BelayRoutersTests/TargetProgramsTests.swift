import BelayCore
import BelayEngine
import BelayPlatform
import Foundation
import Testing

@testable import BelayRouters

/// A release's own programs: real ones, with real ends.
@Suite("A release's programs")
struct TargetProgramsTests {
    private static let run = ActionRun(.hook, .step(0), index: 0, attempt: 2)

    private static func programs(_ folder: Folder) -> TargetPrograms {
        TargetPrograms(OwnerFile(of: folder.path + "/share"))
    }

    /// - Parameter timeout: Generous, since other tests keep the machine busy.
    private static func script(_ text: String, timeout: Duration = .seconds(3600)) -> CommandAction {
        var action = CommandAction(["/bin/sh", "-c", text])
        action.timeout = timeout
        return action
    }

    private static func text(_ folder: Folder, _ name: String) -> String {
        (try? String(contentsOfFile: "\(folder.path)/\(name)", encoding: .utf8)) ?? ""
    }

    /// Bounded in looks and not by a clock: beside tests that compute, minutes may lie between two looks.
    private static func until(_ what: String, _ isSo: () -> Bool) async throws {
        for _ in 0..<6_000 {
            if isSo() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        try #require(isSo(), "it never came that \(what)")
    }

    @Test func `a program is told its rollout and its try, runs where it is said, and 0 is good`() async throws {
        let folder = try Folder()
        var action = Self.script("echo $BELAY_ROLLOUT $BELAY_ACTION $BELAY_ATTEMPT > told")
        action.directory = folder.path
        #expect(await Self.programs(folder).perform(action, as: Self.run, of: "app-1") == nil)
        #expect(Self.text(folder, "told") == "app-1 hook 2\n")
    }

    @Test(
        "what went wrong is said, with the last line that was printed",
        arguments: [
            ("echo fine; echo no space left >&2; exit 7", "ended with status 7: no space left"),
            ("kill -9 $$", "status 137"), ("exec /not/there", "cannot be started"),
        ])
    func failures(script: String, says: String) async throws {
        let folder = try Folder()
        let complaint = await Self.programs(folder).perform(Self.script(script), as: Self.run, of: "app-1")
        #expect(complaint?.contains(says) ?? false, "\(complaint ?? "nothing")")
    }

    @Test func `a program that is not there is an error, and no crash`() async throws {
        let folder = try Folder()
        let complaint = await Self.programs(folder).perform(CommandAction(["no-such-program"]), as: Self.run, of: "a")
        #expect(complaint?.contains("cannot be started") ?? false, "\(complaint ?? "nothing")")
    }

    @Test func `after its time it is ended, with its children`() async throws {
        let folder = try Folder()
        // The program itself ends politely; its child does not.
        let script =
            "sh -c \"trap '' TERM; echo \\$\\$ > \(folder.path)/child; while :; do sleep 0.05; done\""
        let complaint = await Self.programs(folder).perform(
            Self.script(script, timeout: .seconds(1)), as: Self.run, of: "app-1")
        #expect(complaint?.contains("took longer than 1s") ?? false, "\(complaint ?? "nothing")")
        let child = try #require(Int(Self.text(folder, "child").trimmingCharacters(in: .whitespacesAndNewlines)))
        try await Self.until("its child is gone") { ProcessIdentity.startMoment(ofProcess: child) == nil }
    }

    @Test func `what it printed can be read afterwards`() async throws {
        let folder = try Folder()
        let complaint = await Self.programs(folder).perform(
            Self.script("echo one; echo two >&2; exit 3"), as: Self.run, of: "app-1")
        #expect(
            complaint?.contains("share.action.log)") ?? false, "\(complaint ?? "nothing")")
        #expect(Self.text(folder, "share.action.log") == "one\ntwo\n")
    }

    @Test func `a lock that leads elsewhere is told, and nothing is begun`() async throws {
        let folder = try Folder()
        symlink("/dev/null", folder.path + "/share.action.lock")
        let complaint = await Self.programs(folder).perform(
            Self.script("echo > \(folder.path)/ran"), as: Self.run, of: "app-1")
        #expect(complaint?.hasPrefix("it was not begun: ") ?? false, "\(complaint ?? "nothing")")
        #expect(complaint?.contains("share.action.lock") ?? false, "\(complaint ?? "nothing")")
        #expect(Self.text(folder, "ran").isEmpty)
    }

    @Test("a log that is none of ours is left alone, and the program runs", arguments: ["link", "pipe", "folder"])
    func hostileLog(kind: String) async throws {
        let folder = try Folder()
        let log = folder.path + "/share.action.log"
        switch kind {
        case "link":
            try "another's\n".write(toFile: folder.path + "/another", atomically: true, encoding: .utf8)
            symlink(folder.path + "/another", log)
        case "pipe": mkfifo(log, 0o600)
        default: try FileManager.default.createDirectory(atPath: log, withIntermediateDirectories: false)
        }
        // More than a pipe holds: nobody reads it.
        let script =
            "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done; exit 3"
        let complaint = await Self.programs(folder).perform(Self.script(script), as: Self.run, of: "app-1")
        #expect(complaint == "`/bin/sh` ended with status 3", "\(complaint ?? "nothing")")
        if kind == "link" { #expect(Self.text(folder, "another") == "another's\n") }
    }

    @Test func `what it leaves running lives on, and keeps nobody out`() async throws {
        let folder = try Folder()
        let programs = Self.programs(folder)
        let deploy = Self.script(
            "(while [ ! -e \(folder.path)/stop ]; do sleep 0.05; done; echo > \(folder.path)/gone) &")
        #expect(await programs.perform(deploy, as: Self.run, of: "app-1") == nil)
        #expect(await programs.perform(CommandAction(["true"]), as: Self.run, of: "app-1") == nil)
        _ = FileManager.default.createFile(atPath: folder.path + "/stop", contents: nil)
        try await Self.until("what it left has run on") { !Self.text(folder, "gone").isEmpty }
    }

    @Test func `a cancelled task does not end it`() async throws {
        let folder = try Folder()
        let programs = Self.programs(folder)
        let script = Self.script("echo > \(folder.path)/began; sleep 0.3; echo > \(folder.path)/ended")
        let task = Task { await programs.perform(script, as: Self.run, of: "app-1") }
        try await Self.until("it has begun") { !Self.text(folder, "began").isEmpty }
        task.cancel()
        #expect(await task.value == nil)
        #expect(!Self.text(folder, "ended").isEmpty)
    }

    @Test func `one waits for another of the same target, for as long as it has itself`() async throws {
        let folder = try Folder()
        let programs = Self.programs(folder)
        let slow = Self.script("echo > \(folder.path)/began; while [ ! -e \(folder.path)/stop ]; do sleep 0.05; done")
        let first = Task { await programs.perform(slow, as: Self.run, of: "app-1") }
        try await Self.until("it has begun") { !Self.text(folder, "began").isEmpty }
        let second = await programs.perform(Self.script("true", timeout: .seconds(1)), as: Self.run, of: "app-1")
        #expect(second?.contains("still runs") ?? false, "\(second ?? "nothing")")
        _ = FileManager.default.createFile(atPath: folder.path + "/stop", contents: nil)
        #expect(await first.value == nil)
        #expect(await programs.perform(Self.script("true"), as: Self.run, of: "app-1") == nil)
    }

    @Test func `a look is repeated until it is good, within its time`() async throws {
        let folder = try Folder()
        var look = Self.script("echo >> \(folder.path)/looks; [ $(wc -l < \(folder.path)/looks) -ge 2 ]")
        look.isRepeated = true
        #expect(await Self.programs(folder).perform(look, as: Self.run, of: "app-1") == nil)
        look.arguments = ["false"]
        look.timeout = .seconds(1)
        let complaint = await Self.programs(folder).perform(look, as: Self.run, of: "app-1")
        #expect(complaint?.contains("ended with status 1") ?? false, "\(complaint ?? "nothing")")
    }
}

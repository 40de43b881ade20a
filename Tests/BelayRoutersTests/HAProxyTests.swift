import BelayCore
import BelayEngine
import BelayPlatform
import Foundation
import Testing

@testable import BelayRouters

@Suite("HAProxy's lines and files")
struct HAProxyTests {
    private let target = HAProxyTraffic(
        sockets: ["/s"], mapFile: "/m/app.map", key: "app",
        sides: Sides(first: Side(name: "blue", backend: "b"), second: Side(name: "green", backend: "g")))

    @Test func `answers are read by their content`() {
        let answer =
            "Name: HAProxy\nPid: 5639\nStart_time_sec: 1795256039\n\n"
            + "type=str, case=sensitive, found=yes, idx=tree, key=\"app\", value=\"1000\", type=\"sint\"\n\n"
        let state = HAProxyLine.state(answer)
        #expect(state.value == "1000")
        #expect(state.process == Int64(5639) << 32 | Int64(1_795_256_039))
        #expect(HAProxyLine.state("Pid: 1\n\ntype=str, case=sensitive, found=no\n\n").value == nil)
        #expect(HAProxyLine.state("Unknown map identifier. Please use #<id> or <file>.\n\n").complaint != nil)
        #expect(HAProxyLine.version("New version created: 7\n\n") == 7)
        #expect(HAProxyLine.version("Permission denied\n") == nil)
        #expect(HAProxyLine.complaint("\n") == nil)
        #expect(HAProxyLine.complaint("entry not found.\n\n") == "entry not found.")
        #expect(HAProxyLine.keys("0x7fb9dc0467c0 app 100\n0x7f other 1\n\n") == ["app", "other"])
        #expect(HAProxyLine.backends("# name\nblue\ngreen\n\n") == ["blue", "green"])
    }

    @Test func `a process of another start is another process`() {
        let first = HAProxyLine.state("Pid: 1\nStart_time_sec: 5\n")
        let second = HAProxyLine.state("Pid: 1\nStart_time_sec: 6\n")
        #expect(first.process != second.process)
    }

    @Test func `the file keeps other lines and its mode`() throws {
        let folder = try Folder()
        let path = folder.path + "/app.map"
        try "# comment\nother 5\napp 0\n".write(toFile: path, atomically: true, encoding: .utf8)
        chmod(path, 0o640)
        let file = MapFile(path: path, key: "app")
        try file.set(2500)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "# comment\nother 5\napp 2500\n")
        #expect(try file.value() == .text("2500"))
        var info = stat()
        stat(path, &info)
        #expect(info.st_mode & 0o777 == 0o640)
        try MapFile(path: path, key: "new").set(1)
        #expect(try String(contentsOfFile: path, encoding: .utf8).hasSuffix("app 2500\nnew 1\n"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["app.map"])
    }

    @Test func `tabs and leading blanks divide as in HAProxy`() throws {
        let folder = try Folder()
        let path = folder.path + "/app.map"
        try " app\t0\nother\t5\n".write(toFile: path, atomically: true, encoding: .utf8)
        let file = MapFile(path: path, key: "app")
        #expect(try file.value() == .text("0"))
        try file.set(10_000)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == " app\t10000\nother\t5\n")
        try "app 0\napp\t1\n".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try file.keyCount() == 2)
    }

    @Test func `lines of other keys keep every byte: CRLF, Latin-1, comments, no end of line`() throws {
        let folder = try Folder()
        let path = folder.path + "/app.map"
        func check(_ before: [UInt8], _ after: [UInt8], _ comment: Comment) throws {
            try Data(before).write(to: URL(fileURLWithPath: path))
            let file = MapFile(path: path, key: "app")
            try file.set(2500)
            #expect(Array(try Data(contentsOf: URL(fileURLWithPath: path))) == after, comment)
            #expect(try file.value() == .text("2500"), comment)
        }
        func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
        try check(bytes("a 1\r\napp 0\r\nz 2\r\n"), bytes("a 1\r\napp 2500\r\nz 2\r\n"), "CRLF")
        try check(bytes("a 1\r\n"), bytes("a 1\r\napp 2500\r\n"), "CRLF, a new key")
        try check(
            [0x63, 0xE9, 0x20, 0x31, 0x0A] + bytes("app 0\n"), [0x63, 0xE9, 0x20, 0x31, 0x0A] + bytes("app 2500\n"),
            "Latin-1")
        try check(bytes("#app 7\napp  0  \nb 1"), bytes("#app 7\napp  2500  \nb 1"), "comments and blanks")
        try check(bytes("b 1"), bytes("b 1\napp 2500\n"), "no end of line")
        try check(bytes(""), bytes("app 2500\n"), "an empty file")
        try check(bytes("app"), bytes("app 2500"), "a key without a value")
        try check(bytes("apple 3\nmy app 4\n"), bytes("apple 3\nmy app 4\napp 2500\n"), "keys that only look alike")
    }

    @Test func `a key that is missing, and an empty file, are unknown and never 0`() throws {
        let folder = try Folder()
        let path = folder.path + "/app.map"
        try "".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try MapFile(path: path, key: "app").value() == .missing)
        try "other 1\n".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try MapFile(path: path, key: "app").value() == .missing)
        #expect(throws: FileFailure.self) { try MapFile(path: folder.path + "/none", key: "app").value() }
    }

    @Test func `a symbolic link stays one, and what it leads to is replaced`() throws {
        let folder = try Folder()
        let (real, link) = (folder.path + "/real.map", folder.path + "/link.map")
        try "app 0\n".write(toFile: real, atomically: true, encoding: .utf8)
        symlink(real, link)
        try MapFile(path: link, key: "app").set(100)
        #expect(try String(contentsOfFile: real, encoding: .utf8) == "app 100\n")
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == real)
        // Both names are one target: they share one mark and one lock.
        #expect(OwnerFile(of: link, key: "app").path == OwnerFile(of: real, key: "app").path)
    }

    @Test func `what another driver wrote meanwhile is kept`() throws {
        let folder = try Folder()
        let path = folder.path + "/app.map"
        try "app 0\nother 1\n".write(toFile: path, atomically: true, encoding: .utf8)
        var isFirst = true
        try MapFile(path: path, key: "app").set(100) {
            if isFirst { try? "app 0\nother 9000\n".write(toFile: path, atomically: true, encoding: .utf8) }
            isFirst = false
            return nil
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "app 100\nother 9000\n")
    }

    @Test func `an answer that was cut off is no key that is gone`() async {
        let whole = "Pid: 1\nStart_time_sec: 5\n\ntype=str, found=no\n\n"
        #expect(HAProxyLine.state(whole).isMissing && HAProxyLine.state(whole).isWhole)
        for cut in ["", "Pid: 1\nStart_time_sec: 5\n", "found=yes, value=\"1\"\n"] {
            #expect(!HAProxyLine.state(cut).isWhole, "\(cut)")
        }
        #expect(!HAProxyLine.state("Pid: 1\nStart_time_sec: 5\n").isMissing)
        #expect(!HAProxyLine.state("").isMissing)
    }

    @Test func `a mark that cannot be read ends no rollout of its own`() throws {
        let folder = try Folder()
        let owner = OwnerFile(of: folder.path + "/app.map", key: "app")
        try "cut".write(toFile: owner.path, atomically: true, encoding: .utf8)
        let mark = OwnerMark(rollout: "a-1", epoch: 2, stable: "blue", original: "0", store: "/db", process: .current)
        guard case .failed = owner.claim(mark, .takeover, superseding: []) else {
            Issue.record("it ended the rollout")
            return
        }
    }

    @Test func `a write that is not wanted any more leaves the file, and nothing beside it`() throws {
        let folder = try Folder()
        let path = folder.path + "/app.map"
        try "app 0\n".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(throws: FileFailure.self) { try MapFile(path: path, key: "app").set(100) { "superseded" } }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "app 0\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["app.map"])
    }

    @Test func `lock and mark are their owner's to write, in a shared folder its group's, whatever the umask`() throws {
        let old = umask(0)
        defer { umask(old) }
        func modes(_ folderMode: mode_t) throws -> [mode_t] {
            let folder = try Folder()
            chmod(folder.path, folderMode)
            let owner = OwnerFile(of: folder.path + "/app.map", key: "app")
            let mark = OwnerMark(
                rollout: "a-1", epoch: 1, stable: "blue", original: "0", store: "/db", process: .current)
            #expect(owner.claim(mark, superseding: []) == .taken(before: nil))
            return [owner.path, owner.lockPath].map { path in
                var info = stat()
                stat(path, &info)
                return info.st_mode & 0o777
            }
        }
        // The mark holds no secret, and another user's `rescue` has to read it.
        #expect(try modes(0o755) == [0o644, 0o600])
        #expect(try modes(0o2775) == [0o664, 0o660])
    }

    @Test func `a lock is never taken through a link`() throws {
        let folder = try Folder()
        let (lock, victim) = (folder.path + "/app.map.lock", folder.path + "/victim")
        symlink(victim, lock)
        guard case .failed = FileLock.acquire(lock, patience: .zero) else {
            Issue.record("it was taken")
            return
        }
        #expect(!FileManager.default.fileExists(atPath: victim))
    }

    @Test func `a lock that is held is busy, and free once its holder lets it go`() throws {
        let folder = try Folder()
        let path = folder.path + "/app.map.lock"
        var first: FileLock.Attempt? = FileLock.acquire(path, patience: .zero)
        guard case .held = first, case .busy = FileLock.acquire(path, patience: .milliseconds(10)) else {
            Issue.record("it is not busy")
            return
        }
        first = nil
        guard case .held = FileLock.acquire(path, patience: .zero) else {
            Issue.record("it is not free")
            return
        }
    }

    @Test func `a takeover that finds no mark says so, and whoever comes after a crash still knows`() throws {
        let folder = try Folder()
        let owner = OwnerFile(of: folder.path + "/app.map", key: "app")
        func mark(_ epoch: Int) -> OwnerMark {
            OwnerMark(rollout: "a-1", epoch: epoch, stable: "blue", original: "0", store: "/db", process: .current)
        }
        #expect(owner.claim(mark(2), .takeover, superseding: []) == .taken(before: nil))
        #expect(owner.claim(mark(3), .takeover, superseding: []) == .taken(before: nil))
        #expect(owner.bears(mark(3)))
        #expect(!owner.bears(mark(2)))
    }

    @Test func `when a side last had traffic is kept beside the map, for each side`() throws {
        let folder = try Folder()
        let owner = OwnerFile(of: folder.path + "/app.map", key: "app")
        #expect(owner.lastTraffic(of: "green") == nil)
        owner.noteTraffic(of: "green", until: Timestamp(milliseconds: 5))
        owner.noteTraffic(of: "blue", until: Timestamp(milliseconds: 9))
        #expect(owner.lastTraffic(of: "green") == Timestamp(milliseconds: 5))
        #expect(owner.lastTraffic(of: "blue") == Timestamp(milliseconds: 9))
        try "cut".write(toFile: folder.path + "/app.map.app.traffic", atomically: true, encoding: .utf8)
        #expect(owner.lastTraffic(of: "blue") == nil)
    }

    @Test func `long and odd keys have marks of their own`() {
        func name(_ key: String) -> String { OwnerFile.name(of: key) }
        #expect(name("app") == "app")
        let long = String(repeating: "k", count: 300)
        #expect(name(long).utf8.count < 100)
        #expect(name(long + "1") != name(long + "2"))
        #expect(!name("/api/v1").contains("/"))
        #expect(name("/api/v1") != name("-api-v1"))
    }

    @Test func `servers and what they can do are read from show stat, by the columns' names`() {
        let stat =
            "# pxname,svname,qcur,qmax,scur,status,bck,addr\n"
            + "green,g1,0,0,3,UP,0,10.0.0.1:80\ngreen,g2,0,0,0,DOWN,1,\ngreen,BACKEND,0,0,3,UP,,\n"
            + "blue,b1,0,0,0,DOWN 1/2,0,\nblue,b2,0,0,0,MAINT,0,\nplain,p,0,0,0,no check,0,\n"
        let green = HAProxyServer.all(stat, of: "green")
        #expect(green.map(\.name) == ["g1", "g2", "BACKEND"])
        #expect(green.map(\.sessions) == [3, 0, 3])
        #expect(green.map(\.isBackup) == [false, true, false])
        #expect(green.first?.address == "10.0.0.1:80")
        #expect(HAProxyServer.complaint(green, of: "green") == nil)
        #expect(HAProxyServer.complaint(HAProxyServer.all(stat, of: "plain"), of: "plain") == nil)
        #expect(
            HAProxyServer.complaint(HAProxyServer.all(stat, of: "blue"), of: "blue")
                == "no server of the backend blue can serve: b1 DOWN 1/2, b2 MAINT")
        #expect(HAProxyServer.complaint([], of: "none") == "the backend none has no servers")
        let rules = HAProxyServer.all("# pxname,svname,status\nrules,BACKEND,UP\n", of: "rules")
        #expect(HAProxyServer.complaint(rules, of: "rules") == nil)
    }

    @Test func `a mark is taken once, by the newer driver of one rollout, and over a rollout that is known to be over`()
        throws
    {
        let folder = try Folder()
        let owner = OwnerFile(of: folder.path + "/app.map", key: "app")
        func mark(_ rollout: String, _ epoch: Int) -> OwnerMark {
            OwnerMark(rollout: rollout, epoch: epoch, stable: "blue", original: "0", store: "/db", process: .current)
        }
        #expect(owner.read() == .none)
        #expect(owner.claim(mark("a-1", 1), superseding: []) == .taken(before: nil))
        #expect(owner.claim(mark("a-1", 2), superseding: []) == .taken(before: mark("a-1", 1)))
        guard case .foreign = owner.claim(mark("a-1", 1), superseding: []) else {
            Issue.record("an older epoch")
            return
        }
        guard case .foreign(let holder) = owner.claim(mark("b-1", 1), superseding: []) else {
            Issue.record("another rollout")
            return
        }
        #expect(holder.contains("a-1"))
        #expect(owner.claim(mark("b-1", 1), superseding: ["a-1"]) == .taken(before: nil))
        #expect(owner.remove(mark("a-1", 9)) == nil)
        #expect(owner.read() == .mark(mark("b-1", 1)))
        #expect(owner.remove(mark("b-1", 1)) == nil)
        #expect(owner.read() == .none)
        try "not json".write(toFile: owner.path, atomically: true, encoding: .utf8)
        guard case .foreign = owner.claim(mark("c-1", 1), superseding: []) else {
            Issue.record("an unreadable mark")
            return
        }
    }

    @Test func `a missing socket is gone, at once`() async {
        let socket = HAProxySocket(path: "/nowhere/haproxy.sock")
        await #expect {
            _ = try await socket.send("show info")
        } throws: { ($0 as? HAProxySocket.Failure)?.isGone == true }
    }
}

/// A folder that goes with the test.
final class Folder {
    let path: String
    init() throws {
        path = NSTemporaryDirectory() + "/belay-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        chmod(path, 0o755)  // Another test may have taken the umask away.
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}

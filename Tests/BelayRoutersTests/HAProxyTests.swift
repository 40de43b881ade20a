import BelayCore
import BelayEngine
import Foundation
import Testing

@testable import BelayRouters

@Suite("HAProxy's lines and files")
struct HAProxyTests {
    private let target = HAProxyTarget(
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
        #expect(try file.value() == "2500")
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
        #expect(try file.value() == "0")
        try file.set(10_000)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "app 10000\nother\t5\n")
        try "app 0\napp\t1\n".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try file.keyCount() == 2)
    }

    @Test func `busy servers are read from show stat`() {
        let stat =
            "# pxname,svname,qcur,qmax,scur,smax\napp_green,g1,0,0,3,9\napp_green,g2,0,0,0,9\napp_green,BACKEND,0,0,3,9\n"
        #expect(HAProxyLine.busyServers(stat, of: "app_green") == ["g1"])
        #expect(HAProxyLine.busyServers(stat, of: "app_blue").isEmpty)
    }

    @Test func `a mark is taken once, by the newer driver of one rollout, and over a rollout that is known to be over`()
        throws
    {
        let folder = try Folder()
        let owner = OwnerFile(mapFile: folder.path + "/app.map", key: "app")
        func mark(_ rollout: String, _ epoch: Int) -> OwnerMark {
            OwnerMark(rollout: rollout, epoch: epoch, stable: "blue", original: "0", store: "/db", process: .current)
        }
        #expect(owner.read() == .none)
        #expect(owner.take(mark("a-1", 1), superseding: []) == .taken(before: nil))
        #expect(owner.take(mark("a-1", 2), superseding: []) == .taken(before: mark("a-1", 1)))
        guard case .foreign = owner.take(mark("a-1", 1), superseding: []) else {
            Issue.record("an older epoch")
            return
        }
        guard case .foreign(let holder) = owner.take(mark("b-1", 1), superseding: []) else {
            Issue.record("another rollout")
            return
        }
        #expect(holder.contains("a-1"))
        #expect(owner.take(mark("b-1", 1), superseding: ["a-1"]) == .taken(before: nil))
        #expect(owner.remove(mark("a-1", 9)) == nil)
        #expect(owner.read() == .mark(mark("b-1", 1)))
        #expect(owner.remove(mark("b-1", 1)) == nil)
        #expect(owner.read() == .none)
        try "not json".write(toFile: owner.path, atomically: true, encoding: .utf8)
        guard case .foreign = owner.take(mark("c-1", 1), superseding: []) else {
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
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}

package import BelayCore
internal import Foundation
internal import Glibc

/// The process that drives: enough to know on the same host whether it is still there.
package struct ProcessIdentity: Hashable, Sendable {
    package let host: String
    /// The kernel's id of the present boot; it differs after a reboot.
    package let bootID: String
    package let pid: Int
    /// The kernel's start time of the process, in clock ticks since boot. It tells apart two processes with the same
    /// pid.
    package let startTime: Int

    package init(host: String, bootID: String, pid: Int, startTime: Int) {
        self.host = host
        self.bootID = bootID
        self.pid = pid
        self.startTime = startTime
    }

    package static let current = ProcessIdentity(
        host: hostName, bootID: bootID, pid: Int(getpid()), startTime: startTime(of: Int(getpid())) ?? 0)

    /// False only where this host can tell that the process is gone.
    package var mayBeAlive: Bool {
        guard host == Self.hostName, bootID == Self.bootID else { return host != Self.hostName }
        return Self.startTime(of: pid) == startTime
    }

    package var text: String { "pid \(pid) on \(host)" }

    package static let hostName: String = {
        var name = utsname()
        uname(&name)
        return withUnsafeBytes(of: name.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }()

    private static let bootID: String =
        (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8))?
        .trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown"

    /// When a process of this host began, by the wall clock; nil where it is gone.
    package static func startMoment(ofProcess pid: Int) -> Timestamp? {
        guard let ticks = startTime(of: pid),
            let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8),
            let boot = text.split(separator: "\n").first(where: { $0.hasPrefix("btime ") })?.dropFirst(6),
            let seconds = Int64(boot)
        else { return nil }
        return Timestamp(
            milliseconds: seconds * 1000 + Int64(ticks) * 1000 / Int64(max(sysconf(Int32(_SC_CLK_TCK)), 1)))
    }

    /// Processes of the same program under the same parent, the parent being of that program, too: the workers of a server
    /// with a master process. Empty where the process is gone or its parent is another program.
    package static func workers(besideProcess pid: Int) -> [Int] {
        guard let fields = fields(of: pid), let parent = fields.first.flatMap({ Int($0) }), parent > 1,
            let name = name(of: pid), name == self.name(of: parent),
            let children = try? String(contentsOfFile: "/proc/\(parent)/task/\(parent)/children", encoding: .utf8)
        else { return [] }
        return children.split(separator: " ").compactMap { Int($0) }.filter { $0 != pid && self.name(of: $0) == name }
    }

    private static func name(of pid: Int) -> String? {
        try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)
    }

    /// Field 22 of `/proc/PID/stat`.
    private static func startTime(of pid: Int) -> Int? {
        guard let fields = fields(of: pid) else { return nil }
        return fields.count > 18 ? Int(fields[18]) : nil
    }

    /// The fields of `/proc/PID/stat` from the fourth on; nil where the process is gone. The command in the second one may
    /// have spaces and parentheses.
    private static func fields(of pid: Int) -> [Substring]? {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let end = stat.lastIndex(of: ")")
        else { return nil }
        let fields = stat[end...].split(separator: " ")
        // `Z`: the process is dead, and its parent has not waited for it yet.
        return fields.count > 2 && fields[1] != "Z" ? Array(fields.dropFirst(2)) : nil
    }
}

internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// The lines sent to HAProxy, and what its answers say. Answers are judged by their content: there are no status codes.
enum HAProxyLine {
    static func set(_ target: HAProxyTraffic, _ value: Int) -> String {
        "set map \(target.mapFile) \(target.key) \(value)"
    }
    static func add(_ target: HAProxyTraffic, _ value: Int) -> String {
        "add map \(target.mapFile) \(target.key) \(value)"
    }
    static func prepare(_ target: HAProxyTraffic) -> String { "prepare map \(target.mapFile)" }

    static func add(_ target: HAProxyTraffic, _ value: Int, version: Int) -> String {
        "add map @\(version) \(target.mapFile) \(target.key) \(value)"
    }

    static func commit(_ target: HAProxyTraffic, version: Int) -> String { "commit map @\(version) \(target.mapFile)" }
    static func read(_ target: HAProxyTraffic) -> String { "show info; get map \(target.mapFile) \(target.key)" }
    static func show(_ target: HAProxyTraffic) -> String { "show map \(target.mapFile)" }

    /// A setter's answer is empty; any other text is what went wrong.
    static func complaint(_ answer: String) -> String? {
        let text = answer.split(whereSeparator: \.isNewline).joined(separator: " ")
        return text.isEmpty ? nil : text
    }

    /// `New version created: 7`
    static func version(_ answer: String) -> Int? {
        guard let range = answer.firstRange(of: "New version created: ") else { return nil }
        return Int(answer[range.upperBound...].prefix { $0.isNumber })
    }

    /// What one instance holds.
    struct State: Equatable {
        /// The value of our key; nil where the map has no such key.
        var value: String?
        /// The map says that it has no such key.
        var isMissing = false
        /// Tells one HAProxy process from the next: the pid in the upper 32 bits, the start time (seconds since 1970)
        /// below.
        var process: Int64?
        /// What the instance says where it knows no such map.
        var complaint: String?

        /// Both parts of the answer are there.
        var isWhole: Bool { process != nil && (value != nil || complaint != nil || isMissing) }

        /// Whether that process is still there: its pid is, and it began at the same time within three seconds.
        static func isAlive(_ process: Int64) -> Bool {
            guard let start = ProcessIdentity.startMoment(ofProcess: Int(process >> 32)) else { return false }
            return abs(start.milliseconds / 1000 - (process & 0xFFFF_FFFF)) <= 3
        }

        /// The workers of the same master that began before that process, in the form of `process`. After a reload they
        /// serve the connections they have, with the map they had.
        static func earlierWorkers(_ process: Int64) -> [Int64] {
            guard isAlive(process), let own = ProcessIdentity.startMoment(ofProcess: Int(process >> 32)) else {
                return []
            }
            return ProcessIdentity.workers(besideProcess: Int(process >> 32)).compactMap { pid in
                guard let start = ProcessIdentity.startMoment(ofProcess: pid), start < own else { return nil }
                return Int64(pid) << 32 | (start.milliseconds / 1000 & 0xFFFF_FFFF)
            }
        }
    }

    /// Reads the answer to `read`: `Pid: 123`, `Start_time_sec: 1700000000`, `…, found=yes, …, value="1000", …`.
    static func state(_ answer: String) -> State {
        var state = State()
        var (pid, start) = (Int64?.none, Int64(0))
        for line in answer.split(whereSeparator: \.isNewline) {
            if let text = line.value(after: "Pid: ") { pid = Int64(text) }
            if let text = line.value(after: "Start_time_sec: ") { start = Int64(text) ?? 0 }
            if line.contains("found=yes"), let range = line.firstRange(of: "value=\"") {
                state.value = String(line[range.upperBound...].prefix { $0 != "\"" })
            }
            if line.contains("found=no") { state.isMissing = true }
            if line.hasPrefix("Unknown map identifier") || line.hasPrefix("Permission denied")
                || line.hasPrefix("Unknown command")
            {
                state.complaint = String(line)
            }
        }
        state.process = pid.map { $0 << 32 | (start & 0xFFFF_FFFF) }
        return state
    }

    /// The keys of `show map`: `0x7fb9dc0467c0 checkout 1000`.
    static func keys(_ answer: String) -> [String] {
        answer.split(whereSeparator: \.isNewline).compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            return fields.count >= 2 && fields[0].hasPrefix("0x") ? String(fields[1]) : nil
        }
    }

    /// The names of `show backend`; the first line is a comment.
    static func backends(_ answer: String) -> [String] {
        answer.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }.map(String.init)
    }
}

extension Substring {
    fileprivate func value(after prefix: String) -> Substring? { hasPrefix(prefix) ? dropFirst(prefix.count) : nil }
}

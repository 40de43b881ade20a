/// A server of a backend as `show stat` tells it. Columns are found by the name in the first line, since versions add more.
/// https://docs.haproxy.org/2.6/management.html#9.1
struct HAProxyServer: Hashable, Sendable {
    let name: String
    /// `UP`, `UP 1/3`, `DOWN`, `MAINT`, `DRAIN`, `no check` …
    let status: String
    let sessions: Int
    let isBackup: Bool
    /// Where it listens; empty where the socket's level hides it.
    let address: String

    /// It is up, or nobody checks it.
    var canServe: Bool { status.hasPrefix("UP") || status == "no check" }

    /// Whether this is the row that sums up the whole backend. A backend whose rules answer by themselves has no other
    /// row.
    var isSum: Bool { name == "BACKEND" }

    /// - Returns: The servers, and the row of the whole backend.
    static func all(_ answer: String, of backend: String) -> [HAProxyServer] {
        let lines = answer.split(whereSeparator: \.isNewline)
        guard let head = lines.first(where: { $0.hasPrefix("# ") }) else { return [] }
        let names = head.dropFirst(2).split(separator: ",", omittingEmptySubsequences: false)
        let columns = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        return lines.compactMap { line in
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            func field(_ name: Substring) -> Substring {
                columns[name].flatMap { fields.indices.contains($0) ? fields[$0] : nil } ?? ""
            }
            guard field("pxname") == backend, field("svname") != "FRONTEND" else { return nil }
            return HAProxyServer(
                name: String(field("svname")), status: String(field("status")), sessions: Int(field("scur")) ?? 0,
                isBackup: field("bck") == "1", address: String(field("addr")))
        }
    }

    /// Why a backend's servers can serve nothing; nil where one can.
    static func complaint(_ servers: [HAProxyServer], of backend: String) -> String? {
        let own = servers.filter { !$0.isSum }
        if own.isEmpty { return servers.contains(where: \.canServe) ? nil : "the backend \(backend) has no servers" }
        if own.contains(where: \.canServe) { return nil }
        let states = own.prefix(8).map { "\($0.name) \($0.status)" }.joined(separator: ", ")
        return "no server of the backend \(backend) can serve: \(states)"
    }
}

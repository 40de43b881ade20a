internal import BelayCore

/// Who runs the two versions, before the roles are known.
enum WorkloadUse {
    case external
    case command(deploy: CommandUse?, awaitReady: CommandUse?, adopt: CommandUse?, retire: CommandUse?)

    static func read(_ reader: SpecReader) -> WorkloadUse? {
        guard let fields = reader.fields(["external", "command", ClusterReader.key]),
            let kind = fields.exactlyOne(of: ["external", "command"]), let member = fields[kind]
        else { return nil }
        if kind == "external" { return .external }
        guard let parts = member.fields(["deploy", "awaitReady", "adopt", "retire"]) else { return nil }
        if parts.members.isEmpty { member.fail("at least one of deploy, awaitReady, adopt, retire is expected") }
        // To look whether a version is ready changes nothing, so it may be done twice.
        var awaitReady = parts["awaitReady"].flatMap { CommandReader.read($0, onCrash: .rerun) }
        awaitReady?.action.isRepeated = true
        return .command(
            deploy: parts["deploy"].flatMap { CommandReader.read($0) }, awaitReady: awaitReady,
            adopt: parts["adopt"].flatMap { CommandReader.read($0) },
            // To stop a version twice does no harm.
            retire: parts["retire"].flatMap { CommandReader.read($0, onCrash: .rerun) })
    }

    /// - Parameter facts: What `{{…}}` stands for; `retire` has `idle.side` and `idle.backend` as well.
    func bound(
        _ roles: Roles, of sides: Sides, _ facts: [String: String], _ issues: inout [SpecIssue]
    ) -> Workload {
        switch self {
        case .external: return .external
        case .command(let deploy, let awaitReady, let adopt, let retire):
            func idle(_ side: Side) -> [String: String] {
                facts.merging(["idle.side": side.name, "idle.backend": side.backend]) { $1 }
            }
            var workload = CommandWorkload()
            workload.deploy = deploy?.bound(to: facts, &issues)
            workload.awaitReady = awaitReady?.bound(to: facts, &issues)
            workload.adopt = adopt?.bound(to: facts, &issues)
            workload.retire = retire?.bound(to: idle(roles.stable(of: sides)), &issues)
            var doubled: [SpecIssue] = []  // The same program: its mistakes are told already.
            workload.retireCanary = retire?.bound(to: idle(roles.canary(of: sides)), &doubled)
            return .command(workload)
        }
    }

    var hasRetire: Bool {
        switch self {
        case .external: false
        case .command(_, _, _, let retire): retire != nil
        }
    }
}

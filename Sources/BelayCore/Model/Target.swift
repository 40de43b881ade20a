/// What a rollout changes: the part that divides the traffic, the part that runs the two versions, and an identity that
/// tells this target from another one of the same name. Machine, engine, journal and commands do not depend on the
/// vendor of either part.
package struct Target: Hashable, Sendable {
    package var traffic: Traffic
    package var workload: Workload
    /// Names vendor, host and object, so that one rollout at most is under way on it; see ``Traffic/identity(on:)``.
    package var identity: String
    package var sides: Sides { traffic.sides }

    package init(traffic: Traffic, workload: Workload = .external, identity: String) {
        self.traffic = traffic
        self.workload = workload
        self.identity = identity
    }
}

extension Target {
    package var json: JSONValue {
        .members([
            "identity": .string(identity), traffic.kind.rawValue: traffic.json,
            "workload": workload == .external ? nil : workload.json,
        ])
    }

    /// - Throws: ``Unreadable`` where a later version wrote it.
    package init(json: JSONValue) throws(Unreadable) {
        self.init(
            traffic: try Traffic(members: json), workload: try Workload(json: json["workload"]),
            identity: try need(json["identity"]?.string))
    }
}

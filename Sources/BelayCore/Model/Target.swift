/// What a rollout is done to: what divides the traffic, what runs the two versions, and what tells the pair from another one
/// of the same name. Machine, engine, journal and commands know neither by vendor.
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

/// Something in a target that cannot be, found without looking at the world.
package struct TargetMistake: Hashable, Sendable {
    /// Where it stands, seen from the target's own part of the file: `map.file`, `instances[1].socket`.
    package let path: String
    package let message: String

    package init(_ path: String, _ message: String) {
        self.path = path
        self.message = message
    }
}

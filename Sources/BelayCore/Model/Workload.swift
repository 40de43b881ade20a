/// Who runs the two versions: one case a kind, whose value brings its own checks and its own JSON.
package enum Workload: Hashable, Sendable {
    /// Somebody else deploys; Belay moves traffic, and adoption swaps the roles.
    case external
    /// The user's programs deploy to the side without traffic.
    case command(CommandWorkload)
    /// The target itself runs both versions: it deploys, waits, adopts and retires by itself.
    case managed(ManagedWorkload)
}

extension Workload {
    package var command: CommandWorkload? {
        switch self {
        case .external, .managed: nil
        case .command(let value): value
        }
    }

    package var managed: ManagedWorkload? {
        switch self {
        case .external, .command: nil
        case .managed(let value): value
        }
    }

    package var json: JSONValue {
        switch self {
        case .external: .members(["external": .object([])])
        case .managed(let value):
            .members([
                "managed": .members([
                    "comesHome": .bool(value.comesHome),
                    "keepCanary": value.keepCanary == .zero ? nil : .duration(value.keepCanary),
                ])
            ])
        case .command(let value):
            .members([
                "command": .members([
                    "deploy": value.deploy?.json, "awaitReady": value.awaitReady?.json, "adopt": value.adopt?.json,
                    "retire": value.retire?.json, "retireCanary": value.retireCanary?.json,
                ])
            ])
        }
    }

    /// - Parameter json: nil in journals of 0.1.0, where every workload was external.
    /// - Throws: ``Unreadable`` where a later version wrote it.
    package init(json: JSONValue?) throws(Unreadable) {
        guard let json, json["external"] == nil else {
            self = .external
            return
        }
        if let managed = json["managed"] {
            var value = ManagedWorkload(comesHome: try need(managed["comesHome"]?.bool))
            if let kept = managed["keepCanary"] { value.keepCanary = try need(kept.duration) }
            self = .managed(value)
            return
        }
        let members = try need(json["command"])
        var value = CommandWorkload()
        value.deploy = try CommandAction.optional(members["deploy"])
        value.awaitReady = try CommandAction.optional(members["awaitReady"])
        value.adopt = try CommandAction.optional(members["adopt"])
        value.retire = try CommandAction.optional(members["retire"])
        value.retireCanary = try CommandAction.optional(members["retireCanary"])
        self = .command(value)
    }
}

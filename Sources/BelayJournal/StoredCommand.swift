internal import BelayCore

/// An operator's command as the inbox and the journal keep it.
enum StoredCommand {
    static func encode(_ command: Command) -> JSONValue {
        let (verb, full, metric) = parts(of: command.verb)
        return .members([
            "id": .string(command.id), "verb": .string(verb), "full": full.map { .bool($0) },
            "metric": metric.map { .string($0) }, "actor": .string(command.actor.name),
            "user": command.actor.user.map { .string($0) },
            "groups": command.actor.groups.isEmpty ? nil : .strings(command.actor.groups),
            "reason": .string(command.reason), "aimedAt": command.aimedAt.map { .count($0) },
        ])
    }

    private static func parts(of verb: Command.Verb) -> (String, full: Bool?, metric: String?) {
        switch verb {
        case .pause: ("pause", nil, nil)
        case .resume: ("resume", nil, nil)
        case .rerun: ("rerun", nil, nil)
        case .promote(let isFull): ("promote", isFull, nil)
        case .approve: ("approve", nil, nil)
        case .deny: ("deny", nil, nil)
        case .skip(let metric): ("skip", nil, metric)
        case .abort: ("abort", nil, nil)
        }
    }

    static func decode(_ json: JSONValue) throws(Unreadable) -> Command {
        let verb: Command.Verb
        switch json["verb"]?.string {
        case "pause": verb = .pause
        case "resume": verb = .resume
        case "rerun": verb = .rerun
        case "promote": verb = .promote(full: json["full"]?.bool ?? false)
        case "approve": verb = .approve
        case "deny": verb = .deny
        case "skip": verb = .skip(metric: try need(json["metric"]?.string))
        case "abort": verb = .abort
        default: throw Unreadable()
        }
        let actor = Actor(
            name: json["actor"]?.string ?? "", groups: json["groups"]?.strings ?? [], user: json["user"]?.string)
        return Command(
            id: try need(json["id"]?.string), verb: verb, actor: actor, reason: json["reason"]?.string ?? "",
            aimedAt: json["aimedAt"]?.count)
    }
}

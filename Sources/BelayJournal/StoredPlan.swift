internal import BelayCore

/// The frozen plan and the originals, as the first event of a rollout keeps them.
enum StoredPlan {
    static func encode(_ started: Event.Started) -> JSONValue {
        .members([
            "plan": encode(started.plan), "original": started.original,
            "settleUntil": started.settleUntil.map { .time($0) }, "deadline": started.deadline.map { .time($0) },
            "actor": .string(started.actor.name),
            "groups": started.actor.groups.isEmpty ? nil : .strings(started.actor.groups),
            "reason": .string(started.reason), "digest": started.digest.map { .string($0) },
            "previous": started.previous.map { end in
                .members(["rollout": .string(end.rollout), "length": .count(end.length), "head": .string(end.head)])
            },
        ])
    }

    static func decode(_ json: JSONValue) throws(Unreadable) -> Event.Started {
        var started = Event.Started(
            plan: try plan(try need(json["plan"])), original: json["original"] ?? .null,
            settleUntil: json["settleUntil"]?.time, deadline: json["deadline"]?.time,
            actor: Actor(name: json["actor"]?.string ?? "", groups: json["groups"]?.strings ?? []),
            reason: json["reason"]?.string ?? "")
        started.digest = json["digest"]?.string
        if let end = json["previous"] {
            started.previous = .init(
                rollout: try need(end["rollout"]?.string), length: try need(end["length"]?.count),
                head: try need(end["head"]?.string))
        }
        return started
    }

    static func encode(_ plan: Plan) -> JSONValue {
        .members([
            "name": .string(plan.name), "revision": .string(plan.revision), "target": plan.target.json,
            "canaryIsSecond": .bool(plan.roles.canaryIsSecond), "steps": .array(plan.steps.map(encode)),
            "metrics": .array(plan.metrics.map(StoredMetric.encode)),
            "progressDeadline": .duration(plan.progressDeadline),
            "waitLimit": .duration(plan.waitLimit), "settle": plan.settle.map { .duration($0) },
        ])
    }

    private static func plan(_ json: JSONValue) throws(Unreadable) -> Plan {
        var steps: [PlanStep] = []
        for item in json["steps"]?.array ?? [] { steps.append(try step(item)) }
        var metrics: [Metric] = []
        for item in json["metrics"]?.array ?? [] { metrics.append(try StoredMetric.decode(item)) }
        var plan = Plan(
            name: try need(json["name"]?.string), revision: try need(json["revision"]?.string),
            target: try Target(json: try need(json["target"])),
            roles: Roles(canaryIsSecond: try need(json["canaryIsSecond"]?.bool)),
            steps: steps, metrics: metrics)
        plan.progressDeadline = try need(json["progressDeadline"]?.duration)
        plan.waitLimit = try need(json["waitLimit"]?.duration)
        plan.settle = json["settle"]?.duration
        return plan
    }

    private static func encode(_ step: PlanStep) -> JSONValue {
        .members([
            "name": step.name.map { .string($0) }, "weight": .weight(step.weight),
            "asked": step.asked.map { .weight($0) }, "holdMin": .duration(step.hold.min),
            "holdMax": .duration(step.hold.max), "approval": step.approval.map(encode),
            "run": step.run?.json,
        ])
    }

    private static func step(_ json: JSONValue) throws(Unreadable) -> PlanStep {
        var step = PlanStep(
            name: json["name"]?.string, weight: try need(json["weight"]?.weight),
            hold: Hold(min: try need(json["holdMin"]?.duration), max: try need(json["holdMax"]?.duration)),
            approval: try approval(json["approval"]))
        step.asked = json["asked"]?.weight
        step.run = try CommandAction.optional(json["run"])
        return step
    }

    private static func encode(_ approval: Approval) -> JSONValue {
        .members([
            "from": .strings(approval.from), "count": .count(approval.count),
            "sharedUser": approval.isSharedUser ? .bool(true) : nil, "timeout": .duration(approval.timeout),
            "onTimeout": .string(approval.onTimeout.rawValue),
        ])
    }

    private static func approval(_ json: JSONValue?) throws(Unreadable) -> Approval? {
        guard let json else { return nil }
        var approval = Approval()
        approval.from = json["from"]?.strings ?? []
        approval.count = try need(json["count"]?.count)
        approval.isSharedUser = json["sharedUser"]?.bool ?? false
        approval.timeout = try need(json["timeout"]?.duration)
        approval.onTimeout = try need(json["onTimeout"]?.string.flatMap { Approval.Answer(rawValue: $0) })
        return approval
    }
}

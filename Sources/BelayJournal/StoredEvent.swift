package import BelayCore

/// The stable names of stored events and their payloads. A name or a member, once released, is never renamed or given
/// another meaning: `Tests/BelayJournalTests` keeps a golden journal that later binaries must read.
package enum StoredEvent {
    /// The stable name under which an event is stored.
    package static func name(of event: Event) -> String {
        switch event {
        case .started: "rollout.started"
        case .tookOver: "driver.took-over"
        case .actionBegan: "action.began"
        case .actionEnded: "action.ended"
        case .claimed: "target.claimed"
        case .claimFailed: "target.mark-failed"
        case .stepStarted: "step.started"
        case .trafficConfirmed: "traffic.confirmed"
        case .trafficAccepted: "traffic.accepted"
        case .trafficFailed: "traffic.failed"
        case .routerLost: "router.lost"
        case .routerFound: "router.found"
        case .routerReloaded: "router.reloaded"
        case .oldProcesses: "router.old-processes"
        case .returnUndone: "way-back.undone"
        case .measured: "metric.measured"
        case .verdict: "metric.verdict"
        case .watched: "hold.watched"
        case .settlingBegan: "settling.began"
        case .approvalAsked: "approval.asked"
        case .stepPassed: "step.passed"
        case .paused: "rollout.paused"
        case .obeyed: "operator.obeyed"
        case .approvalTimedOut: "approval.timed-out"
        case .wayBackBegan: "way-back.began"
        case .attentionNeeded: "attention.needed"
        case .clockJumped: "clock.jumped"
        case .adopted: "rollout.adopted"
        case .finished: "rollout.finished"
        case .unreadable(let name): name
        }
    }

    /// What is stored of it beside its name and time.
    package static func payload(of event: Event) -> JSONValue {
        switch event {
        case .started(let started): StoredPlan.encode(started)
        case .tookOver(let epoch, let holder): .members(["epoch": .count(epoch), "holder": .string(holder)])
        case .actionBegan(let run): StoredAction.encode(run)
        case .actionEnded(let run, let end): StoredAction.encode(run, end)
        case .claimed(let epoch): .members(["epoch": .count(epoch)])
        case .claimFailed(let message), .routerLost(let message), .attentionNeeded(let message),
            .returnUndone(let message):
            .members(["message": .string(message)])
        case .stepStarted(let step, let share): .members(["step": .count(step), "share": .weight(share)])
        case .trafficConfirmed(let share, let incarnations):
            .members(["share": .weight(share), "processes": encode(incarnations)])
        case .trafficAccepted(let share): .members(["share": .weight(share)])
        case .trafficFailed(let share, let message): .members(["share": .weight(share), "message": .string(message)])
        case .routerFound, .adopted, .unreadable: .object([])
        case .routerReloaded(let incarnations, let found):
            .members(["processes": encode(incarnations), "found": .array(found.map { .weight($0) })])
        case .oldProcesses(let found): .members(["pids": .array(found.map { .count($0) })])
        case .measured(let measured): encode(measured)
        case .verdict(let metric, let verdict, let message):
            .members(["metric": .count(metric), "verdict": .string(verdict.rawValue), "message": .string(message)])
        case .watched(let total, let until): .members(["total": .duration(total), "until": .time(until)])
        case .settlingBegan(let until): .members(["until": .time(until)])
        case .approvalAsked(let step, let until): .members(["step": .count(step), "until": .time(until)])
        case .stepPassed(let step), .approvalTimedOut(let step): .members(["step": .count(step)])
        case .paused(let message, let until): .members(["message": .string(message), "until": .time(until)])
        case .obeyed(let command): StoredCommand.encode(command)
        case .wayBackBegan(let cause): encode(cause)
        case .clockJumped(let milliseconds): .members(["milliseconds": .int(milliseconds)])
        case .finished(let outcome): encode(outcome)
        }
    }

    /// What a stored event says; one that this version cannot read becomes `.unreadable` and blocks nothing.
    package static func event(named name: String, _ payload: JSONValue) -> Event {
        do throws(Unreadable) {
            return try decode(name, payload)
        } catch {
            return .unreadable(name: name)
        }
    }

    private static func decode(_ name: String, _ json: JSONValue) throws(Unreadable) -> Event {
        switch name {
        case "rollout.started": return .started(try StoredPlan.decode(json))
        case "driver.took-over":
            return .tookOver(epoch: try need(json["epoch"]?.count), holder: json["holder"]?.string ?? "")
        case "action.began": return .actionBegan(try StoredAction.run(json))
        case "action.ended": return .actionEnded(try StoredAction.run(json), try StoredAction.end(json))
        case "target.claimed": return .claimed(epoch: try need(json["epoch"]?.count))
        case "target.mark-failed": return .claimFailed(json["message"]?.string ?? "")
        case "step.started":
            return .stepStarted(step: try need(json["step"]?.count), share: try need(json["share"]?.weight))
        case "traffic.confirmed":
            return .trafficConfirmed(
                share: try need(json["share"]?.weight), incarnations: incarnations(json["processes"]))
        case "traffic.accepted": return .trafficAccepted(share: try need(json["share"]?.weight))
        case "traffic.failed":
            return .trafficFailed(share: try need(json["share"]?.weight), message: json["message"]?.string ?? "")
        case "router.lost": return .routerLost(json["message"]?.string ?? "")
        case "router.found": return .routerFound
        case "router.reloaded":
            let found = (json["found"]?.array ?? []).compactMap(\.weight)
            return .routerReloaded(incarnations: incarnations(json["processes"]), found: found)
        case "router.old-processes":
            return .oldProcesses((json["pids"]?.array ?? []).compactMap { $0.count })
        case "way-back.undone": return .returnUndone(json["message"]?.string ?? "")
        case "metric.measured": return .measured(try measured(json))
        case "metric.verdict":
            let verdict = try need(json["verdict"]?.string.flatMap { Verdict(rawValue: $0) })
            return .verdict(
                metric: try need(json["metric"]?.count), verdict: verdict, message: json["message"]?.string ?? "")
        case "hold.watched":
            return .watched(total: try need(json["total"]?.duration), until: try need(json["until"]?.time))
        case "settling.began": return .settlingBegan(until: try need(json["until"]?.time))
        case "approval.asked":
            return .approvalAsked(step: try need(json["step"]?.count), until: try need(json["until"]?.time))
        case "step.passed": return .stepPassed(step: try need(json["step"]?.count))
        case "rollout.paused":
            return .paused(message: json["message"]?.string ?? "", until: try need(json["until"]?.time))
        case "operator.obeyed": return .obeyed(try StoredCommand.decode(json))
        case "approval.timed-out": return .approvalTimedOut(step: try need(json["step"]?.count))
        case "way-back.began": return .wayBackBegan(try cause(json))
        case "attention.needed": return .attentionNeeded(json["message"]?.string ?? "")
        case "clock.jumped": return .clockJumped(milliseconds: try need(json["milliseconds"]?.int))
        case "rollout.adopted": return .adopted
        case "rollout.finished": return .finished(try outcome(json))
        default: throw Unreadable()
        }
    }

    /// An incarnation that is a whole number is stored as a number: 0.1.0 knew no others.
    private static func encode(_ incarnations: [String?]) -> JSONValue {
        .array(incarnations.map { text in text.map { text in Int64(text).map { .int($0) } ?? .string(text) } ?? .null })
    }

    private static func incarnations(_ json: JSONValue?) -> [String?] {
        (json?.array ?? []).map { $0.string ?? $0.int.map { "\($0)" } }
    }

    private static func encode(_ measured: Event.Measured) -> JSONValue {
        let measurement = measured.measurement
        return .members([
            "metric": .count(measurement.metric), "phase": .string(measurement.phase.rawValue),
            "value": .string(measurement.value),
            "message": measurement.message.isEmpty ? nil : .string(measurement.message),
            "started": .time(measurement.startedAt), "finished": .time(measurement.finishedAt),
            "fresh": .bool(measured.isFresh), "watched": .duration(measured.watched),
            "watchedUntil": measured.watchedUntil.map { .time($0) },
            "sampled": measurement.sampledAt.map { .time($0) },
            "requests": measurement.requests.map { .double($0) }, "idle": measurement.isIdle ? .bool(true) : nil,
            "evidence": measurement.evidence.map(StoredEvidence.encode),
        ])
    }

    private static func measured(_ json: JSONValue) throws(Unreadable) -> Event.Measured {
        let phase = try need(json["phase"]?.string.flatMap { MeasurementPhase(rawValue: $0) })
        let measurement = Measurement(
            metric: try need(json["metric"]?.count), phase: phase, value: json["value"]?.string ?? "",
            message: json["message"]?.string ?? "", startedAt: try need(json["started"]?.time),
            finishedAt: try need(json["finished"]?.time), sampledAt: json["sampled"]?.time,
            requests: json["requests"]?.number, isIdle: json["idle"]?.bool ?? false,
            evidence: try StoredEvidence.decode(json["evidence"]))
        return Event.Measured(
            measurement: measurement, isFresh: try need(json["fresh"]?.bool),
            watched: try need(json["watched"]?.duration),
            watchedUntil: json["watchedUntil"]?.time)
    }

    private static func encode(_ cause: Cause) -> JSONValue {
        .members(["kind": .string(cause.kind.rawValue), "message": .string(cause.message)])
    }

    private static func cause(_ json: JSONValue) throws(Unreadable) -> Cause {
        // A cause of a newer version still means the way back.
        Cause(json["kind"]?.string.flatMap { Cause.Kind(rawValue: $0) } ?? .gate, json["message"]?.string ?? "")
    }

    private static func encode(_ outcome: Outcome) -> JSONValue {
        switch outcome {
        case .promoted: .members(["outcome": .string("promoted")])
        case .rolledBack(let cause): .members(["outcome": .string("rolled-back"), "cause": encode(cause)])
        case .refused(let holder): .members(["outcome": .string("refused"), "holder": .string(holder)])
        }
    }

    private static func outcome(_ json: JSONValue) throws(Unreadable) -> Outcome {
        switch json["outcome"]?.string {
        case "promoted": return .promoted
        case "rolled-back": return .rolledBack(try cause(try need(json["cause"])))
        case "refused": return .refused(json["holder"]?.string ?? "")
        default: throw Unreadable()
        }
    }
}

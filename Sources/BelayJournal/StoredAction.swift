internal import BelayCore

/// Beginnings and ends of actions, as the journal keeps them.
enum StoredAction {
    /// - Parameter end: nil for a beginning.
    static func encode(_ run: ActionRun, _ end: ActionEnd? = nil) -> JSONValue {
        let (list, step): (String, Int?) =
            switch run.list {
            case .opening: ("opening", nil)
            case .step(let step): ("step", step)
            case .forward: ("forward", nil)
            case .back: ("back", nil)
            }
        let (result, message): (String?, String?) =
            switch end {
            case .done: ("done", nil)
            case .failed(let message): ("failed", message)
            case .interrupted: ("interrupted", nil)
            case .assumed: ("assumed", nil)
            case nil: (nil, nil)
            }
        return .members([
            "action": .string(run.kind.rawValue), "list": .string(list), "step": step.map { .count($0) },
            "index": .count(run.index), "attempt": .count(run.attempt), "result": result.map { .string($0) },
            "message": message.map { .string($0) },
        ])
    }

    static func run(_ json: JSONValue) throws(Unreadable) -> ActionRun {
        let list: ActionList
        switch json["list"]?.string {
        case "opening": list = .opening
        case "step": list = .step(try need(json["step"]?.count))
        case "forward": list = .forward
        case "back": list = .back
        default: throw Unreadable()
        }
        return ActionRun(
            try need(json["action"]?.string.flatMap { ActionKind(rawValue: $0) }), list,
            index: try need(json["index"]?.count), attempt: try need(json["attempt"]?.count))
    }

    static func end(_ json: JSONValue) throws(Unreadable) -> ActionEnd {
        switch json["result"]?.string {
        case "done": return .done
        case "failed": return .failed(json["message"]?.string ?? "")
        case "interrupted": return .interrupted
        case "assumed": return .assumed
        default: throw Unreadable()
        }
    }
}

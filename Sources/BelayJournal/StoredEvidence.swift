internal import BelayCore

/// A comparison's window with what was known after it. Counts and e-values are doubles, written so that they read back
/// bit for bit.
enum StoredEvidence {
    static func encode(_ evidence: Evidence) -> JSONValue {
        let window = evidence.window
        return .members([
            "test": .string(evidence.test.rawValue), "from": .time(window.from), "to": .time(window.to),
            "since": .time(window.since), "canary": .double(window.canaryRequests),
            "stable": .double(window.stableRequests),
            "bad": .array(window.bad.map { .array([.double($0.canary), .double($0.stable)]) }),
            "step": .count(evidence.step), "whole": .bool(evidence.isWhole),
            "anew": evidence.beginsAnew ? .bool(true) : nil, "harm": .double(evidence.harm),
            "harmLimit": .double(evidence.harmLimit), "promotion": .double(evidence.promotion),
            "requests": .double(evidence.requests), "reference": .double(evidence.reference),
        ])
    }

    static func decode(_ json: JSONValue?) throws(Unreadable) -> Evidence? {
        guard let json else { return nil }
        var bad: [CountWindow.Bad] = []
        for pair in try need(json["bad"]?.array) {
            guard let pair = pair.array, pair.count == 2 else { throw Unreadable() }
            bad.append(.init(canary: try need(pair[0].number), stable: try need(pair[1].number)))
        }
        let window = CountWindow(
            from: try need(json["from"]?.time), to: try need(json["to"]?.time), since: try need(json["since"]?.time),
            canaryRequests: try need(json["canary"]?.number), stableRequests: try need(json["stable"]?.number), bad: bad
        )
        var evidence = Evidence(
            test: try need(json["test"]?.string.flatMap { Evidence.Test(rawValue: $0) }), window: window,
            step: try need(json["step"]?.count), isWhole: try need(json["whole"]?.bool),
            harm: try need(json["harm"]?.number), harmLimit: try need(json["harmLimit"]?.number),
            promotion: try need(json["promotion"]?.number), requests: try need(json["requests"]?.number),
            reference: try need(json["reference"]?.number))
        evidence.beginsAnew = json["anew"]?.bool ?? false
        return evidence
    }
}

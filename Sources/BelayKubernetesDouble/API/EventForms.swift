internal import BelayCore

/// Events are one kind of object under two names: with other words for the same things in each.
enum EventForms {
    private static let words = [
        ("message", "note"), ("involvedObject", "regarding"), ("source", "deprecatedSource"),
        ("count", "deprecatedCount"),
        ("firstTimestamp", "deprecatedFirstTimestamp"), ("lastTimestamp", "deprecatedLastTimestamp"),
        ("reportingComponent", "reportingController"),
    ]

    static func shown(_ event: JSONValue, asNew: Bool) -> JSONValue {
        var event = asNew ? renamed(event, words) : event
        event.setMember("apiVersion", .string(asNew ? "events.k8s.io/v1" : "v1"))
        return event
    }

    static func stored(_ event: JSONValue) -> JSONValue { renamed(event, words.map { ($0.1, $0.0) }) }

    private static func renamed(_ event: JSONValue, _ words: [(String, String)]) -> JSONValue {
        .object(
            event.members.map { member in
                .init(words.first { $0.0 == member.key }?.1 ?? member.key, member.value)
            })
    }
}

internal import BelayCore

extension JSONValue {
    /// An object without the members that are nil.
    static func members(_ pairs: KeyValuePairs<String, JSONValue?>) -> JSONValue {
        .object(pairs.compactMap { key, value in value.map { Member(key, $0) } })
    }

    static func duration(_ duration: Duration) -> JSONValue { .int(duration.wholeMilliseconds) }
    static func time(_ time: Timestamp) -> JSONValue { .int(time.milliseconds) }
    static func weight(_ weight: Weight) -> JSONValue { .int(Int64(weight.basisPoints)) }
    static func count(_ count: Int) -> JSONValue { .int(Int64(count)) }
    static func strings(_ strings: [String]) -> JSONValue { .array(strings.map { .string($0) }) }

    var duration: Duration? { int.map { .milliseconds($0) } }
    var time: Timestamp? { int.map { Timestamp(milliseconds: $0) } }
    var weight: Weight? { int.flatMap { Weight(basisPoints: Int($0)) } }
    var count: Int? { int.map { Int($0) } }
    var strings: [String]? { array?.compactMap(\.string) }
}

/// A stored value that this version cannot read.
struct Unreadable: Error {}

/// Unwraps a member of a stored value.
func need<Value>(_ value: Value?) throws(Unreadable) -> Value {
    guard let value else { throw Unreadable() }
    return value
}

extension JSONValue {
    /// An object without the members that are nil.
    package static func members(_ pairs: KeyValuePairs<String, JSONValue?>) -> JSONValue {
        .object(pairs.compactMap { key, value in value.map { Member(key, $0) } })
    }

    package static func duration(_ duration: Duration) -> JSONValue { .int(duration.wholeMilliseconds) }
    package static func time(_ time: Timestamp) -> JSONValue { .int(time.milliseconds) }
    package static func weight(_ weight: Weight) -> JSONValue { .int(Int64(weight.basisPoints)) }
    package static func count(_ count: Int) -> JSONValue { .int(Int64(count)) }
    package static func strings(_ strings: [String]) -> JSONValue { .array(strings.map { .string($0) }) }

    package var duration: Duration? { int.map { .milliseconds($0) } }
    package var time: Timestamp? { int.map { Timestamp(milliseconds: $0) } }
    package var weight: Weight? { int.flatMap { Weight(basisPoints: Int($0)) } }
    package var count: Int? { int.map { Int($0) } }
    package var strings: [String]? { array?.compactMap(\.string) }
}

/// A stored value that this version cannot read.
package struct Unreadable: Error {
    package init() {}
}

/// Unwraps a member of a stored value.
/// - Throws: ``Unreadable`` where there is none.
package func need<Value>(_ value: Value?) throws(Unreadable) -> Value {
    guard let value else { throw Unreadable() }
    return value
}

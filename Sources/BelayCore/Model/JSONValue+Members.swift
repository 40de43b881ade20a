extension JSONValue {
    /// An object without the members that are nil.
    package static func members(_ pairs: KeyValuePairs<String, JSONValue?>) -> JSONValue {
        .object(pairs.compactMap { key, value in value.map { Member(key, $0) } })
    }

    /// In milliseconds.
    package static func duration(_ duration: Duration) -> JSONValue { .int(duration.wholeMilliseconds) }
    /// In milliseconds since 1970.
    package static func time(_ time: Timestamp) -> JSONValue { .int(time.milliseconds) }
    /// In basis points.
    package static func weight(_ weight: Weight) -> JSONValue { .int(Int64(weight.basisPoints)) }
    /// A whole number.
    package static func count(_ count: Int) -> JSONValue { .int(Int64(count)) }
    /// A list of texts.
    package static func strings(_ strings: [String]) -> JSONValue { .array(strings.map { .string($0) }) }

    package var duration: Duration? { int.map { .milliseconds($0) } }
    package var time: Timestamp? { int.map { Timestamp(milliseconds: $0) } }
    package var weight: Weight? { int.flatMap { Weight(basisPoints: Int($0)) } }
    package var count: Int? { int.map { Int($0) } }
    package var strings: [String]? { array?.compactMap(\.string) }
}

/// Unwraps a member of a stored value.
/// - Throws: ``Unreadable`` where there is none.
package func need<Value>(_ value: Value?) throws(Unreadable) -> Value {
    guard let value else { throw Unreadable() }
    return value
}

internal import BelayCore

/// What may stand where in an object: names and types of members, and how a list is merged. One description serves the patches,
/// the ownership of fields and the validation.
struct Schema: Sendable {
    /// What one place may hold.
    indirect enum Kind: Sendable {
        /// Whatever there is: objects are merged, lists are replaced.
        case any
        case scalar(Scalar)
        case structure([String: Schema])
        /// An object whose keys are free.
        case map(Schema)
        /// An object that is set and owned as a whole.
        case atomic(Schema)
        /// A list that is set and owned as a whole.
        case list(Schema)
        /// A list of objects that are known by the values of these keys.
        case keyedList([String], Schema)
        /// A list of strings, each for itself.
        case set
    }

    /// Types of single values, by their letter in ``SchemaTable``.
    enum Scalar: Character, Sendable {
        case string = "s"
        case integer = "i"
        case boolean = "b"
        /// A time with six digits of a second, as Leases have it.
        case microTime = "m"
        case number = "n"
        /// A number or a percentage.
        case integerOrString = "x"
    }

    let kind: Kind

    static let any = Schema(kind: .any)

    /// What may stand below that key.
    func member(_ key: String) -> Schema {
        switch kind {
        case .structure(let members): members[key] ?? .any
        case .map(let value): value
        case .atomic(let inner): inner.member(key)
        case .any, .scalar, .list, .keyedList, .set: .any
        }
    }

    /// What the items of a list may be.
    var item: Schema {
        switch kind {
        case .list(let item), .keyedList(_, let item): item
        case .any, .scalar, .structure, .map, .atomic, .set: .any
        }
    }

    // MARK: Validation

    /// Members that nobody knows: `spec.replikas`.
    func unknownFields(in value: JSONValue, at path: String = "") -> [String] {
        switch (kind, value) {
        case (.structure(let known), .object(let members)):
            return members.flatMap { member -> [String] in
                let place = path.isEmpty ? member.key : "\(path).\(member.key)"
                guard let schema = known[member.key] else { return [place] }
                return schema.unknownFields(in: member.value, at: place)
            }
        case (.map(let inner), .object(let members)):
            return members.flatMap { inner.unknownFields(in: $0.value, at: "\(path).\($0.key)") }
        case (.atomic(let inner), _): return inner.unknownFields(in: value, at: path)
        case (.list, .array(let items)), (.keyedList, .array(let items)):
            return items.enumerated().flatMap { item.unknownFields(in: $1, at: "\(path)[\($0)]") }
        default: return []
        }
    }

    /// The first value of a wrong type: its place, what is wanted and what is there.
    func mistyped(in value: JSONValue, at path: String = "") -> (path: String, wanted: String, found: String)? {
        if value.isNull { return nil }
        switch kind {
        case .any, .set: return nil
        case .scalar(let scalar): return scalar.wanted(by: value).map { (path, $0, value.typeName) }
        case .atomic(let inner): return inner.mistyped(in: value, at: path)
        case .structure, .map:
            guard case .object(let members) = value else { return (path, "object", value.typeName) }
            for child in members {
                let place = path.isEmpty ? child.key : "\(path).\(child.key)"
                if let found = member(child.key).mistyped(in: child.value, at: place) { return found }
            }
            return nil
        case .list, .keyedList:
            guard case .array(let items) = value else { return (path, "array", value.typeName) }
            for (index, child) in items.enumerated() {
                if let found = item.mistyped(in: child, at: "\(path)[\(index)]") { return found }
            }
            return nil
        }
    }
}

extension Schema.Scalar {
    /// `2026-01-01T00:00:00.000000Z`, digit by digit.
    private static func isMicroTime(_ text: String) -> Bool {
        let pattern = Array("0000-00-00T00:00:00.000000Z".utf8)
        let bytes = Array(text.utf8)
        return bytes.count == pattern.count
            && zip(bytes, pattern).allSatisfy { byte, wanted in
                wanted == UInt8(ascii: "0") ? (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) : byte == wanted
            }
    }

    /// The name of the type that is wanted, where the value has another.
    fileprivate func wanted(by value: JSONValue) -> String? {
        switch (self, value) {
        case (.string, .string), (.integer, .int), (.boolean, .bool), (.number, .int), (.number, .double),
            (.number, .number), (.integer, .number),
            (.integerOrString, .int), (.integerOrString, .string):
            nil
        case (.microTime, .string(let text)) where Self.isMicroTime(text): nil
        case (.microTime, _): "time as 2006-01-02T15:04:05.000000Z07:00"
        case (.string, _): "string"
        case (.integer, _): "integer"
        case (.boolean, _): "boolean"
        case (.number, _): "number"
        case (.integerOrString, _): "integer or string"
        }
    }
}

extension JSONValue {
    fileprivate var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .int: "integer"
        case .double, .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

package import BelayCore

/// Reading and changing values by the names of their members.
extension JSONValue {
    /// An object without members.
    package static let empty = JSONValue.object([])

    /// The members of an object; none of anything else.
    var members: [Member] { if case .object(let members) = self { members } else { [] } }

    var isNull: Bool { self == .null }

    /// The value below these keys, or nil where one of them is missing.
    package func at(_ keys: String...) -> JSONValue? { at(keys[...]) }

    func at(_ keys: ArraySlice<String>) -> JSONValue? {
        guard let first = keys.first else { return self }
        return self[first]?.at(keys.dropFirst())
    }

    /// Sets what is below these keys, and makes the objects in between; nil removes it.
    package mutating func put(_ value: JSONValue?, at keys: String...) { put(value, at: keys[...]) }

    mutating func put(_ value: JSONValue?, at keys: ArraySlice<String>) {
        guard let first = keys.first else {
            self = value ?? .null
            return
        }
        if keys.count == 1 { return setMember(first, value) }
        guard value != nil || self[first] != nil else { return }
        var child = self[first] ?? .empty
        child.put(value, at: keys.dropFirst())
        setMember(first, child)
    }

    mutating func setMember(_ key: String, _ value: JSONValue?) {
        var members = members
        let index = members.firstIndex { $0.key == key }
        switch (index, value) {
        case (let index?, let value?): members[index] = Member(key, value)
        case (nil, let value?): members.append(Member(key, value))
        case (let index?, nil): members.remove(at: index)
        case (nil, nil): return
        }
        self = .object(members)
    }

    /// Sets a member that is missing or null.
    mutating func fill(_ keys: String..., with value: JSONValue) {
        if let present = at(keys[...]), !present.isNull { return }
        put(value, at: keys[...])
    }

    /// Changes each item of a list.
    mutating func forEachItem(at keys: String..., change: (inout JSONValue) -> Void) {
        guard var items = at(keys[...])?.array else { return }
        for index in items.indices { change(&items[index]) }
        put(.array(items), at: keys[...])
    }

    /// A label or an annotation; a string map's value.
    func text(_ keys: String...) -> String? { at(keys[...])?.string }

    /// The same whatever the order of the members, and without those that are null: what a server compares.
    func isSame(as other: JSONValue) -> Bool {
        switch (self, other) {
        case (.object(let own), .object(let others)):
            let (own, others) = (own.filter { !$0.value.isNull }, others.filter { !$0.value.isNull })
            guard own.count == others.count else { return false }
            return own.allSatisfy { member in other[member.key].map(member.value.isSame) ?? false }
        case (.array(let own), .array(let others)):
            return own.count == others.count && zip(own, others).allSatisfy { $0.isSame(as: $1) }
        default: return self == other || (number != nil && number == other.number)
        }
    }

    /// Members in the order of their keys, so that equal objects give one text.
    var sorted: JSONValue {
        switch self {
        case .object(let members):
            .object(members.map { Member($0.key, $0.value.sorted) }.sorted { $0.key < $1.key })
        case .array(let items): .array(items.map(\.sorted))
        case .null, .bool, .int, .double, .number, .string: self
        }
    }

    /// A map of strings, such as labels.
    var stringMap: [String: String] {
        var map: [String: String] = [:]
        for member in members { map[member.key] = member.value.string }
        return map
    }

    static func map(_ pairs: [String: String]) -> JSONValue {
        .object(pairs.sorted { $0.key < $1.key }.map { Member($0.key, .string($0.value)) })
    }
}

extension JSONValue: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: Int64) { self = .int(value) }
}

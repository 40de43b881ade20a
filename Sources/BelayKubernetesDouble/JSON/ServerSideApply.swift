internal import BelayCore

/// Merges a configuration into an object, and takes away what its manager wanted before and does not any more.
enum ServerSideApply {
    static func merge(_ applied: JSONValue, into live: JSONValue, _ schema: Schema) -> JSONValue {
        switch (schema.kind, applied, live) {
        case (.structure, .object(let members), .object), (.map, .object(let members), .object),
            (.any, .object(let members), .object):
            var result = live
            for member in members where !member.value.isNull {
                let below = live[member.key] ?? .null
                result.setMember(member.key, merge(member.value, into: below, schema.member(member.key)))
            }
            return result
        case (.keyedList(let keys, let item), .array(let items), .array(var result)):
            for value in items {
                let key = FieldComparison.element(of: value, keys)
                if let index = result.firstIndex(where: { FieldComparison.element(of: $0, keys) == key }) {
                    result[index] = merge(value, into: result[index], item)
                } else {
                    result.append(value)
                }
            }
            return .array(result)
        case (.set, .array(let items), .array(let list)): return .array(list + items.filter { !list.contains($0) })
        default: return applied
        }
    }

    static func remove(_ fields: FieldTree, from value: JSONValue, _ schema: Schema) -> JSONValue? {
        if fields.isMember, fields.children.isEmpty { return nil }
        switch (schema.kind, value) {
        case (.structure, .object), (.map, .object), (.any, .object):
            var result = value
            for (key, below) in fields.children where key.hasPrefix("f:") {
                let name = String(key.dropFirst(2))
                guard let child = value[name] else { continue }
                result.setMember(name, remove(below, from: child, schema.member(name)))
            }
            return result
        case (.keyedList(let keys, let item), .array(let items)):
            return .array(
                items.compactMap { child in
                    guard let below = fields.children[FieldComparison.element(of: child, keys)] else { return child }
                    return below.isMember ? nil : remove(below, from: child, item)
                })
        default: return value
        }
    }
}

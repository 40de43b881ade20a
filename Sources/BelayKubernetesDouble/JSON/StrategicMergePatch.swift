internal import BelayCore

/// Kubernetes' own patches: lists of named things are merged by their key, the rest is replaced.
/// https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch
enum StrategicMergePatch {
    static func apply(_ patch: JSONValue, to document: JSONValue?, _ schema: Schema) -> JSONValue {
        guard case .object(let members) = patch else { return patch }
        if patch["$patch"]?.string == "replace" {
            return .object(members.filter { $0.key != "$patch" })
        }
        var result = document ?? .empty
        for member in members where !member.key.hasPrefix("$") {
            let node = schema.member(member.key)
            switch member.value {
            case .null: result.setMember(member.key, nil)
            case .object:
                if member.value["$patch"]?.string == "delete" {
                    result.setMember(member.key, nil)
                } else {
                    result.setMember(member.key, apply(member.value, to: result[member.key], node))
                }
            case .array(let items):
                result.setMember(member.key, .array(merged(items, into: result[member.key]?.array ?? [], node)))
            case .bool, .int, .double, .number, .string: result.setMember(member.key, member.value)
            }
        }
        for member in members where member.key.hasPrefix("$deleteFromPrimitiveList/") {
            let key = String(member.key.dropFirst("$deleteFromPrimitiveList/".count))
            let gone = member.value.array ?? []
            result.setMember(key, .array((result[key]?.array ?? []).filter { !gone.contains($0) }))
        }
        return result
    }

    private static func merged(_ items: [JSONValue], into list: [JSONValue], _ schema: Schema) -> [JSONValue] {
        switch schema.kind {
        case .keyedList(let keys, let item):
            let key = keys[0]
            if items.contains(where: { $0["$patch"]?.string == "replace" }) {
                return items.filter { $0["$patch"] == nil }
            }
            var result = list
            for patch in items {
                guard let name = patch[key] else { continue }
                let index = result.firstIndex { $0[key] == name }
                if patch["$patch"]?.string == "delete" {
                    if let index { result.remove(at: index) }
                } else if let index {
                    result[index] = apply(patch, to: result[index], item)
                } else {
                    result.append(apply(patch, to: nil, item))
                }
            }
            return result
        case .set: return list + items.filter { !list.contains($0) }
        case .any, .scalar, .structure, .map, .atomic, .list: return items
        }
    }
}

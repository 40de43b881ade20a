internal import BelayCore

/// Patches of RFC 7386: null removes, lists are replaced whole.
enum MergePatch {
    static func apply(_ patch: JSONValue, to document: JSONValue?) -> JSONValue {
        guard case .object(let members) = patch else { return patch }
        var result = document ?? .empty
        if case .object = result {} else { result = .empty }
        for member in members {
            if member.value.isNull {
                result.setMember(member.key, nil)
            } else {
                result.setMember(member.key, apply(member.value, to: result[member.key]))
            }
        }
        return result
    }
}

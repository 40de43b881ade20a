internal import BelayCore

/// Patches of RFC 6902, all of it or nothing.
enum JSONPatch {
    /// Why a patch has no effect: a `test` that does not hold, or a place that does not exist. A server answers both alike.
    struct Failure: Error {
        let message: String
        /// It is no patch at all.
        let isMalformed: Bool
    }

    static func apply(_ patch: JSONValue, to document: JSONValue) throws(Failure) -> JSONValue {
        guard case .array(let operations) = patch else { throw malformed("a JSON patch is a list") }
        var result = document
        for operation in operations { result = try apply(operation: operation, to: result) }
        return result
    }

    private static func malformed(_ message: String) -> Failure { Failure(message: message, isMalformed: true) }
    private static func refused(_ message: String) -> Failure { Failure(message: message, isMalformed: false) }

    private static func apply(operation: JSONValue, to document: JSONValue) throws(Failure) -> JSONValue {
        guard let op = operation["op"]?.string, let text = operation["path"]?.string else {
            throw malformed("an operation has `op` and `path`")
        }
        let path = try pointer(text)
        func value() throws(Failure) -> JSONValue {
            guard let value = operation["value"] else { throw malformed("`\(op)` needs a value") }
            return value
        }
        switch op {
        case "test":
            guard let found = find(path, in: document), found.isSame(as: try value()) else {
                throw refused("testing value \(text) failed")
            }
            return document
        case "add": return try apply(.add(try value()), at: path[...], in: document)
        case "replace":
            guard find(path, in: document) != nil else { throw refused("replace operation does not apply: \(text)") }
            return try apply(.replace(try value()), at: path[...], in: document)
        case "remove":
            guard find(path, in: document) != nil else { throw refused("remove operation does not apply: \(text)") }
            return try apply(.remove, at: path[...], in: document)
        case "copy", "move":
            let from = try pointer(operation["from"]?.string ?? "-")
            guard let found = find(from, in: document) else { throw refused("\(op): nothing at its `from`") }
            let base = op == "move" ? try apply(.remove, at: from[...], in: document) : document
            return try apply(.add(found), at: path[...], in: base)
        default: throw malformed("unknown operation \(op)")
        }
    }

    private enum Change {
        case add(JSONValue)
        case replace(JSONValue)
        case remove
    }

    private static func pointer(_ text: String) throws(Failure) -> [String] {
        if text.isEmpty { return [] }
        guard text.hasPrefix("/") else { throw malformed("`\(text)` is no JSON pointer") }
        return text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
            .map { String($0.replacing("~1", with: "/").replacing("~0", with: "~")) }
    }

    private static func find(_ path: [String], in document: JSONValue) -> JSONValue? {
        var value = document
        for key in path {
            switch value {
            case .object:
                guard let next = value[key] else { return nil }
                value = next
            case .array(let items):
                guard let index = Int(key), items.indices.contains(index) else { return nil }
                value = items[index]
            case .null, .bool, .int, .double, .number, .string: return nil
            }
        }
        return value
    }

    private static func apply(
        _ change: Change, at path: ArraySlice<String>, in document: JSONValue
    ) throws(Failure) -> JSONValue {
        guard let key = path.first else {
            switch change {
            case .add(let value), .replace(let value): return value
            case .remove: return .null
            }
        }
        let isLast = path.count == 1
        switch document {
        case .object:
            var result = document
            if isLast {
                switch change {
                case .add(let value), .replace(let value): result.setMember(key, value)
                case .remove: result.setMember(key, nil)
                }
                return result
            }
            guard let child = document[key] else { throw refused("missing path at \(key)") }
            result.setMember(key, try apply(change, at: path.dropFirst(), in: child))
            return result
        case .array(var items):
            if isLast, key == "-", case .add(let value) = change { return .array(items + [value]) }
            guard let index = Int(key), index >= 0 else { throw refused("\(key) is no index") }
            if isLast {
                switch change {
                case .add(let value):
                    guard index <= items.count else { throw refused("\(index) is beyond the list") }
                    items.insert(value, at: index)
                case .replace(let value): items[index] = value
                case .remove: items.remove(at: index)
                }
                return .array(items)
            }
            guard items.indices.contains(index) else { throw refused("\(index) is beyond the list") }
            items[index] = try apply(change, at: path.dropFirst(), in: items[index])
            return .array(items)
        case .null, .bool, .int, .double, .number, .string: throw refused("missing path at \(key)")
        }
    }
}

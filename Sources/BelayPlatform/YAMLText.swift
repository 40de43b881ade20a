package import BelayCore
internal import Yams

/// YAML text to values, for files that are not Belay's own: kubeconfigs, applied configurations. JSON is YAML, too.
package enum YAMLText {
    /// More values than this are refused: a few lines of aliases can stand for millions.
    package static let valueLimit = 100_000

    /// Reads one document.
    /// - Throws: ``JSONText/Failure`` with the parser's words, which give line and column.
    package static func parse(_ bytes: [UInt8]) throws(JSONText.Failure) -> JSONValue {
        if let value = try? JSONText.parse(bytes) { return value }
        let node: Node?
        do {
            node = try Yams.compose(yaml: String(decoding: bytes, as: UTF8.self))
        } catch {
            throw JSONText.Failure(message: "\(error)", offset: 0)
        }
        guard let node else { return .null }
        var left = valueLimit
        return try value(of: node, &left)
    }

    private static func value(of node: Node, _ left: inout Int) throws(JSONText.Failure) -> JSONValue {
        left -= 1
        guard left > 0 else { throw JSONText.Failure(message: "more than \(valueLimit) values", offset: 0) }
        switch node {
        case .mapping(let mapping):
            var members: [JSONValue.Member] = []
            for pair in mapping { members.append(.init(pair.key.string ?? "", try value(of: pair.value, &left))) }
            return .object(members)
        case .sequence(let sequence):
            var items: [JSONValue] = []
            for item in sequence { items.append(try value(of: item, &left)) }
            return .array(items)
        case .scalar(let scalar): return value(of: scalar)
        case .alias: return .null
        }
    }

    private static func value(of scalar: Node.Scalar) -> JSONValue {
        if scalar.style == .doubleQuoted || scalar.style == .singleQuoted { return .string(scalar.string) }
        if let number = Int64(scalar.string) { return .int(number) }
        switch scalar.string {
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        case "null", "~", "": return .null
        default: return Double(scalar.string).map { .double($0) } ?? .string(scalar.string)
        }
    }
}

internal import BelayCore

/// A set of places in an object, as `managedFields` lists them: `f:` before a member's name, `k:` before the keys of a list's item,
/// `v:` before a set's value, `.` for the place itself.
/// https://kubernetes.io/docs/reference/using-api/server-side-apply
struct FieldTree: Equatable {
    /// The place itself belongs to the set.
    var isMember = false
    var children: [String: FieldTree] = [:]

    static let leaf = FieldTree(isMember: true)

    var isEmpty: Bool { !isMember && children.isEmpty }

    init(isMember: Bool = false, children: [String: FieldTree] = [:]) {
        (self.isMember, self.children) = (isMember, children)
    }

    /// As `fieldsV1` writes it.
    init(fieldsV1: JSONValue) {
        for member in fieldsV1.members {
            if member.key == "." {
                isMember = true
            } else {
                var child = FieldTree(fieldsV1: member.value)
                if child.children.isEmpty { child.isMember = true }
                children[member.key] = child
            }
        }
    }

    var fieldsV1: JSONValue {
        var members: [JSONValue.Member] = []
        if isMember, !children.isEmpty { members.append(.init(".", .empty)) }
        for (key, child) in children.sorted(by: { $0.key < $1.key }) { members.append(.init(key, child.fieldsV1)) }
        return .object(members)
    }

    mutating func set(_ key: String, _ child: FieldTree) { children[key] = child.isEmpty ? nil : child }

    func union(_ other: FieldTree) -> FieldTree {
        var result = self
        result.isMember = isMember || other.isMember
        for (key, child) in other.children { result.children[key] = result.children[key]?.union(child) ?? child }
        return result
    }

    func subtracting(_ other: FieldTree) -> FieldTree {
        var result = self
        result.isMember = isMember && !other.isMember
        for (key, child) in other.children {
            if let own = result.children[key] { result.set(key, own.subtracting(child)) }
        }
        return result
    }

    func intersection(_ other: FieldTree) -> FieldTree {
        var result = FieldTree(isMember: isMember && other.isMember)
        for (key, child) in other.children {
            if let own = children[key] { result.set(key, own.intersection(child)) }
        }
        return result
    }

    /// The places as a conflict names them: `.spec.template.spec.containers[name="app"].image`.
    func paths(_ prefix: String = "") -> [String] {
        let own = isMember ? [prefix] : []
        return own
            + children.sorted { $0.key < $1.key }.flatMap { key, child in child.paths(prefix + Self.text(of: key)) }
    }

    private static func text(of element: String) -> String {
        let name = element.dropFirst(2)
        switch element.prefix(2) {
        case "f:": return ".\(name)"
        case "k:":
            let pairs = name.dropFirst().dropLast().split(separator: ",").map { pair in
                let parts = pair.split(separator: ":", maxSplits: 1)
                return "\(parts[0].filter { $0 != "\"" })=\(parts.count > 1 ? parts[1] : "")"
            }
            return "[\(pairs.joined(separator: ","))]"
        default: return "[\(name)]"
        }
    }
}

internal import BelayCore
internal import BelayPlatform

/// What differs between two versions of an object, place by place, as its schema divides it.
struct FieldComparison {
    /// Places that are new or have another value.
    private(set) var changed = FieldTree()
    /// Places that are gone.
    private(set) var removed = FieldTree()

    init(from old: JSONValue?, to new: JSONValue?, _ schema: Schema) {
        (changed, removed) = Self.compare(Self.present(old), Self.present(new), wasNull: old?.isNull ?? false, schema)
    }

    var isEmpty: Bool { changed.isEmpty && removed.isEmpty }

    private static func present(_ value: JSONValue?) -> JSONValue? { value.flatMap { $0.isNull ? nil : $0 } }

    private static func compare(
        _ old: JSONValue?, _ new: JSONValue?, wasNull: Bool, _ schema: Schema
    ) -> (FieldTree, FieldTree) {
        switch (old, new) {
        case (nil, nil): return (FieldTree(), FieldTree())
        case (nil, let new?):
            var all = places(of: new, schema)
            // A list that was null is no new place; its items are.
            if wasNull, !all.children.isEmpty { all.isMember = false }
            return (all, FieldTree())
        case (let old?, nil): return (FieldTree(), places(of: old, schema))
        case (let old?, let new?): return compareBoth(old, new, schema)
        }
    }

    private static func compareBoth(_ old: JSONValue, _ new: JSONValue, _ schema: Schema) -> (FieldTree, FieldTree) {
        var (changed, removed) = (FieldTree(), FieldTree())
        func descend(_ element: String, _ old: JSONValue?, _ new: JSONValue?, _ schema: Schema) {
            let below = compare(present(old), present(new), wasNull: old?.isNull ?? false, schema)
            changed.set(element, below.0)
            removed.set(element, below.1)
        }
        switch (schema.kind, old, new) {
        case (.structure, .object, .object), (.map, .object, .object), (.any, .object, .object):
            for key in Set(old.members.map(\.key)).union(new.members.map(\.key)) {
                descend("f:\(key)", old[key], new[key], schema.member(key))
            }
            return (changed, removed)
        case (.keyedList(let keys, let item), .array, .array):
            let (olds, news) = (elements(of: old, keys), elements(of: new, keys))
            for key in Set(olds.keys).union(news.keys) { descend(key, olds[key], news[key], item) }
            return (changed, removed)
        case (.set, .array(let olds), .array(let news)):
            for value in news where !olds.contains(value) { changed.children["v:\(JSONText.write(value))"] = .leaf }
            for value in olds where !news.contains(value) { removed.children["v:\(JSONText.write(value))"] = .leaf }
            return (changed, removed)
        default: return (old.isSame(as: new) ? FieldTree() : .leaf, FieldTree())
        }
    }

    /// Every place of a value, each object and list on the way included.
    static func places(of value: JSONValue, _ schema: Schema) -> FieldTree {
        var tree = FieldTree.leaf
        switch (schema.kind, value) {
        case (.structure, .object(let members)), (.map, .object(let members)), (.any, .object(let members)):
            for member in members where !member.value.isNull {
                tree.set("f:\(member.key)", places(of: member.value, schema.member(member.key)))
            }
        case (.keyedList(let keys, let item), .array):
            for (key, child) in elements(of: value, keys) { tree.set(key, places(of: child, item)) }
        case (.set, .array(let items)):
            for item in items { tree.set("v:\(JSONText.write(item))", .leaf) }
        default: break
        }
        return tree
    }

    /// What an applied configuration speaks of: its values, and not the objects around them.
    static func applied(_ value: JSONValue, _ schema: Schema) -> FieldTree {
        var tree = FieldTree()
        switch (schema.kind, value) {
        case (.structure, .object(let members)), (.map, .object(let members)), (.any, .object(let members)):
            if members.isEmpty { return .leaf }
            for member in members where !member.value.isNull {
                tree.set("f:\(member.key)", applied(member.value, schema.member(member.key)))
            }
        case (.keyedList(let keys, let item), .array):
            for (key, child) in elements(of: value, keys) {
                var below = applied(child, item)
                below.isMember = true
                tree.set(key, below)
            }
        case (.set, .array(let items)):
            for item in items { tree.set("v:\(JSONText.write(item))", .leaf) }
        default: return .leaf
        }
        return tree
    }

    /// The items of a list by their keys, in the notation of `managedFields`.
    static func elements(of list: JSONValue, _ keys: [String]) -> [String: JSONValue] {
        var elements: [String: JSONValue] = [:]
        for item in list.array ?? [] { elements[element(of: item, keys)] = item }
        return elements
    }

    static func element(of item: JSONValue, _ keys: [String]) -> String {
        let members = keys.sorted().map { key in
            JSONValue.Member(key, item[key] ?? (key == "protocol" ? "TCP" : .null))
        }
        return "k:\(JSONText.write(.object(members)))"
    }
}

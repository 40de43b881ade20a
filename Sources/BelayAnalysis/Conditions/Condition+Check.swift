internal import BelayCore

extension Condition {
    /// What a query's result looks like, as far as it is known before it is asked.
    package enum Shape: Hashable, Sendable {
        case scalar, list, unknown
    }

    /// Finds unlike kinds before anything is asked: a list compared with a number, an index into a number.
    /// - Throws: ``ConditionError`` naming the part that is wrong.
    package func check(against shape: Shape) throws(ConditionError) {
        let checker = ConditionChecker(condition: self, shape: shape)
        _ = try checker.require([.bool], root, "true or false")
    }
}

/// Checks kinds without values. A part whose kind cannot be known (a member of a JSON answer) may be anything, and
/// passes.
private struct ConditionChecker {
    enum Kind: Hashable {
        case unknown, null, bool, number, text, object
        /// A list with elements of any kind; a list of numbers.
        case list, numbers

        var text: String {
            switch self {
            case .unknown: "anything"
            case .null: "nil"
            case .bool: "true or false"
            case .number: "a number"
            case .text: "a text"
            case .object: "an object"
            case .list: "a list"
            case .numbers: "a list of numbers"
            }
        }

        var element: Kind { self == .numbers ? .number : .unknown }
    }

    let condition: Condition
    let shape: Condition.Shape
    /// The kind of `#`, the element that a predicate looks at.
    var element = Kind.unknown

    private static let lists: Set<Kind> = [.list, .numbers]

    func require(
        _ wanted: Set<Kind>, _ node: Condition.Node, _ what: String
    ) throws(ConditionError) -> Kind {
        let found = try kind(node)
        guard found == .unknown || wanted.contains(found) else { throw unlike(node, found, what) }
        return found
    }

    private func unlike(_ node: Condition.Node, _ found: Kind, _ wanted: String) -> ConditionError {
        var hint = ""
        if case .result = node.form, found == .numbers { hint = "; write `result[0]`" }
        return ConditionError(
            message: "\(condition.spelling(of: node)) is \(found.text), \(wanted) is expected\(hint)",
            offset: node.range.lowerBound)
    }

    private func kind(_ node: Condition.Node) throws(ConditionError) -> Kind {
        switch node.form {
        case .literal(let value): return kind(of: value)
        case .list(let items):
            var areNumbers = true
            for item in items { areNumbers = try kind(item) == .number && areNumbers }
            return areNumbers ? .numbers : .list
        case .result:
            switch shape {
            case .scalar: return .number
            case .list: return .numbers
            case .unknown: return .unknown
            }
        case .variable: return .number
        case .element: return element
        case .sign(let inner, _):
            _ = try require([.number], inner, "a number")
            return .number
        case .not(let inner):
            _ = try require([.bool], inner, "true or false")
            return .bool
        case .binary(let symbol, let left, let right): return try kind(symbol, left, right)
        case .choice(let condition, let yes, let no):
            _ = try require([.bool], condition, "true or false")
            let (yes, no) = (try kind(yes), try kind(no))
            return yes == no ? yes : .unknown
        case .index(let owner, let key, _):
            let found = try require([.list, .numbers, .object], owner, "a list or an object")
            let wanted: Set<Kind> =
                Self.lists.contains(found) ? [.number] : found == .object ? [.text] : [.number, .text]
            _ = try require(wanted, key, Self.lists.contains(found) ? "a whole number" : "the name of a member")
            return found.element
        case .chain(let inner):
            _ = try kind(inner)
            return .unknown
        case .slice(let list, let from, let to):
            for end in [from, to] { if let end { _ = try require([.number], end, "a whole number") } }
            return try require([.list, .numbers, .text], list, "a list or a text")
        case .call(let function, let arguments): return try kind(function, arguments)
        }
    }

    private func kind(of value: JSONValue) -> Kind {
        switch value {
        case .null: .null
        case .bool: .bool
        case .int, .double, .number: .number
        case .string: .text
        case .array: .list
        case .object: .object
        }
    }

    private func kind(
        _ symbol: Condition.Operator, _ left: Condition.Node, _ right: Condition.Node
    ) throws(ConditionError) -> Kind {
        switch symbol {
        case .or, .and:
            _ = try require([.bool], left, "true or false")
            _ = try require([.bool], right, "true or false")
            return .bool
        case .equal, .unequal:
            let (first, second) = (try kind(left), try kind(right))
            guard areComparable(first, second) else {
                throw unlike(right, second, "to be compared with \(condition.spelling(of: left)), \(first.text)")
            }
            return .bool
        case .less, .lessOrEqual, .more, .moreOrEqual:
            let first = try require([.number, .text], left, "a number")
            _ = try require(alike(first), right, "like \(condition.spelling(of: left)), \(first.text),")
            return .bool
        case .in, .notIn:
            _ = try kind(left)
            _ = try require([.list, .numbers, .object], right, "a list or an object")
            return .bool
        case .contains, .startsWith, .endsWith:
            _ = try require([.text], left, "a text")
            _ = try require([.text], right, "a text")
            return .bool
        case .plus:
            let first = try require([.number, .text], left, "a number or a text")
            let second = try require(alike(first), right, "like \(condition.spelling(of: left)), \(first.text),")
            return first == .unknown ? second : first
        case .minus, .times, .over, .modulo, .power:
            _ = try require([.number], left, "a number")
            _ = try require([.number], right, "a number")
            return .number
        case .coalesce:
            let (first, second) = (try kind(left), try kind(right))
            return first == second ? first : first == .null ? second : .unknown
        }
    }

    private func alike(_ kind: Kind) -> Set<Kind> { kind == .unknown ? [.number, .text] : [kind] }

    private func areComparable(_ left: Kind, _ right: Kind) -> Bool {
        if left == right || [left, right].contains(.unknown) || [left, right].contains(.null) { return true }
        return Self.lists.contains(left) && Self.lists.contains(right)
    }

    private func kind(
        _ function: Condition.Function, _ arguments: [Condition.Node]
    ) throws(ConditionError) -> Kind {
        let first = arguments[0]
        switch function {
        case .all, .any, .none, .one, .filter, .map, .count, .sum:
            let list = try require(Self.lists, first, "a list")
            var inner = self
            inner.element = list.element
            let predicate = arguments.count > 1 ? try inner.kind(arguments[1]) : list.element
            let wanted: Set<Kind> =
                function == .map ? [predicate] : function == .sum ? [.number] : [.bool]
            guard predicate == .unknown || wanted.contains(predicate) else {
                throw unlike(arguments[arguments.count - 1], predicate, function == .sum ? "a number" : "true or false")
            }
            switch function {
            case .filter: return list
            case .map: return predicate == .number ? .numbers : .list
            case .count, .sum: return .number
            default: return .bool
            }
        case .mean, .median, .min, .max:
            for argument in arguments { _ = try require([.number, .list, .numbers], argument, "a number or a list") }
            return .number
        case .len:
            _ = try require([.list, .numbers, .object, .text], first, "a list, an object or a text")
            return .number
        case .abs, .ceil, .floor, .round, .isNaN, .isInf:
            _ = try require([.number], first, "a number")
            return function == .isNaN || function == .isInf ? .bool : .number
        case .isNil:
            _ = try kind(first)
            return .bool
        case .asInt, .asFloat:
            _ = try require([.number, .text], first, "a number or a text")
            return .number
        case .first, .last: return try require(Self.lists, first, "a list").element
        case .fallback:
            let (value, fallback) = (try kind(first), try kind(arguments[1]))
            return value == .null ? fallback : value
        }
    }
}

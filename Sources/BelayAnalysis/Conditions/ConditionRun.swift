package import BelayCore

extension Condition {
    /// Whether the condition holds.
    /// - Parameter needsData: Whether NaN that arises in the evaluation, and `all` or `none` of an empty list, are no
    ///   data, and not what expr makes of them.
    /// - Throws: ``ConditionError`` where it cannot be evaluated: an index outside, unlike kinds, no true or false.
    package func holds(
        for answer: MetricAnswer, _ variables: [Variable: Double] = [:], needsData: Bool = false
    ) throws(ConditionError) -> Bool {
        let result: JSONValue
        switch answer {
        case .scalar(let number): result = .double(number)
        case .list(let numbers): result = .array(numbers.map(JSONValue.double))
        case .json(let value, _): result = value
        case .noData(let message), .error(let message): throw ConditionError(message: message, offset: 0)
        }
        var run = ConditionRun(condition: self, result: result, variables: variables, needsData: needsData)
        return try run.bool(root)
    }
}

/// One evaluation. The work is bounded: predicates inside predicates take the product of their lists' lengths.
struct ConditionRun {
    /// Parts evaluated, and characters written, at most.
    static let workLimit = 1_000_000

    let condition: Condition
    let result: JSONValue
    let variables: [Condition.Variable: Double]
    let needsData: Bool
    private var work = 0
    /// What `#` means, the innermost last.
    private var elements: [JSONValue] = []

    init(condition: Condition, result: JSONValue, variables: [Condition.Variable: Double], needsData: Bool) {
        self.needsData = needsData
        self.condition = condition
        self.result = result
        self.variables = variables
    }

    func error(_ node: Condition.Node, _ message: String) -> ConditionError {
        ConditionError(message: message, offset: node.range.lowerBound)
    }

    /// The error for a value of another kind than the one that is expected.
    func unlike(_ node: Condition.Node, _ value: JSONValue, _ wanted: String) -> ConditionError {
        error(node, "\(condition.spelling(of: node)) is \(value.kind), \(wanted) is expected")
    }

    func noData(_ node: Condition.Node, _ message: String) -> ConditionError {
        ConditionError(message: message, offset: node.range.lowerBound, isNoData: true)
    }

    /// The result of an operation.
    /// - Throws: ``ConditionError`` for no data where the result is NaN, no operand is, and data is needed: no
    ///   comparison with NaN holds, so there is nothing to judge by.
    func computed(_ number: Double, of node: Condition.Node, from operands: Double...) throws(ConditionError)
        -> JSONValue
    {
        if number.isNaN, needsData, !operands.contains(where: \.isNaN) {
            throw noData(node, "\(condition.spelling(of: node)) is no number")
        }
        return .double(number)
    }

    mutating func spend(_ amount: Int, _ node: Condition.Node) throws(ConditionError) {
        work += amount
        guard work <= Self.workLimit else {
            throw error(node, "the condition takes more than \(Self.workLimit) steps on this result")
        }
    }

    mutating func value(_ node: Condition.Node) throws(ConditionError) -> JSONValue {
        try spend(1, node)
        switch node.form {
        case .literal(let literal): return literal
        case .list(let items):
            var values: [JSONValue] = []
            for item in items { values.append(try value(item)) }
            return .array(values)
        case .result: return result
        case .variable(let variable):
            guard let value = variables[variable] else { throw error(node, "`\(variable.rawValue)` is not known here") }
            return .double(value)
        case .element: return elements[elements.count - 1]
        case .sign(let inner, let isNegative):
            let number = try number(inner)
            return .double(isNegative ? -number : number)
        case .not(let inner): return .bool(!(try bool(inner)))
        case .binary(.or, let left, let right): return .bool(try bool(left) ? true : try bool(right))
        case .binary(.and, let left, let right): return .bool(try bool(left) ? try bool(right) : false)
        case .binary(.coalesce, let left, let right):
            let value = try value(left)
            return value == .null ? try self.value(right) : value
        case .binary(let symbol, let left, let right): return try combine(symbol, left, right, node)
        case .choice(let condition, let yes, let no): return try bool(condition) ? try value(yes) : try value(no)
        case .index(let owner, let key, let isOptional): return try element(owner, key, isOptional: isOptional)
        case .chain(let inner):
            do throws(ConditionError) {
                return try value(inner)
            } catch {
                guard error.endsChain else { throw error }
                return .null
            }
        case .slice(let list, let from, let to): return try slice(list, from, to)
        case .call(let function, let arguments): return try call(function, arguments, node)
        }
    }

    mutating func bool(_ node: Condition.Node) throws(ConditionError) -> Bool {
        let value = try value(node)
        guard case .bool(let bool) = value else { throw unlike(node, value, "true or false") }
        return bool
    }

    mutating func number(_ node: Condition.Node) throws(ConditionError) -> Double {
        let value = try value(node)
        guard let number = value.number else { throw unlike(node, value, "a number") }
        return number
    }

    mutating func list(_ node: Condition.Node) throws(ConditionError) -> [JSONValue] {
        let value = try value(node)
        guard case .array(let items) = value else { throw unlike(node, value, "a list") }
        return items
    }

    /// The value of a predicate for one element.
    mutating func with(_ element: JSONValue, _ body: Condition.Node) throws(ConditionError) -> JSONValue {
        elements.append(element)
        defer { elements.removeLast() }
        return try value(body)
    }

    private mutating func combine(
        _ symbol: Condition.Operator, _ leftNode: Condition.Node, _ rightNode: Condition.Node, _ node: Condition.Node
    ) throws(ConditionError) -> JSONValue {
        let (left, right) = (try value(leftNode), try value(rightNode))
        if let left = left.number, let right = right.number { return try combine(symbol, left, right, node) }
        try spend(left.textLength + right.textLength, leftNode)
        switch (symbol, left, right) {
        case (.equal, _, _): return .bool(try isEqual(left, right, leftNode, rightNode))
        case (.unequal, _, _): return .bool(!(try isEqual(left, right, leftNode, rightNode)))
        case (.in, _, _): return .bool(try contains(right, left, rightNode))
        case (.notIn, _, _): return .bool(!(try contains(right, left, rightNode)))
        case (.less, .string(let left), .string(let right)): return .bool(left < right)
        case (.lessOrEqual, .string(let left), .string(let right)): return .bool(left <= right)
        case (.more, .string(let left), .string(let right)): return .bool(left > right)
        case (.moreOrEqual, .string(let left), .string(let right)): return .bool(left >= right)
        case (.contains, .string(let left), .string(let right)): return .bool(left.contains(right))
        case (.startsWith, .string(let left), .string(let right)): return .bool(left.hasPrefix(right))
        case (.endsWith, .string(let left), .string(let right)): return .bool(left.hasSuffix(right))
        case (.plus, .string(let left), .string(let right)):
            return .string(left + right)
        default:
            throw error(
                leftNode,
                "`\(symbol.rawValue)` cannot take \(condition.spelling(of: leftNode)), \(left.kind), "
                    + "and \(condition.spelling(of: rightNode)), \(right.kind)")
        }
    }

    private func combine(
        _ symbol: Condition.Operator, _ left: Double, _ right: Double, _ node: Condition.Node
    ) throws(ConditionError) -> JSONValue {
        switch symbol {
        case .equal: return .bool(left == right)
        case .unequal: return .bool(left != right)
        case .less: return .bool(left < right)
        case .lessOrEqual: return .bool(left <= right)
        case .more: return .bool(left > right)
        case .moreOrEqual: return .bool(left >= right)
        case .plus: return try computed(left + right, of: node, from: left, right)
        case .minus: return try computed(left - right, of: node, from: left, right)
        case .times: return try computed(left * right, of: node, from: left, right)
        case .over: return try computed(left / right, of: node, from: left, right)
        case .power: return try computed(power(left, right), of: node, from: left, right)
        case .modulo:
            // NaN would slip through every comparison.
            guard right != 0 else { throw error(node, "the remainder of a division by 0") }
            return .double(left.truncatingRemainder(dividingBy: right))
        case .or, .and, .in, .notIn, .contains, .startsWith, .endsWith, .coalesce:
            throw error(node, "`\(symbol.rawValue)` cannot take numbers")
        }
    }

    /// Whether two values are equal. Unlike kinds are an error, not just unequal. To compare with nil the word `nil`
    /// has to be written: otherwise a member that is missing would be unequal to everything, and pass.
    private mutating func isEqual(
        _ left: JSONValue, _ right: JSONValue, _ node: Condition.Node, _ other: Condition.Node
    ) throws(ConditionError) -> Bool {
        if node.isNil || other.isNil { return left == right }
        guard left != .null, right != .null, left.kind == right.kind else {
            throw error(
                node,
                "\(condition.spelling(of: node)) is \(left.kind), \(condition.spelling(of: other)) is \(right.kind); "
                    + "only what is alike, or the word nil, can be compared")
        }
        try spend(left.size, node)
        return left.isSame(as: right)
    }

    private mutating func contains(
        _ owner: JSONValue, _ value: JSONValue, _ node: Condition.Node
    ) throws(ConditionError) -> Bool {
        switch (owner, value) {
        case (.array(let items), _):
            try spend(owner.size, node)
            guard items.isEmpty || items.contains(where: { $0.kind == value.kind }) else {
                throw error(node, "\(value.kind) is looked for in \(condition.spelling(of: node)), which has none")
            }
            return items.contains { $0.isSame(as: value) }
        case (.object(let members), .string(let key)):
            try spend(members.count, node)
            return owner[key] != nil
        default: throw unlike(node, owner, "a list, or an object and the name of a member,")
        }
    }

    private mutating func element(
        _ owner: Condition.Node, _ key: Condition.Node, isOptional: Bool
    ) throws(ConditionError) -> JSONValue {
        switch try value(owner) {
        case .null where isOptional:
            throw ConditionError(message: "nothing", offset: owner.range.lowerBound, endsChain: true)
        case .object(let members):
            let name = try value(key)
            guard case .string(let name) = name else { throw unlike(key, name, "the name of a member") }
            try spend(members.count, key)
            return members.first { $0.key == name }?.value ?? .null
        case .array(let items):
            let wanted = try number(key)
            guard let position = Int(exactly: wanted) else { throw error(key, "\(wanted) is no whole number") }
            let place = position < 0 ? items.count + position : position
            guard items.indices.contains(place) else {
                throw error(
                    key,
                    "the index \(position) is outside: \(condition.spelling(of: owner)) has \(items.count) element(s)")
            }
            return items[place]
        case let value: throw unlike(owner, value, "a list or an object")
        }
    }

    /// Ends outside are moved to the nearest that is there, as in expr-lang.
    private mutating func slice(
        _ node: Condition.Node, _ from: Condition.Node?, _ to: Condition.Node?
    ) throws(ConditionError) -> JSONValue {
        let owner = try value(node)
        let count: Int
        switch owner {
        case .array(let items): count = items.count
        case .string(let text):
            try spend(text.utf8.count, node)
            count = text.count
        default: throw unlike(node, owner, "a list or a text")
        }
        let end = try place(to, of: count) ?? count
        let start = min(try place(from, of: count) ?? 0, end)
        if case .string(let text) = owner { return .string(String(text.dropFirst(start).prefix(end - start))) }
        guard case .array(let items) = owner else { return owner }
        try spend(end - start, node)
        return .array(Array(items[start..<end]))
    }

    private mutating func place(_ node: Condition.Node?, of count: Int) throws(ConditionError) -> Int? {
        guard let node else { return nil }
        let wanted = try number(node)
        guard let position = Int(exactly: wanted) else { throw error(node, "\(wanted) is no whole number") }
        return min(max(position < 0 ? position + count : position, 0), count)
    }
}

extension JSONValue {
    /// For people.
    var kind: String {
        switch self {
        case .null: "nil"
        case .bool: "true or false"
        case .int, .double, .number: "a number"
        case .string: "a text"
        case .array: "a list"
        case .object: "an object"
        }
    }

    /// Whether two values are equal: numbers by their value, an object's members in any order.
    func isSame(as other: JSONValue) -> Bool {
        if let number, let other = other.number { return number == other }
        switch (self, other) {
        case (.array(let left), .array(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { $0.isSame(as: $1) }
        case (.object(let left), .object(let right)):
            return left.count == right.count
                && Self.haveSameMembers(left, right)
        default: return self == other
        }
    }

    private static func haveSameMembers(_ left: [Member], _ right: [Member]) -> Bool {
        let known = Dictionary(right.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        return left.allSatisfy { member in known[member.key].map { member.value.isSame(as: $0) } ?? false }
    }

    /// How many values and characters it is made of.
    var size: Int {
        switch self {
        case .null, .bool, .int, .double, .number: 1
        case .string(let text): 1 + text.utf8.count
        case .array(let items): items.reduce(1) { $0 + $1.size }
        case .object(let members): members.reduce(1) { $0 + 1 + $1.key.utf8.count + $1.value.size }
        }
    }

    var textLength: Int {
        if case .string(let text) = self { text.utf8.count } else { 0 }
    }
}

extension Condition.Node {
    /// The word `nil`.
    fileprivate var isNil: Bool {
        if case .literal(.null) = form { true } else { false }
    }
}

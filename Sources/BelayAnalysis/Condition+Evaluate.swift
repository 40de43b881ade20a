package import BelayCore

extension Condition {
    /// What a query's result looks like, as far as it is known before it is asked.
    package enum Shape: Hashable, Sendable {
        case scalar, list, unknown
    }

    enum Value: Hashable, Sendable {
        case number(Double)
        case bool(Bool)
        case list([Double])

        var kind: String {
            switch self {
            case .number: "a number"
            case .bool: "true or false"
            case .list: "a list of numbers"
            }
        }
    }

    /// Whether the condition holds.
    /// - Throws: ``ConditionError`` where it cannot be evaluated: an index outside, unlike kinds, no true or false.
    package func holds(for answer: MetricAnswer) throws(ConditionError) -> Bool {
        let result: Value
        switch answer {
        case .scalar(let number): result = .number(number)
        case .list(let numbers): result = .list(numbers)
        case .noData(let message), .error(let message): throw ConditionError(message: message, offset: 0)
        }
        guard case .bool(let verdict) = try evaluate(root, result) else {
            throw ConditionError(message: "the condition gives no true or false", offset: 0)
        }
        return verdict
    }

    /// Finds unlike kinds before anything is asked: a list compared with a number, an index into a number.
    package func check(against shape: Shape) throws(ConditionError) {
        let kind = try kind(of: root, shape)
        guard kind == .bool || kind == .any else {
            throw ConditionError(message: "the condition gives no true or false", offset: 0)
        }
    }

    private func evaluate(_ node: Node, _ result: Value) throws(ConditionError) -> Value {
        switch node {
        case .number(let number): return .number(number)
        case .bool(let bool): return .bool(bool)
        case .result: return result
        case .unary(.not, let inner, let at): return .bool(!(try bool(inner, result, at)))
        case .unary(_, let inner, let at): return .number(-(try number(inner, result, at)))
        case .binary(.or, let left, let right, let at):
            if try bool(left, result, at) { return .bool(true) }
            return .bool(try bool(right, result, at))
        case .binary(.and, let left, let right, let at):
            if !(try bool(left, result, at)) { return .bool(false) }
            return .bool(try bool(right, result, at))
        case .binary(let symbol, let left, let right, let at):
            return try combine(symbol, try evaluate(left, result), try evaluate(right, result), at)
        case .index(let list, let index, let at): return try element(list, index, result, at)
        case .call(let function, let arguments, let at): return try call(function, arguments, result, at)
        }
    }

    private func bool(_ node: Node, _ result: Value, _ at: Int) throws(ConditionError) -> Bool {
        let value = try evaluate(node, result)
        guard case .bool(let bool) = value else {
            throw ConditionError(message: "true or false is expected, this is \(value.kind)", offset: at)
        }
        return bool
    }

    private func number(_ node: Node, _ result: Value, _ at: Int) throws(ConditionError) -> Double {
        let value = try evaluate(node, result)
        guard case .number(let number) = value else {
            throw ConditionError(message: "a number is expected, this is \(value.kind)", offset: at)
        }
        return number
    }

    private func combine(_ symbol: Operator, _ left: Value, _ right: Value, _ at: Int) throws(ConditionError) -> Value {
        if case (.bool(let left), .bool(let right)) = (left, right), symbol == .equal || symbol == .unequal {
            return .bool((left == right) == (symbol == .equal))
        }
        guard case (.number(let left), .number(let right)) = (left, right) else {
            throw ConditionError(message: "`\(symbol.rawValue)` cannot take \(left.kind) and \(right.kind)", offset: at)
        }
        switch symbol {
        case .equal: return .bool(left == right)
        case .unequal: return .bool(left != right)
        case .less: return .bool(left < right)
        case .lessOrEqual: return .bool(left <= right)
        case .more: return .bool(left > right)
        case .moreOrEqual: return .bool(left >= right)
        case .plus: return .number(left + right)
        case .minus: return .number(left - right)
        case .times: return .number(left * right)
        case .over: return .number(left / right)
        case .modulo: return .number(left.truncatingRemainder(dividingBy: right))
        case .or, .and, .not: preconditionFailure("`\(symbol.rawValue)` is handled before its operands are evaluated")
        }
    }

    private func element(_ list: Node, _ index: Node, _ result: Value, _ at: Int) throws(ConditionError) -> Value {
        guard case .list(let numbers) = try evaluate(list, result) else {
            throw ConditionError(message: "only a list has elements", offset: at)
        }
        let wanted = try number(index, result, at)
        guard let position = Int(exactly: wanted) else {
            throw ConditionError(message: "the index \(wanted) is not a whole number", offset: at)
        }
        let place = position < 0 ? numbers.count + position : position
        guard numbers.indices.contains(place) else {
            throw ConditionError(
                message: "the index \(position) is outside: the result has \(numbers.count) element(s)", offset: at)
        }
        return .number(numbers[place])
    }

    private func call(_ function: Function, _ arguments: [Node], _ result: Value, _ at: Int) throws(ConditionError)
        -> Value
    {
        switch function {
        case .len:
            guard case .list(let numbers) = try evaluate(arguments[0], result) else {
                throw ConditionError(message: "only a list has a length", offset: at)
            }
            return .number(Double(numbers.count))
        case .isNaN: return .bool(try number(arguments[0], result, at).isNaN)
        case .isInf: return .bool(try number(arguments[0], result, at).isInfinite)
        case .isNil:
            _ = try evaluate(arguments[0], result)
            return .bool(false)  // Prometheus never answers nil; emptiness is `len(result) == 0`.
        case .fallback:
            let value = try evaluate(arguments[0], result)
            _ = try evaluate(arguments[1], result)
            return value
        }
    }
}

internal import BelayCore

internal import func Glibc.pow

extension ConditionRun {
    func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

    mutating func call(
        _ function: Condition.Function, _ arguments: [Condition.Node], _ node: Condition.Node
    ) throws(ConditionError) -> JSONValue {
        let first = arguments[0]
        switch function {
        case .all, .any, .none, .one, .filter, .map, .count: return try each(function, arguments)
        case .sum: return .double(try numbers(try map(arguments), first).reduce(0, +))
        case .mean, .median, .min, .max: return .double(try summary(function, arguments, node))
        case .abs: return .double(Swift.abs(try number(first)))
        case .ceil: return .double(try number(first).rounded(.up))
        case .floor: return .double(try number(first).rounded(.down))
        case .round: return .double(try number(first).rounded())
        case .isNaN: return .bool(try number(first).isNaN)
        case .isInf: return .bool(try number(first).isInfinite)
        case .isNil: return .bool(try value(first) == .null)
        case .fallback:
            let value = try value(first)
            return value == .null ? try self.value(arguments[1]) : value
        case .first: return try list(first).first ?? .null
        case .last: return try list(first).last ?? .null
        case .len: return .double(Double(try length(first)))
        case .asInt, .asFloat: return .double(try converted(first, isWhole: function == .asInt))
        }
    }

    private mutating func length(_ node: Condition.Node) throws(ConditionError) -> Int {
        switch try value(node) {
        case .array(let items): return items.count
        case .object(let members): return members.count
        case .string(let text):
            try spend(text.utf8.count, node)
            return text.count
        case let value: throw unlike(node, value, "a list, an object or a text")
        }
    }

    /// `asInt("1.1")` is an error, `asInt(1.123)` is 1, as in Argo Rollouts.
    private mutating func converted(_ node: Condition.Node, isWhole: Bool) throws(ConditionError) -> Double {
        let value = try value(node)
        if case .string(let text) = value {
            guard let number = isWhole ? Int64(text).map(Double.init) : Double(text), !number.isNaN || !needsData else {
                throw error(node, "the text of \(condition.spelling(of: node)) is no \(isWhole ? "whole " : "")number")
            }
            return number
        }
        guard let number = value.number else { throw unlike(node, value, "a number or a text") }
        return isWhole ? number.rounded(.towardZero) : number
    }

    private mutating func each(
        _ function: Condition.Function, _ arguments: [Condition.Node]
    ) throws(ConditionError) -> JSONValue {
        let items = try list(arguments[0])
        if items.isEmpty, needsData, function == .all || function == .none {
            throw noData(
                arguments[0],
                "\(condition.spelling(of: arguments[0])) is empty, and `\(function.rawValue)` of nothing would hold")
        }
        if function == .map { return .array(try map(arguments)) }
        var kept: [JSONValue] = []
        for item in items {
            // Without a predicate `count` counts what is true.
            let verdict = arguments.count > 1 ? try with(item, arguments[1]) : item
            guard case .bool(let holds) = verdict else {
                throw unlike(arguments[arguments.count - 1], verdict, "true or false")
            }
            if function == .all, !holds { return .bool(false) }
            if function == .any, holds { return .bool(true) }
            if holds { kept.append(item) }
        }
        switch function {
        case .all: return .bool(true)
        case .any: return .bool(false)
        case .none: return .bool(kept.isEmpty)
        case .one: return .bool(kept.count == 1)
        case .count: return .double(Double(kept.count))
        default: return .array(kept)
        }
    }

    /// The list; where there is a predicate, its value for each element.
    private mutating func map(_ arguments: [Condition.Node]) throws(ConditionError) -> [JSONValue] {
        let items = try list(arguments[0])
        guard arguments.count > 1 else { return items }
        var mapped: [JSONValue] = []
        for item in items { mapped.append(try with(item, arguments[1])) }
        return mapped
    }

    private mutating func numbers(_ items: [JSONValue], _ node: Condition.Node) throws(ConditionError) -> [Double] {
        try spend(items.count, node)
        var numbers: [Double] = []
        numbers.reserveCapacity(items.count)
        for item in items {
            guard let number = item.number else {
                throw error(node, "an element of \(condition.spelling(of: node)) is \(item.kind), a number is expected")
            }
            numbers.append(number)
        }
        return numbers
    }

    /// The mean, median, least or largest of numbers and lists of numbers. One NaN makes the answer NaN, wherever it
    /// stands.
    private mutating func summary(
        _ function: Condition.Function, _ arguments: [Condition.Node], _ node: Condition.Node
    ) throws(ConditionError) -> Double {
        var numbers: [Double] = []
        for argument in arguments {
            let value = try value(argument)
            if let number = value.number {
                numbers.append(number)
            } else if case .array(let items) = value {
                numbers += try self.numbers(items, argument)
            } else {
                throw unlike(argument, value, "a number or a list of them")
            }
        }
        guard !numbers.isEmpty else {
            throw error(node, "\(condition.spelling(of: node)): nothing has no \(function.rawValue)")
        }
        if numbers.contains(where: \.isNaN) { return .nan }
        switch function {
        case .mean: return numbers.reduce(0, +) / Double(numbers.count)
        case .min: return numbers.min() ?? .nan
        case .max: return numbers.max() ?? .nan
        default:
            // Sorting takes a few steps a value.
            try spend(numbers.count * 16, node)
            numbers.sort()
            let middle = numbers.count / 2
            return numbers.count % 2 == 1 ? numbers[middle] : (numbers[middle - 1] + numbers[middle]) / 2
        }
    }
}

extension Condition {
    enum Kind: Hashable {
        case number, bool, list, any

        var text: String {
            switch self {
            case .number: "a number"
            case .bool: "true or false"
            case .list: "a list of numbers"
            case .any: "anything"
            }
        }
    }

    func kind(of node: Node, _ shape: Shape) throws(ConditionError) -> Kind {
        switch node {
        case .number: return .number
        case .bool: return .bool
        case .result:
            switch shape {
            case .scalar: return .number
            case .list: return .list
            case .unknown: return .any
            }
        case .unary(.not, let inner, let at): return try require(.bool, inner, shape, at, as: .bool)
        case .unary(_, let inner, let at): return try require(.number, inner, shape, at, as: .number)
        case .binary(let symbol, let left, let right, let at): return try kind(symbol, left, right, shape, at)
        case .index(let list, let index, let at):
            _ = try require(.list, list, shape, at, as: .number)
            return try require(.number, index, shape, at, as: .number)
        case .call(let function, let arguments, let at):
            switch function {
            case .len: return try require(.list, arguments[0], shape, at, as: .number)
            case .isNaN, .isInf: return try require(.number, arguments[0], shape, at, as: .bool)
            case .isNil:
                _ = try kind(of: arguments[0], shape)
                return .bool
            case .fallback:
                _ = try kind(of: arguments[1], shape)
                return try kind(of: arguments[0], shape)
            }
        }
    }

    private func kind(
        _ symbol: Operator, _ left: Node, _ right: Node, _ shape: Shape, _ at: Int
    ) throws(ConditionError) -> Kind {
        switch symbol {
        case .or, .and, .not:
            _ = try require(.bool, left, shape, at, as: .bool)
            return try require(.bool, right, shape, at, as: .bool)
        case .equal, .unequal:
            let (left, right) = (try kind(of: left, shape), try kind(of: right, shape))
            if left == .bool, right == .bool { return .bool }
            try requireNumbers(symbol, left, right, at)
            return .bool
        case .less, .lessOrEqual, .more, .moreOrEqual:
            try requireNumbers(symbol, try kind(of: left, shape), try kind(of: right, shape), at)
            return .bool
        case .plus, .minus, .times, .over, .modulo:
            try requireNumbers(symbol, try kind(of: left, shape), try kind(of: right, shape), at)
            return .number
        }
    }

    private func requireNumbers(_ symbol: Operator, _ left: Kind, _ right: Kind, _ at: Int) throws(ConditionError) {
        for kind in [left, right] where kind != .number && kind != .any {
            let hint = kind == .list ? "; the query gives a list, write `result[0]`" : ""
            throw ConditionError(
                message: "`\(symbol.rawValue)` compares or counts numbers, this is \(kind.text)\(hint)", offset: at)
        }
    }

    private func require(
        _ wanted: Kind, _ node: Node, _ shape: Shape, _ at: Int, as result: Kind
    ) throws(ConditionError) -> Kind {
        let found = try kind(of: node, shape)
        guard found == wanted || found == .any else {
            throw ConditionError(message: "\(wanted.text) is expected, this is \(found.text)", offset: at)
        }
        return result
    }
}

/// A condition on a metric's result, in the part of Argo Rollouts' expression language that works now: comparison,
/// arithmetic, `&& || !`, indexing, `len`, `isNaN`, `isInf`, `isNil`, `default`. Parsed once, with positions.
package struct Condition: Sendable {
    package let text: String
    let root: Node

    /// Whether the conditions themselves ask what happens without data.
    package let asksAboutNoData: Bool

    indirect enum Node: Sendable {
        case number(Double)
        case bool(Bool)
        case result
        case unary(Operator, Node, at: Int)
        case binary(Operator, Node, Node, at: Int)
        case index(Node, Node, at: Int)
        case call(Function, [Node], at: Int)
    }

    enum Operator: String, Sendable {
        case or = "||"
        case and = "&&"
        case equal = "=="
        case unequal = "!="
        case lessOrEqual = "<="
        case moreOrEqual = ">="
        case less = "<"
        case more = ">"
        case plus = "+"
        case minus = "-"
        case times = "*"
        case over = "/"
        case modulo = "%"
        case not = "!"

        /// Higher binds tighter; the order of expr-lang.
        var precedence: Int {
            switch self {
            case .or: 1
            case .and: 2
            case .equal, .unequal, .less, .lessOrEqual, .more, .moreOrEqual: 3
            case .plus, .minus: 4
            case .times, .over, .modulo: 5
            case .not: 6
            }
        }
    }

    enum Function: String, Sendable, CaseIterable {
        case len, isNaN, isInf, isNil
        case fallback = "default"

        var parameters: Int { self == .fallback ? 2 : 1 }
    }

    /// - Throws: ``ConditionError`` at the first thing that cannot be read.
    package init(_ text: String) throws(ConditionError) {
        var parser = try ConditionParser(text)
        self.text = text
        root = try parser.parse()
        asksAboutNoData = parser.asksAboutNoData
    }
}

/// What is wrong with a condition, and where.
package struct ConditionError: Error, Hashable, Sendable {
    package let message: String
    /// Characters from the condition's beginning, from 0.
    package let offset: Int
}

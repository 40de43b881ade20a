internal import BelayCore

/// A condition on a metric's result, in the expression language of Argo Rollouts' templates
/// (https://expr-lang.org/docs/language-definition). It is parsed once, with positions.
///
/// All numbers are of one kind. In two cases expr gives a result and this is an error, because the result would let a
/// bad version pass: the mean or median of nothing (0 in expr), and a comparison of unlike kinds that shows only at run
/// time.
package struct Condition: Sendable {
    package let text: String
    let root: Node

    /// Whether the condition itself asks what happens without data.
    package let asksAboutNoData: Bool
    /// Which of Belay's own names it uses beside `result`.
    package let variables: Set<Variable>

    /// Belay's own names, which Argo does not have.
    package enum Variable: String, Sendable, CaseIterable {
        /// The share of the traffic that the canary is asked to have in the present step, 0…1.
        case asked
        /// What `requestsQuery` answered.
        case requests
    }

    /// A part of the condition and where it stands, in characters from the beginning.
    struct Node: Sendable {
        let form: Form
        let range: Range<Int>
        let depth: Int
    }

    indirect enum Form: Sendable {
        case literal(JSONValue)
        case list([Node])
        case result
        case variable(Variable)
        /// `#`, the element that a predicate looks at.
        case element
        case sign(Node, isNegative: Bool)
        case not(Node)
        case binary(Operator, Node, Node)
        case choice(if: Node, then: Node, else: Node)
        /// `a[0]`, `a["key"]`, `a.key`. With `?.` a nil owner makes the whole rest of the chain nil.
        case index(Node, Node, isOptional: Bool)
        case chain(Node)
        case slice(Node, from: Node?, to: Node?)
        /// The last argument of a function that takes a predicate is one.
        case call(Function, [Node])
    }

    enum Operator: String, Sendable, CaseIterable {
        case or = "||"
        case and = "&&"
        case equal = "=="
        case unequal = "!="
        case lessOrEqual = "<="
        case moreOrEqual = ">="
        case less = "<"
        case more = ">"
        case `in`, contains, startsWith, endsWith
        case notIn = "not in"
        case plus = "+"
        case minus = "-"
        case times = "*"
        case over = "/"
        case modulo = "%"
        case power = "**"
        case coalesce = "??"

        /// Higher binds tighter; the numbers of expr-lang.
        var precedence: Int {
            switch self {
            case .or: 10
            case .and: 15
            case .equal, .unequal, .less, .lessOrEqual, .more, .moreOrEqual: 20
            case .in, .notIn, .contains, .startsWith, .endsWith: 20
            case .plus, .minus: 30
            case .times, .over, .modulo: 60
            case .power: 100
            case .coalesce: 500
            }
        }

        static let notPrecedence = 50
        static let signPrecedence = 90
    }

    enum Function: String, Sendable, CaseIterable {
        case len, all, any, none, one, filter, map, count, sum, mean, median, min, max, abs, ceil, floor, round
        case first, last, isNaN, isInf, isNil, asInt, asFloat
        case fallback = "default"

        var arguments: ClosedRange<Int> {
            switch self {
            case .fallback, .all, .any, .none, .one, .filter, .map: 2...2
            case .count, .sum: 1...2
            case .mean, .median, .min, .max: 1...32
            case .len, .abs, .ceil, .floor, .round, .first, .last, .isNaN, .isInf, .isNil, .asInt, .asFloat: 1...1
            }
        }

        /// Whether the second argument is applied to each element of the first.
        var takesPredicate: Bool {
            switch self {
            case .all, .any, .none, .one, .filter, .map, .count, .sum: true
            case .len, .mean, .median, .min, .max, .abs, .ceil, .floor, .round, .first, .last, .isNaN, .isInf, .isNil,
                .asInt, .asFloat, .fallback:
                false
            }
        }
    }

    /// - Throws: ``ConditionError`` at the first thing that cannot be read.
    package init(_ text: String) throws(ConditionError) {
        var parser = ConditionParser(try ConditionToken.read(text))
        self.text = text
        root = try parser.parse()
        asksAboutNoData = parser.asksAboutNoData
        variables = parser.variables
    }

    /// The names of the functions, of those that take a predicate first.
    package static let predicateFunctions = Function.allCases.filter(\.takesPredicate).map(\.rawValue)
    package static let functions = predicateFunctions + Function.allCases.filter { !$0.takesPredicate }.map(\.rawValue)

    /// The text of one part, for messages.
    func spelling(of node: Node) -> String {
        let part = text.dropFirst(node.range.lowerBound).prefix(node.range.count)
        return part.count <= 60 ? "`\(part)`" : "`\(part.prefix(57))…`"
    }
}

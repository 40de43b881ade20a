internal import BelayCore

/// Precedence climbing over a list of tokens. Length and depth are bounded, so that no text can exhaust the stack.
struct ConditionParser {
    static let depthLimit = 64

    private let tokens: [ConditionToken]
    private var next = 0
    private var depth = 0
    /// How many predicates the parser is inside of: `#` means something only there.
    private var predicates = 0
    private(set) var asksAboutNoData = false
    private(set) var variables: Set<Condition.Variable> = []

    init(_ tokens: [ConditionToken]) { self.tokens = tokens }

    mutating func parse() throws(ConditionError) -> Condition.Node {
        let node = try expression(0)
        guard peek == .end else { throw unexpected() }
        return node
    }

    private var peek: ConditionToken.Form { tokens[next].form }
    private var offset: Int { tokens[next].range.lowerBound }
    /// Where the last token taken ends.
    private var end: Int { next == 0 ? 0 : tokens[next - 1].range.upperBound }

    private func error(_ message: String) -> ConditionError { ConditionError(message: message, offset: offset) }

    private func unexpected() -> ConditionError { error("`\(peek.spelling)` is not expected here") }

    private mutating func consume(_ symbol: String) -> Bool {
        guard peek == .symbol(symbol) else { return false }
        next += 1
        return true
    }

    private mutating func expect(_ symbol: String) throws(ConditionError) {
        guard consume(symbol) else { throw error("`\(symbol)` is expected here, not `\(peek.spelling)`") }
    }

    /// A node from `start` to the last token taken. A long chain counts as deep as a nested expression.
    /// - Throws: ``ConditionError`` where it is too deep.
    private func node(_ form: Condition.Form, from start: Int, _ children: Condition.Node...) throws(ConditionError)
        -> Condition.Node
    {
        try node(form, from: start, over: children)
    }

    private func node(
        _ form: Condition.Form, from start: Int, over children: [Condition.Node]
    ) throws(ConditionError) -> Condition.Node {
        let depth = 1 + (children.map(\.depth).max() ?? 0)
        guard depth <= Self.depthLimit * 2 else { throw tooDeep(at: start) }
        return Condition.Node(form: form, range: start..<max(start, end), depth: depth)
    }

    private func tooDeep(at offset: Int) -> ConditionError {
        ConditionError(message: "the condition is nested deeper than \(Self.depthLimit) levels", offset: offset)
    }

    private mutating func expression(_ floor: Int) throws(ConditionError) -> Condition.Node {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else { throw tooDeep(at: offset) }
        let start = offset
        var left = try prefix()
        while true {
            // What is piped goes on as a value: `result | len() > 1`.
            if floor == 0, consume("|") {
                left = try postfix(try call(piped: left), from: start)
                continue
            }
            guard let (symbol, words) = binary(), symbol.precedence >= floor else { break }
            next += words
            // All operators are left-associative except the power, as in expr-lang.
            let right = try expression(symbol == .power ? symbol.precedence : symbol.precedence + 1)
            left = try node(.binary(symbol, left, right), from: start, left, right)
        }
        return floor == 0 ? try choice(left, from: start) : left
    }

    private mutating func choice(_ condition: Condition.Node, from start: Int) throws(ConditionError) -> Condition.Node
    {
        guard consume("?") else { return condition }
        let yes = try expression(0)
        try expect(":")
        let no = try expression(0)
        return try node(.choice(if: condition, then: yes, else: no), from: start, condition, yes, no)
    }

    /// The operator here, and of how many tokens it is.
    private func binary() -> (Condition.Operator, words: Int)? {
        switch peek {
        case .symbol("not") where tokens[next + 1].form == .name("in"): (.notIn, 2)
        case .symbol(let text), .name(let text): Condition.Operator(rawValue: text).map { ($0, 1) }
        case .number, .string, .end: nil
        }
    }

    private mutating func prefix() throws(ConditionError) -> Condition.Node {
        let start = offset
        if consume("!") || consume("not") {
            let inner = try expression(Condition.Operator.notPrecedence)
            return try node(.not(inner), from: start, inner)
        }
        for (sign, isNegative) in [("-", true), ("+", false)] where consume(sign) {
            let inner = try expression(Condition.Operator.signPrecedence)
            return try node(.sign(inner, isNegative: isNegative), from: start, inner)
        }
        return try postfix(try primary(), from: start)
    }

    private mutating func postfix(_ node: Condition.Node, from start: Int) throws(ConditionError) -> Condition.Node {
        var node = node
        var isChain = false
        while true {
            if consume("[") {
                node = try element(of: node, from: start)
            } else if peek == .symbol(".") || peek == .symbol("?.") {
                let isOptional = peek == .symbol("?.")
                isChain = isChain || isOptional
                next += 1
                if isOptional, consume("[") {
                    node = try element(of: node, from: start, isOptional: true)
                    continue
                }
                guard case .name(let name) = peek else { throw error("a member's name is expected after the point") }
                node = try member(name, of: node, from: start, isOptional: isOptional)
            } else {
                return isChain ? try self.node(.chain(node), from: start, node) : node
            }
        }
    }

    private mutating func member(
        _ name: String, of owner: Condition.Node, from start: Int, isOptional: Bool
    ) throws(ConditionError) -> Condition.Node {
        let at = offset
        next += 1
        let key = try node(.literal(.string(name)), from: at)
        return try node(.index(owner, key, isOptional: isOptional), from: start, owner, key)
    }

    /// What follows `[`: an index, or a slice with either end left out.
    private mutating func element(
        of list: Condition.Node, from start: Int, isOptional: Bool = false
    ) throws(ConditionError) -> Condition.Node {
        let from = peek == .symbol(":") ? nil : try expression(0)
        guard consume(":") else {
            try expect("]")
            guard let from else { throw unexpected() }
            return try node(.index(list, from, isOptional: isOptional), from: start, list, from)
        }
        let to = peek == .symbol("]") ? nil : try expression(0)
        try expect("]")
        return try node(
            .slice(list, from: from, to: to), from: start, over: [list] + [from, to].compactMap { $0 })
    }

    private mutating func primary() throws(ConditionError) -> Condition.Node {
        let start = offset
        switch peek {
        case .number(let number): return try literal(.double(number))
        case .string(let text): return try literal(.string(text))
        case .name("true"): return try literal(.bool(true))
        case .name("false"): return try literal(.bool(false))
        case .name("nil"): return try literal(.null)
        case .name("result"):
            next += 1
            return try node(.result, from: start)
        case .name(let name):
            guard let variable = Condition.Variable(rawValue: name) else { return try call(piped: nil) }
            next += 1
            variables.insert(variable)
            return try node(.variable(variable), from: start)
        case .symbol("("):
            next += 1
            let inner = try expression(0)
            try expect(")")
            return Condition.Node(form: inner.form, range: start..<end, depth: inner.depth)
        case .symbol("["):
            next += 1
            let items = try list(until: "]")
            return try node(.list(items), from: start, over: items)
        case .symbol("#"), .symbol("."):
            guard predicates > 0 else { throw error("`#` is the element of all, any, filter …, and only known there") }
            // `.value` is short for `#.value`.
            if peek == .symbol("#") { next += 1 }
            return try node(.element, from: start)
        case .symbol, .end: throw error("a value is expected here, not `\(peek.spelling)`")
        }
    }

    private mutating func literal(_ value: JSONValue) throws(ConditionError) -> Condition.Node {
        let start = offset
        next += 1
        return try node(.literal(value), from: start)
    }

    private mutating func list(until close: String) throws(ConditionError) -> [Condition.Node] {
        var items: [Condition.Node] = []
        while !consume(close) {
            if !items.isEmpty { try expect(",") }
            items.append(try expression(0))
        }
        return items
    }

    /// - Parameter piped: What stands left of `|`, the first argument.
    private mutating func call(piped: Condition.Node?) throws(ConditionError) -> Condition.Node {
        let start = offset
        guard case .name(let name) = peek, let function = Condition.Function(rawValue: name) else {
            let known = Condition.Function.allCases.map(\.rawValue).joined(separator: ", ")
            throw error(
                "`\(peek.spelling)` is not known; there are result, asked, requests, true, false, nil, \(known)")
        }
        next += 1
        switch function {
        case .len, .isNaN, .isNil, .fallback: asksAboutNoData = true
        default: break
        }
        try expect("(")
        var arguments = piped.map { [$0] } ?? []
        var isFirst = true
        while !consume(")") {
            if !isFirst { try expect(",") }
            isFirst = false
            let isPredicate = function.takesPredicate && arguments.count == 1
            arguments.append(isPredicate ? try predicate() : try expression(0))
        }
        guard function.arguments.contains(arguments.count) else {
            let (least, most) = (function.arguments.lowerBound, function.arguments.upperBound)
            let wanted = least == most ? "\(least)" : "\(least) to \(most)"
            throw ConditionError(
                message: "`\(name)` takes \(wanted) argument(s), not \(arguments.count)", offset: start)
        }
        return try node(.call(function, arguments), from: piped?.range.lowerBound ?? start, over: arguments)
    }

    /// `# > 1` or `{# > 1}`.
    private mutating func predicate() throws(ConditionError) -> Condition.Node {
        predicates += 1
        defer { predicates -= 1 }
        guard consume("{") else { return try expression(0) }
        let inner = try expression(0)
        try expect("}")
        return inner
    }
}

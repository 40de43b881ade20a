/// Precedence climbing over a list of tokens. Length and depth are bounded, so that no text can exhaust the stack.
struct ConditionParser {
    private enum Token: Equatable {
        case number(Double)
        case name(String)
        case symbol(String)
        case end
    }

    static let lengthLimit = 4096
    static let depthLimit = 64

    private var tokens: [(token: Token, offset: Int)] = []
    private var next = 0
    private var depth = 0
    private(set) var asksAboutNoData = false

    init(_ text: String) throws(ConditionError) {
        let characters = Array(text)
        guard characters.count <= Self.lengthLimit else {
            throw ConditionError(message: "the condition is longer than \(Self.lengthLimit) characters", offset: 0)
        }
        try tokenize(characters)
    }

    mutating func parse() throws(ConditionError) -> Condition.Node {
        let node = try expression(above: 0)
        guard peek == .end else { throw error("`\(spelling(peek))` is not expected here") }
        return node
    }

    private mutating func tokenize(_ text: [Character]) throws(ConditionError) {
        var index = 0
        let two: Set<String> = ["||", "&&", "==", "!=", "<=", ">="]
        while index < text.count {
            let (character, start) = (text[index], index)
            if character.isWhitespace {
                index += 1
            } else if character.isASCII, character.isNumber || character == "." {
                while index < text.count, isNumberPart(text, index) { index += 1 }
                let spelling = String(text[start..<index]).replacing("_", with: "")
                guard let number = Double(spelling) else {
                    throw ConditionError(message: "`\(spelling)` is not a number", offset: start)
                }
                tokens.append((.number(number), start))
            } else if character.isLetter || character == "_" {
                while index < text.count, text[index].isLetter || text[index].isNumber || text[index] == "_" {
                    index += 1
                }
                tokens.append((word(String(text[start..<index])), start))
            } else if index + 1 < text.count, two.contains(String(text[index...index + 1])) {
                tokens.append((.symbol(String(text[index...index + 1])), start))
                index += 2
            } else if "<>+-*/%!()[],".contains(character) {
                tokens.append((.symbol(String(character)), start))
                index += 1
            } else {
                throw ConditionError(message: "`\(character)` is not part of the condition language", offset: start)
            }
        }
        tokens.append((.end, text.count))
    }

    /// Digits, a point, and an exponent with its sign: `1e-3`.
    private func isNumberPart(_ text: [Character], _ index: Int) -> Bool {
        let character = text[index]
        if character.isASCII, character.isNumber || ".eE_".contains(character) { return true }
        return "+-".contains(character) && index > 0 && "eE".contains(text[index - 1])
    }

    private func word(_ word: String) -> Token {
        switch word {
        case "and": .symbol("&&")
        case "or": .symbol("||")
        case "not": .symbol("!")
        default: .name(word)
        }
    }

    private var peek: Token { tokens[next].token }
    private var offset: Int { tokens[next].offset }

    private func spelling(_ token: Token) -> String {
        switch token {
        case .number(let number): "\(number)"
        case .name(let text), .symbol(let text): text
        case .end: "the end"
        }
    }

    private func error(_ message: String) -> ConditionError { ConditionError(message: message, offset: offset) }

    private mutating func expect(_ symbol: String) throws(ConditionError) {
        guard peek == .symbol(symbol) else { throw error("`\(symbol)` is expected here, not `\(spelling(peek))`") }
        next += 1
    }

    private mutating func expression(above floor: Int) throws(ConditionError) -> Condition.Node {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else {
            throw error("the condition is nested deeper than \(Self.depthLimit) levels")
        }
        var left = try unary()
        while case .symbol(let symbol) = peek, let binary = Condition.Operator(rawValue: symbol), binary != .not,
            binary.precedence > floor
        {
            let at = offset
            next += 1
            let right = try expression(above: binary.precedence)
            left = .binary(binary, left, right, at: at)
        }
        return left
    }

    private mutating func unary() throws(ConditionError) -> Condition.Node {
        if case .symbol(let symbol) = peek, symbol == "!" || symbol == "-" {
            let at = offset
            next += 1
            depth += 1
            defer { depth -= 1 }
            guard depth <= Self.depthLimit else {
                throw error("the condition is nested deeper than \(Self.depthLimit) levels")
            }
            return .unary(symbol == "!" ? .not : .minus, try unary(), at: at)
        }
        var node = try primary()
        while peek == .symbol("[") {
            let at = offset
            next += 1
            node = .index(node, try expression(above: 0), at: at)
            try expect("]")
        }
        return node
    }

    private mutating func primary() throws(ConditionError) -> Condition.Node {
        switch peek {
        case .number(let number):
            next += 1
            return .number(number)
        case .symbol("("):
            next += 1
            let node = try expression(above: 0)
            try expect(")")
            return node
        case .name("result"):
            next += 1
            return .result
        case .name("true"), .name("false"):
            defer { next += 1 }
            return .bool(peek == .name("true"))
        case .name(let name): return try call(name)
        case .symbol, .end: throw error("a value is expected here, not `\(spelling(peek))`")
        }
    }

    private mutating func call(_ name: String) throws(ConditionError) -> Condition.Node {
        let at = offset
        guard let function = Condition.Function(rawValue: name) else {
            let known = Condition.Function.allCases.map(\.rawValue).joined(separator: ", ")
            throw error("`\(name)` is not known; there are result, true, false, \(known)")
        }
        next += 1
        asksAboutNoData = asksAboutNoData || function != .isInf
        try expect("(")
        var arguments: [Condition.Node] = []
        while peek != .symbol(")") {
            if !arguments.isEmpty { try expect(",") }
            arguments.append(try expression(above: 0))
        }
        next += 1
        guard arguments.count == function.parameters else {
            throw ConditionError(
                message: "`\(name)` takes \(function.parameters) argument(s), not \(arguments.count)", offset: at)
        }
        return .call(function, arguments, at: at)
    }
}

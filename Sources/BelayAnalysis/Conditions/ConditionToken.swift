/// The words of a condition.
struct ConditionToken: Equatable {
    enum Form: Equatable {
        case number(Double)
        case string(String)
        case name(String)
        case symbol(String)
        case end

        var spelling: String {
            switch self {
            case .number(let number): "\(number)"
            case .string(let text): "\"\(text)\""
            case .name(let text), .symbol(let text): text
            case .end: "the end"
            }
        }
    }

    let form: Form
    let range: Range<Int>

    static let lengthLimit = 4096

    private static let words = ["and": "&&", "or": "||", "not": "not"]
    private static let pairs: Set<String> = ["||", "&&", "==", "!=", "<=", ">=", "??", "?.", "**"]

    /// - Throws: ``ConditionError`` where a character begins no word of the language.
    static func read(_ text: String) throws(ConditionError) -> [ConditionToken] {
        let text = Array(text)
        guard text.count <= lengthLimit else {
            throw ConditionError(message: "the condition is longer than \(lengthLimit) characters", offset: 0)
        }
        var tokens: [ConditionToken] = []
        var index = 0
        while index < text.count {
            if text[index].isWhitespace {
                index += 1
                continue
            }
            let start = index
            let form = try form(in: text, at: &index, after: tokens.last?.form)
            tokens.append(ConditionToken(form: form, range: start..<index))
        }
        tokens.append(ConditionToken(form: .end, range: text.count..<text.count))
        return tokens
    }

    private static func form(
        in text: [Character], at index: inout Int, after last: Form?
    ) throws(ConditionError) -> Form {
        let (start, character) = (index, text[index])
        let next = index + 1 < text.count ? text[index + 1] : " "
        if isDigit(character) || character == "." && isDigit(next) && !isValue(last) {
            return .number(try number(in: text, at: &index))
        }
        if character.isLetter || character == "_" {
            while index < text.count, text[index].isLetter || text[index].isNumber || text[index] == "_" { index += 1 }
            let word = String(text[start..<index])
            return last == .symbol(".") ? .name(word) : words[word].map { .symbol($0) } ?? .name(word)
        }
        if "\"'`".contains(character) { return .string(try string(in: text, at: &index)) }
        // `a ?.5 : 1` is a choice, `a?.b` a member.
        if pairs.contains("\(character)\(next)"), !(character == "?" && next == "." && isDigit(at: index + 2, of: text))
        {
            index += 2
            return .symbol("\(character)\(next)")
        }
        guard "<>+-*/%^!()[]{},.:?#|".contains(character) else {
            throw ConditionError(message: "`\(character)` is not part of the condition language", offset: start)
        }
        index += 1
        return .symbol(character == "^" ? "**" : String(character))
    }

    private static func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }

    private static func isDigit(at index: Int, of text: [Character]) -> Bool {
        index < text.count && isDigit(text[index])
    }

    /// After a value a point begins a member.
    private static func isValue(_ form: Form?) -> Bool {
        switch form {
        case .number, .string, .name, .symbol(")"), .symbol("]"), .symbol("#"): true
        case .symbol, .end, nil: false
        }
    }

    /// Digits with `_`, a point, an exponent with its sign: `1e-3`.
    private static func number(in text: [Character], at index: inout Int) throws(ConditionError) -> Double {
        let start = index
        func isPart(_ index: Int) -> Bool {
            let character = text[index]
            if character.isASCII, character.isNumber || character.isLetter || "._".contains(character) { return true }
            return "+-".contains(character) && "eE".contains(text[index - 1])
        }
        while index < text.count, isPart(index) { index += 1 }
        let spelling = String(text[start..<index])
        let digits = spelling.filter { $0 != "_" }
        guard let number = Double(digits), number.isFinite, digits.last != "." else {
            throw ConditionError(message: "`\(spelling)` is not a number", offset: start)
        }
        return number
    }

    private static func string(in text: [Character], at index: inout Int) throws(ConditionError) -> String {
        let (start, quote) = (index, text[index])
        var value = ""
        index += 1
        while index < text.count, text[index] != quote {
            guard text[index] == "\\", quote != "`" else {
                value.append(text[index])
                index += 1
                continue
            }
            let escapes: [Character: Character] = ["n": "\n", "t": "\t", "r": "\r", "\\": "\\", "\"": "\"", "'": "'"]
            guard index + 1 < text.count, let escaped = escapes[text[index + 1]] else {
                throw ConditionError(message: "after `\\` one of n t r \\ \" ' is expected", offset: index)
            }
            value.append(escaped)
            index += 2
        }
        guard index < text.count else {
            throw ConditionError(message: "the string has no closing \(quote)", offset: start)
        }
        index += 1
        return value
    }
}

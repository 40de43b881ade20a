internal import BelayCore

/// The little that has to be known of a PromQL query before it is asked.
package enum PromQL {
    /// The longest range in the query, `[5m]` or `[1h:30s]`: how far back one answer looks.
    package static func longestRange(in query: String) -> Duration? {
        var longest: Duration?
        for range in query.split(separator: "[", omittingEmptySubsequences: false).dropFirst() {
            let text = range.prefix { $0 != "]" && $0 != ":" }
            guard let duration = Duration(text: String(text.filter { !$0.isWhitespace })) else { continue }
            longest = max(longest ?? .zero, duration)
        }
        return longest
    }

    /// An instant query answers with a scalar only where nothing in it selects series outside `scalar(…)`.
    package static func shape(of query: String) -> Condition.Shape {
        var rest = query[...]
        while let first = rest.first {
            if first.isWhitespace || first.isNumber || "+-*/%^().,<>=!".contains(first) {
                rest = rest.dropFirst()
                continue
            }
            let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == ":" }
            guard !word.isEmpty else { return .list }
            rest = rest.dropFirst(word.count)
            switch word {
            case "scalar":
                guard let end = closing(rest) else { return .list }
                rest = rest[end...].dropFirst()
            case "time", "pi", "Inf", "NaN", "bool", "e": continue
            default: return .list
            }
        }
        return .scalar
    }

    /// The parenthesis that closes the first one.
    static func closing(_ text: Substring) -> Substring.Index? {
        var depth = 0
        for index in text.indices {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" {
                depth -= 1
                if depth == 0 { return index }
            }
        }
        return nil
    }
}

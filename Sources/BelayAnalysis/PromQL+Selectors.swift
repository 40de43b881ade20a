package import BelayCore

extension PromQL {
    /// The selectors of a query, each once and in its order; nil where the query cannot be taken apart.
    package static func selectors(in query: String) -> [SeriesSelector]? {
        var scanner = Scanner(query)
        return scanner.selectors()
    }

    /// A query for the age, in seconds, of the newest sample that the given queries can see; of several selectors the
    /// oldest one counts. An instant vector bears the time of its evaluation, not of its samples, so the age has to be
    /// asked for.
    /// - Returns: nil where it cannot be told what the queries select.
    package static func ageQuery(of queries: [String]) -> String? {
        var texts: [String] = []
        for query in queries {
            guard let selectors = selectors(in: query), !isShifted(query) else { return nil }
            for selector in selectors where !texts.contains(selector.text) { texts.append(selector.text) }
        }
        guard !texts.isEmpty, texts.count <= 16 else { return nil }
        let newest = texts.enumerated().map { place, text in
            "label_replace(max(timestamp(\(text))), \"selector\", \"\(place)\", \"\", \"\")"
        }
        return "time() - min(\(newest.joined(separator: " or ")))"
    }

    /// Whether `offset` or `@` moves what is selected: then the newest sample is not the one that is seen.
    private static func isShifted(_ query: String) -> Bool {
        var scanner = Scanner(query)
        return scanner.selectors() == nil || scanner.isShifted
    }

    /// The parts of a query that only asks for a histogram's quantile; nil for any other query.
    package static func quantile(in query: String) -> QuantileQuery? {
        var rest = trimmed(query[...])
        var scale = 1.0
        if let star = rest.firstIndex(of: "*"), let factor = Double(trimmed(rest[..<star])) {
            scale = factor
            rest = trimmed(rest[star...].dropFirst())
        }
        guard rest.hasPrefix("histogram_quantile") else { return nil }
        rest = trimmed(rest.dropFirst("histogram_quantile".count))
        guard rest.first == "(", let comma = rest.firstIndex(of: ","), let end = closing(rest),
            let quantile = Double(trimmed(rest[..<comma].dropFirst()))
        else { return nil }
        let buckets = trimmed(rest[..<end][comma...].dropFirst())
        let after = trimmed(rest[end...].dropFirst())
        if after.hasPrefix("*"), let factor = Double(trimmed(after.dropFirst())) {
            scale *= factor
        } else if !after.isEmpty {
            return nil
        }
        return QuantileQuery(quantile: quantile, buckets: String(buckets), scale: scale)
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop(while: \.isWhitespace)
        while text.last?.isWhitespace == true { text = text.dropLast() }
        return text
    }
}

extension Metric {
    /// What its server is asked, in the server's own language; nil where it is no question to a time series database.
    package var query: String? { prometheus?.text }

    /// How long its samples take to arrive, where the file says so.
    package var declaredLag: Duration? { prometheus.flatMap { $0.lag > .zero ? $0.lag : nil } }
}

/// Finds selectors word by word. Source: Prometheus' lexer, `promql/parser/lex.go`.
private struct Scanner {
    private let characters: [Character]
    private var place = 0
    private(set) var isShifted = false

    /// Words after which a list of labels stands.
    private static let beforeLabels: Set = ["by", "without", "on", "ignoring", "group_left", "group_right"]
    private static let words: Set = ["and", "or", "unless", "offset", "bool", "inf", "nan", "atan2", "start", "end"]

    init(_ query: String) { characters = Array(query) }

    private var next: Character? { place < characters.count ? characters[place] : nil }

    mutating func selectors() -> [SeriesSelector]? {
        var found: [SeriesSelector] = []
        while let character = next {
            switch character {
            case "#":
                while let character = next, character != "\n" {
                    _ = character
                    place += 1
                }
            case "\"", "'", "`": guard skipText() != nil else { return nil }
            case "[": guard skip(to: "]") else { return nil }
            case "{":
                guard let selector = selector(named: "", from: place) else { return nil }
                add(selector, to: &found)
            case _ where character.isNumber: skipWord()
            case _ where character.isLetter || character == "_" || character == ":":
                let start = place
                skipWord()
                let word = String(characters[start..<place])
                isShifted = isShifted || word.lowercased() == "offset"
                skipBlanks()
                if Self.beforeLabels.contains(word.lowercased()) {
                    if next == "(", !skip(to: ")") { return nil }
                } else if next == "(" || Self.words.contains(word.lowercased()) {
                    break
                } else if next == "{" {
                    guard let selector = selector(named: word, from: start) else { return nil }
                    add(selector, to: &found)
                } else if !isBeforeLabels {
                    add(SeriesSelector(name: word, matchers: [], text: word), to: &found)
                }
            default:
                isShifted = isShifted || character == "@"
                place += 1
            }
        }
        return found
    }

    /// An aggregation may have its grouping first: `sum by (le) (…)`.
    private var isBeforeLabels: Bool {
        let rest = String(characters[place...].prefix(7)).lowercased()
        return rest.hasPrefix("by") || rest.hasPrefix("without")
    }

    private func add(_ selector: SeriesSelector, to found: inout [SeriesSelector]) {
        if !found.contains(where: { $0.text == selector.text }) { found.append(selector) }
    }

    private mutating func skipBlanks() { while next?.isWhitespace == true { place += 1 } }

    private mutating func skipWord() {
        while let character = next, character.isLetter || character.isNumber || "_:.".contains(character) { place += 1 }
    }

    private mutating func skip(to end: Character) -> Bool {
        while let character = next {
            if character == "\"" || character == "'" || character == "`" {
                guard skipText() != nil else { return false }
                continue
            }
            place += 1
            if character == end { return true }
        }
        return false
    }

    /// - Returns: What stands between the quotes.
    private mutating func skipText() -> String? {
        guard let quote = next else { return nil }
        place += 1
        var text = ""
        while let character = next {
            place += 1
            if character == quote { return text }
            if character == "\\", quote != "`", let escaped = next {
                place += 1
                text.append(character)
                text.append(escaped)
                continue
            }
            text.append(character)
        }
        return nil
    }

    private mutating func selector(named name: String, from start: Int) -> SeriesSelector? {
        place += 1  // {
        var (matchers, metric): ([SeriesSelector.Matcher], String) = ([], name)
        while true {
            skipBlanks()
            if next == "}" { break }
            if next == "," {
                place += 1
                continue
            }
            let begin = place
            let quoted = next == "\"" ? skipText() : nil
            if quoted == nil { skipWord() }
            let label = quoted ?? String(characters[begin..<place])
            skipBlanks()
            // Prometheus 3 lets a quoted metric's name stand in the braces.
            if quoted != nil, next == "}" || next == "," {
                metric = label
                continue
            }
            var comparison = ""
            while let character = next, "=!~".contains(character) {
                comparison.append(character)
                place += 1
            }
            skipBlanks()
            guard !label.isEmpty, ["=", "!=", "=~", "!~"].contains(comparison),
                next == "\"" || next == "'" || next == "`", let value = skipText()
            else { return nil }
            if label == "__name__", comparison == "=" { metric = value }
            matchers.append(.init(label: label, comparison: comparison, value: value))
        }
        place += 1  // }
        return SeriesSelector(name: metric, matchers: matchers, text: String(characters[start..<place]))
    }
}

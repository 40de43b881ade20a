internal import BelayCore

/// Which objects are wanted: by labels, or by fields.
/// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels
struct Selector: Sendable {
    private enum Test: Sendable {
        case isOneOf([String])
        case isNoneOf([String])
        case exists
        case isMissing
    }

    private let labels: [(key: String, test: Test)]
    private let fields: [(path: [String], value: String, isEqual: Bool)]

    /// - Parameters:
    ///   - labels: `app=cart,track in (a,b),!old`; nil: all.
    ///   - fields: `metadata.name=cart,status.phase!=Failed`; nil: all.
    init(labels: String?, fields: String?) throws(APIError) {
        var tests: [(key: String, test: Test)] = []
        for part in Self.parts(of: labels ?? "") { tests.append(try Self.test(part)) }
        self.labels = tests
        self.fields = (fields ?? "").split(separator: ",").map { part in
            let isEqual = !part.contains("!=")
            let halves = part.split(separator: isEqual ? "=" : "!=", maxSplits: 1, omittingEmptySubsequences: true)
            let value = halves.count > 1 ? halves[1].drop { $0 == "=" } : ""
            return (halves[0].split(separator: ".").map(String.init), String(value), isEqual)
        }
    }

    /// Of a Service or a workload.
    init(matching labels: JSONValue?) {
        self.labels =
            (labels?.stringMap ?? [:]).map { (key: $0.key, test: .isOneOf([$0.value])) }
        fields = []
    }

    func matches(_ object: JSONValue) -> Bool {
        let own = object.at("metadata", "labels")?.stringMap ?? [:]
        for (key, test) in labels {
            switch test {
            case .isOneOf(let values): guard let value = own[key], values.contains(value) else { return false }
            case .isNoneOf(let values): if let value = own[key], values.contains(value) { return false }
            case .exists: if own[key] == nil { return false }
            case .isMissing: if own[key] != nil { return false }
            }
        }
        return fields.allSatisfy { path, value, isEqual in ((object.at(path[...])?.string ?? "") == value) == isEqual }
    }

    /// Commas within parentheses separate values, not tests.
    private static func parts(of text: String) -> [String] {
        var (parts, depth) = ([""], 0)
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == ",", depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
        }
        return parts.map { $0.filter { _ in true } }.filter { !$0.isEmpty }
    }

    private static func test(_ part: String) throws(APIError) -> (key: String, test: Test) {
        func trimmed(_ text: some StringProtocol) -> String { text.split(separator: " ").joined(separator: " ") }
        func values(_ text: Substring) -> [String] {
            text.drop { $0 != "(" }.dropFirst().prefix { $0 != ")" }.split(separator: ",").map { trimmed($0) }
        }
        let words = part.split(separator: " ")
        if words.count > 1, words[1] == "in" { return (String(words[0]), .isOneOf(values(part[...]))) }
        if words.count > 1, words[1] == "notin" { return (String(words[0]), .isNoneOf(values(part[...]))) }
        for (sign, isEqual) in [("!=", false), ("==", true), ("=", true)] {
            guard let range = part.firstRange(of: sign) else { continue }
            let (key, value) = (trimmed(part[..<range.lowerBound]), trimmed(part[range.upperBound...]))
            guard !key.isEmpty, !value.contains("=") else { break }
            return (key, isEqual ? .isOneOf([value]) : .isNoneOf([value]))
        }
        if part.hasPrefix("!") { return (trimmed(part.dropFirst()), .isMissing) }
        guard !part.contains(where: { " =!()".contains($0) }) else {
            throw .badRequest("unable to parse requirement: found '\(part)'")
        }
        return (part, .exists)
    }
}

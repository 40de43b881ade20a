/// The part of JSONPath that names one value: `$.data.items[0]['name']`, with or without braces around it.
/// Source: RFC 9535, name and index selectors.
package struct JSONPath: Hashable, Sendable {
    /// One part of a path.
    package enum Part: Hashable, Sendable {
        case member(String)
        /// From the end where it is negative.
        case index(Int)
    }

    /// A path that cannot be read, or finds nothing; the message is for people.
    package struct Failure: Error, Hashable, Sendable {
        package let message: String
    }

    package let text: String
    package let parts: [Part]

    package static let root = JSONPath(text: "$", parts: [])

    private init(text: String, parts: [Part]) {
        self.text = text
        self.parts = parts
    }

    /// - Throws: ``Failure`` where it names more than one value, or cannot be read.
    package init(_ text: String) throws(Failure) {
        var rest = text[...]
        if rest.hasPrefix("{"), rest.hasSuffix("}") { rest = rest.dropFirst().dropLast() }
        if rest.hasPrefix("$") { rest = rest.dropFirst() }
        var parts: [Part] = []
        while let first = rest.first {
            switch first {
            case ".":
                let name = rest.dropFirst().prefix { !".[".contains($0) }
                guard !name.isEmpty, name != "*" else { throw Self.severalValues }
                parts.append(.member(String(name)))
                rest = rest.dropFirst(name.count + 1)
            case "[":
                guard let end = rest.firstIndex(of: "]") else { throw Failure(message: "`[` without `]`") }
                parts.append(try Self.selector(rest[..<end].dropFirst()))
                rest = rest[end...].dropFirst()
            default: throw Failure(message: "`.name` or `[0]` is expected at `\(rest)`")
            }
        }
        self.init(text: text, parts: parts)
    }

    private static let severalValues = Failure(
        message: "one value is expected; take a list whole and say the rest in the condition: "
            + "`all(result.items, .ok)`")

    private static func selector(_ text: Substring) throws(Failure) -> Part {
        if let index = Int(text) { return .index(index) }
        if let quote = text.first, "\"'".contains(quote), text.count >= 2, text.last == quote {
            return .member(String(text.dropFirst().dropLast()))
        }
        throw severalValues
    }

    /// The value it names; nil where there is none.
    package func value(in json: JSONValue) -> JSONValue? {
        var value = json
        for part in parts {
            switch part {
            case .member(let name):
                guard let member = value[name] else { return nil }
                value = member
            case .index(let index):
                guard let items = value.array else { return nil }
                let place = index < 0 ? items.count + index : index
                guard items.indices.contains(place) else { return nil }
                value = items[place]
            }
        }
        return value
    }
}

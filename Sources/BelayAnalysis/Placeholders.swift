/// `{{args.max}}`, `{{canary.backend}}`, `{{ revision }}` in a text.
package struct Placeholders: Sendable {
    /// A placeholder that has no value, or braces that do not close; the message is for people.
    package struct Failure: Error, Hashable, Sendable {
        package let message: String
    }

    package let values: [String: String]

    package init(_ values: [String: String]) { self.values = values }

    /// The names between the braces, in order.
    package static func names(in text: String) -> [String] {
        var names: [String] = []
        var rest = text[...]
        while let open = rest.firstRange(of: "{{") {
            rest = rest[open.upperBound...]
            guard let close = rest.firstRange(of: "}}") else { break }
            names.append(trimmed(rest[..<close.lowerBound]))
            rest = rest[close.upperBound...]
        }
        return names
    }

    /// The text with every placeholder replaced.
    /// - Throws: ``Failure`` naming the first one that has no value.
    package func fill(_ text: String) throws(Failure) -> String {
        var filled = ""
        var rest = text[...]
        while let open = rest.firstRange(of: "{{") {
            filled += rest[rest.startIndex..<open.lowerBound]
            let after = rest[open.upperBound...]
            guard let close = after.firstRange(of: "}}") else {
                throw Failure(message: "`{{` without `}}`")
            }
            let name = Self.trimmed(after[after.startIndex..<close.lowerBound])
            guard let value = values[name] else {
                let known = values.keys.sorted().joined(separator: ", ")
                throw Failure(message: "`{{\(name)}}` has no value; there are \(known)")
            }
            filled += value
            rest = after[close.upperBound...]
        }
        return filled + rest
    }

    private static func trimmed(_ text: Substring) -> String {
        let start = text.drop { $0.isWhitespace }
        return String(start.reversed().drop { $0.isWhitespace }.reversed())
    }
}

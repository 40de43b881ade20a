/// Who answers a metric.
package enum MetricSource: Hashable, Sendable {
    case prometheus(PrometheusQuery)
    case web(WebQuery)
    case command(CommandQuery)
    /// Always the same answer: for trying out.
    case constant(JSONValue)
}

/// A server and how it is reached. Secrets stay references (`env:NAME`, `file:PATH`; inside a text `{{env:NAME}}`) and are
/// resolved when used.
package struct Endpoint: Hashable, Sendable {
    package var address: String
    package var timeout: Duration = .seconds(5)
    package var headers: [Header] = []
    package var bearer: String?
    package var basicUser: String?
    package var basicPassword: String?
    /// Paths of PEM files.
    package var authority: String?
    package var certificate: String?
    package var key: String?
    /// Whoever answers is believed. As in Argo's `insecure`.
    package var isInsecure = false
    /// Warnings that contain one of these texts do not make an answer incomplete.
    package var ignoredWarnings: [String] = []
    /// Requests under way at once; further ones wait their turn.
    package var maxInFlight = 8

    package init(address: String) { self.address = address }
}

/// One line of a request's head. The value may be a reference.
package struct Header: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// A request whose answer is JSON.
package struct WebQuery: Hashable, Sendable {
    package enum Method: String, Hashable, Sendable, CaseIterable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
    }

    package enum Body: Hashable, Sendable {
        case text(String)
        case json(JSONValue)
    }

    /// Its address is the whole URL.
    package var server: Endpoint
    package var method = Method.get
    package var body: Body?
    /// Which part of the answer is the result.
    package var path = JSONPath.root

    package init(server: Endpoint) { self.server = server }
}

/// A program whose exit status or output is the result.
package struct CommandQuery: Hashable, Sendable {
    package enum Reads: String, Hashable, Sendable, CaseIterable {
        /// Standard output, one JSON value; another status than 0 is an error.
        case output
        /// 0 … 255.
        case exitStatus
    }

    /// The program first. No shell is in between.
    package var arguments: [String]
    package var environment: [Header] = []
    /// Where it runs; nil: where Belay does.
    package var directory: String?
    /// After it the whole process group is ended.
    package var timeout: Duration = .seconds(30)
    package var reads = Reads.output

    package init(arguments: [String]) { self.arguments = arguments }
}

/// The part of JSONPath that names one value: `$.data.items[0]['name']`, with or without braces around it.
/// Source: RFC 9535, name and index selectors.
package struct JSONPath: Hashable, Sendable {
    package enum Part: Hashable, Sendable {
        case member(String)
        /// From the end where it is negative.
        case index(Int)
    }

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

/// One selector of series in a query, `http_requests_total{code=~"5.."}`.
package struct SeriesSelector: Hashable, Sendable {
    /// One `label="value"` of a selector, as it is written.
    package struct Matcher: Hashable, Sendable {
        package let label: String
        /// `=`, `!=`, `=~` or `!~`.
        package let comparison: String
        package let value: String

        fileprivate var needsLabel: Bool {
            switch comparison {
            case "=": !value.isEmpty
            // A pattern that cannot be read here is left to the server, which refuses it.
            case "=~": (try? Regex(value)).map { "".wholeMatch(of: $0) == nil } ?? false
            default: false
            }
        }
    }

    /// The metric's name; empty where a matcher gives it.
    package let name: String
    package let matchers: [Matcher]
    /// As the query has it, without a range and its modifiers.
    package let text: String

    package var labels: Set<String> { Set(matchers.map(\.label)).subtracting(["__name__"]) }

    /// The labels without which a series is not selected; a missing label is the same as `""`.
    package var needed: Set<String> {
        Set(matchers.filter(\.needsLabel).map(\.label)).subtracting(["__name__"])
    }

    /// Whether it selects from the same metric, under fewer conditions.
    package func isWider(than other: SeriesSelector) -> Bool {
        name == other.name && !name.isEmpty && matchers.count < other.matchers.count
            && Set(matchers).isSubset(of: other.matchers)
    }
}

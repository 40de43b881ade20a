/// What a provider answered to one query.
package enum MetricAnswer: Hashable, Sendable {
    case scalar(Double)
    /// The samples in the server's order, labels dropped.
    case list([Double])
    /// What a web service or a command answered, and its text.
    case json(JSONValue, text: String)
    /// A transport error, a time-out, 5xx or 429.
    case noData(String)
    /// 4xx, a body that is not what the API promises, a result type that has no numbers.
    case error(String)

    /// As Argo Rollouts writes it: `10`, `NaN`, `[10,11]`.
    package var text: String {
        switch self {
        case .scalar(let number): Self.text(number)
        case .list(let numbers) where numbers.count <= 20:
            "[" + numbers.map(Self.text).joined(separator: ",") + "]"
        case .list(let numbers):
            // A list of thousands would fill the journal. Only its first and last values are written, the smallest and
            // the largest.
            "[" + numbers.prefix(8).map(Self.text).joined(separator: ",") + ",… \(numbers.count) values, "
                + "\(Self.text(numbers.min() ?? .nan)) to \(Self.text(numbers.max() ?? .nan)), …,"
                + numbers.suffix(4).map(Self.text).joined(separator: ",") + "]"
        case .json(_, let text): text
        case .noData, .error: "-"
        }
    }

    private static func text(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: number) { return "\(whole)" }
        return "\(number)"
    }
}

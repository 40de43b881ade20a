internal import BelayCore

/// Counters out of the API's matrices, labels kept. What cannot be read is left out: an absent sample makes the next
/// increment longer, and loses nothing.
enum CounterMatrix {
    /// - Parameter starts: The matrix of `process_start_time_seconds`, in seconds since 1970, or its vector where a server
    ///   gives only that; may be empty.
    static func series(_ matrix: [JSONValue], starts: [JSONValue]) -> [CounterSeries] {
        let began = Dictionary(starts.map { (target(labels($0)), beginnings($0)) }, uniquingKeysWith: +)
        return matrix.map { entry in
            let labels = labels(entry)
            return CounterSeries(
                labels: labels, samples: (entry["values"]?.array ?? []).compactMap(sample),
                starts: (began[target(labels)] ?? []).sorted { $0.at < $1.at })
        }
    }

    /// The labels that tell what was scraped; as a rule that is one page of one process.
    private static func target(_ labels: CounterSeries.Labels) -> [String?] { [labels["job"], labels["instance"]] }

    private static func beginnings(_ entry: JSONValue) -> [CounterSeries.Start] {
        (entry["values"]?.array ?? entry["value"].map { [$0] } ?? []).compactMap { pair in
            guard let pair = pair.array, pair.count == 2, let at = pair[0].number.flatMap(moment),
                let began = time(pair)
            else { return nil }
            return .init(at: at, began: began)
        }
    }

    static func labels(_ entry: JSONValue) -> CounterSeries.Labels {
        guard case .object(let members)? = entry["metric"] else { return .init([:]) }
        return .init(
            Dictionary(members.map { ($0.key, $0.value.string ?? "") }, uniquingKeysWith: { first, _ in first }))
    }

    /// `[1700000000.123, "42"]`
    private static func sample(_ pair: JSONValue) -> CounterSeries.Sample? {
        guard let pair = pair.array, pair.count == 2, let at = pair[0].number.flatMap(moment),
            let text = pair[1].string, let value = number(text), value >= 0, value <= largest
        else { return nil }
        return .init(at: at, value: value)
    }

    /// Up to here a double counts exactly; nothing that counts requests comes near.
    private static let largest = 0x1p53

    /// A sample whose value is a moment, in seconds since 1970.
    static func time(_ pair: [JSONValue]) -> Timestamp? {
        guard pair.count == 2, let text = pair[1].string else { return nil }
        return number(text).flatMap(moment)
    }

    private static func moment(_ seconds: Double) -> Timestamp? {
        Int64(exactly: (seconds * 1000).rounded()).map(Timestamp.init(milliseconds:))
    }

    /// As the API spells numbers.
    static func number(_ text: String) -> Double? {
        switch text {
        case "NaN": .nan
        case "+Inf", "Inf": .infinity
        case "-Inf": -.infinity
        default: Double(text)
        }
    }
}

extension CounterSeries.Labels {
    /// `{code="500", pod="x"}`, without the metric's name; empty where there are none.
    var text: String {
        let parts = values.filter { $0.key != "__name__" }.sorted { $0.key < $1.key }.map {
            "\($0.key)=\"\($0.value)\""
        }
        return parts.isEmpty ? "" : "{\(parts.joined(separator: ", "))}"
    }
}

internal import BelayCore

/// Counters out of the API's matrices, labels kept. What cannot be read is left out: an absent sample makes the next
/// increment longer, and loses nothing.
enum CounterSamples {
    /// - Parameter starts: The vector of `process_start_time_seconds`, in seconds since 1970; may be empty.
    static func series(_ matrix: [JSONValue], starts: [JSONValue]) -> [CounterSeries] {
        let began = Dictionary(
            starts.compactMap { entry -> ([String?], Timestamp)? in
                guard let pair = entry["value"]?.array, pair.count == 2, let text = pair[1].string,
                    let seconds = number(text), seconds.isFinite
                else { return nil }
                return (labels(entry).target, Timestamp(milliseconds: Int64(seconds * 1000)))
            }, uniquingKeysWith: max)
        return matrix.map { entry in
            let labels = labels(entry)
            let samples = (entry["values"]?.array ?? []).compactMap(sample)
            return CounterSeries(labels: labels, samples: samples, startTime: began[labels.target])
        }
    }

    private static func labels(_ entry: JSONValue) -> CounterSeries.Labels {
        guard case .object(let members)? = entry["metric"] else { return .init([:]) }
        return .init(
            Dictionary(members.map { ($0.key, $0.value.string ?? "") }, uniquingKeysWith: { first, _ in first }))
    }

    /// `[1700000000.123, "42"]`
    private static func sample(_ pair: JSONValue) -> CounterSeries.Sample? {
        guard let pair = pair.array, pair.count == 2, let seconds = pair[0].number, let text = pair[1].string,
            let value = number(text)
        else { return nil }
        return .init(at: Timestamp(milliseconds: Int64((seconds * 1000).rounded())), value: value)
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

package import BelayCore

/// Which of the model's numbers a metric reads. A query is not evaluated: its words tell what it is about.
package enum ModelledValue: Hashable, Sendable {
    case errorRatio
    case successRatio
    case latencyQuantile(Double)
    case latencyMean
    /// The canary's share of the requests.
    case split
    /// Nothing the model has: the metric is taken to pass.
    case nothing

    /// - Returns: nil where the word is none.
    package init?(word: String) {
        switch word {
        case "error-ratio": self = .errorRatio
        case "success-ratio": self = .successRatio
        case "latency-mean": self = .latencyMean
        case "split": self = .split
        case "nothing": self = .nothing
        default:
            guard word.hasPrefix("latency-p"), let percent = Double(word.dropFirst("latency-p".count)),
                percent > 0, percent < 100
            else { return nil }
            self = .latencyQuantile(percent / 100)
        }
    }

    package var word: String {
        switch self {
        case .errorRatio: "error-ratio"
        case .successRatio: "success-ratio"
        case .latencyQuantile(let quantile): "latency-p\(Comparator.short(quantile * 100))"
        case .latencyMean: "latency-mean"
        case .split: "split"
        case .nothing: "nothing"
        }
    }

    package static let words = "error-ratio, success-ratio, latency-p99, latency-mean, split, nothing"

    package var isLatency: Bool {
        switch self {
        case .latencyQuantile, .latencyMean: true
        case .errorRatio, .successRatio, .split, .nothing: false
        }
    }

    /// What a metric reads.
    package init(of metric: Metric) {
        let conditions = [metric.successCondition, metric.failureCondition].compactMap(\.self)
        if conditions.contains(where: { (try? Condition($0))?.variables.contains(.asked) == true }) {
            self = .split
            return
        }
        switch metric.prometheus?.question {
        case .instant(let text), .range(let text, _): self.init(guessing: text)
        case .counters(let counters): self = counters.slowerThan.isEmpty ? .errorRatio : .latencyMean
        case .judged: self = .errorRatio
        case nil: self = .nothing
        }
    }

    /// What a PromQL query seems to be about.
    package init(guessing query: String) {
        let text = Self.words(of: query)
        func has(_ words: String...) -> Bool { words.contains { text.contains($0) } }
        if let call = text.firstRange(of: "histogram_quantile(") {
            let digits = text[call.upperBound...].prefix { $0.isNumber || $0 == "." }
            self = .latencyQuantile(Double(digits).map { min(max($0, 0.01), 0.9999) } ?? 0.99)
        } else if has("time_average", "latency_average", "duration_seconds_sum", "duration_sum", "latency_sum") {
            self = .latencyMean
        } else if has("retr", "redispatch") || !has("/") {
            self = .nothing
        } else if has("!~\"5", "=~\"2", "=\"2", "\"success\"") && !has("=~\"5", "=\"5") {
            self = .successRatio
        } else if has("\"5", "error", "fail") {
            self = .errorRatio
        } else {
            self = .nothing
        }
    }

    /// The query without white space, and without the values of labels that tell no status: a service may be called
    /// `retrieval-5`.
    private static func words(of query: String) -> String {
        let telling = ["code", "status", "class", "classification"]
        var (text, rest) = ("", query.lowercased().filter { !$0.isWhitespace }[...])
        while let open = rest.firstIndex(of: "\"") {
            text += rest[..<open]
            rest = rest[open...].dropFirst()
            let close = rest.firstIndex(of: "\"") ?? rest.endIndex
            let label = text.reversed().drop { "=!~".contains($0) }.prefix { $0.isLetter || $0 == "_" }
            if telling.contains(where: { String(label.reversed()).hasSuffix($0) }) { text += "\"\(rest[..<close])\"" }
            rest = rest[close...].dropFirst()
        }
        return text + rest
    }

    /// What one of the model's numbers (seconds, shares) is multiplied by to be what the query gives.
    package func scale(of query: String) -> Double {
        let text = query.lowercased().filter { !$0.isWhitespace }
        if isLatency {
            let marks = ["millisecond", "_ms", "upstream_rq_time", "apisix_http_latency", "1000*", "*1000"]
            return marks.contains { text.contains($0) } ? 1000 : 1
        }
        return text.contains("100*") || text.contains("*100") ? 100 : 1
    }
}

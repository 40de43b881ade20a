package import BelayCore

/// Which of the model's numbers a query reads. A query is not evaluated: its words tell what it is about.
package enum ModelledValue: Hashable, Sendable {
    case errorRatio
    case successRatio
    case latencyQuantile(Double)
    case latencyMean
    /// Nothing the model has: the metric is taken to pass.
    case nothing

    /// - Returns: nil where the word is none.
    package init?(word: String) {
        switch word {
        case "error-ratio": self = .errorRatio
        case "success-ratio": self = .successRatio
        case "latency-mean": self = .latencyMean
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
        case .nothing: "nothing"
        }
    }

    package static let words = "error-ratio, success-ratio, latency-p99, latency-mean, nothing"

    /// What a PromQL query seems to be about.
    package init(guessing query: String) {
        let text = query.lowercased().filter { !$0.isWhitespace }
        func has(_ words: String...) -> Bool { words.contains { text.contains($0) } }
        if let call = text.firstRange(of: "histogram_quantile(") {
            let digits = text[call.upperBound...].prefix { $0.isNumber || $0 == "." }
            self = .latencyQuantile(Double(digits).map { min(max($0, 0.01), 0.9999) } ?? 0.99)
        } else if has("time_average", "latency_average", "duration_seconds_sum", "duration_sum", "latency_sum") {
            self = .latencyMean
        } else if has("retr", "redispatch") || !has("/") {
            self = .nothing
        } else if has("!~\"5", "\"2", "success\"") && !has("=~\"5", "=\"5") {
            self = .successRatio
        } else if has("5xx", "5..", "\"5", "error", "fail") {
            self = .errorRatio
        } else {
            self = .nothing
        }
    }

    /// What a metric reads.
    package init(of metric: Metric) {
        switch metric.prometheus?.question {
        case .instant(let text), .range(let text, _): self.init(guessing: text)
        case .counters(let counters): self = counters.slowerThan.isEmpty ? .errorRatio : .latencyMean
        case .judged: self = .errorRatio
        case nil: self = .nothing
        }
    }

    /// Seconds by default; a query that speaks of milliseconds gives those, one that multiplies by 100 percent.
    static func scale(of query: String) -> Double {
        let text = query.lowercased().filter { !$0.isWhitespace }
        if text.contains("millisecond") || text.contains("_ms") || text.contains("upstream_rq_time") { return 1000 }
        return text.contains("100*") || text.contains("*100") ? 100 : 1
    }
}

/// What a provider answered to one metric.
package struct MetricReading: Hashable, Sendable {
    package var answer: MetricAnswer
    /// The requests in the window, where the metric has a query for them.
    package var requests: MetricAnswer?
    /// Beside the value: a series' labels, what a command printed. For people, secrets hidden.
    package var detail = ""

    package init(_ answer: MetricAnswer, requests: MetricAnswer? = nil) {
        self.answer = answer
        self.requests = requests
    }
}

/// The series that a query selects now, with their values.
package enum VectorAnswer: Hashable, Sendable {
    package struct Series: Hashable, Sendable {
        package let labels: [String: String]
        package let value: Double

        package init(labels: [String: String], value: Double) {
            self.labels = labels
            self.value = value
        }
    }

    case series([Series])
    case noData(String)
    case error(String)
}

/// What a provider answered to one metric.
package struct MetricReading: Hashable, Sendable {
    package var answer: MetricAnswer
    /// The requests in the window, where the metric has a query for them.
    package var requests: MetricAnswer?
    /// What people are shown beside the value: a series' labels, what a command printed. Secrets are hidden in it.
    package var detail = ""

    package init(_ answer: MetricAnswer, requests: MetricAnswer? = nil) {
        self.answer = answer
        self.requests = requests
    }
}

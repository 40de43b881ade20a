package import BelayCore

/// Answers the queries of metrics. An error is an answer, too. The same query for the same `moment` is sent once.
package protocol MetricProvider: Sendable {
    /// Remarks that came with answers which are right all the same, for people; each remark once.
    var remarks: [String] { get }

    func measure(_ metric: Metric, at moment: Timestamp) async -> MetricReading

    /// Another question to the server of a metric: which series are behind its answer, how old they are.
    func vector(_ query: String, of metric: Metric, at moment: Timestamp) async -> VectorAnswer

    /// The raw samples of both versions' counters, for a metric that compares them.
    /// - Parameter back: How long ago the oldest of them may be, by the server's clock.
    func counters(_ metric: Metric, back: Duration, at moment: Timestamp) async -> CounterAnswer

    /// Both versions' values, for a metric with a judge.
    /// - Parameter back: How far the stretch of time reaches back, by the server's clock.
    func series(_ metric: Metric, back: Duration, at moment: Timestamp) async -> SeriesAnswer
}

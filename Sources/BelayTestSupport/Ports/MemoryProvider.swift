package import BelayCore
internal import BelayEngine

/// Answers by a script: what a metric says from a moment on.
package final class MemoryProvider: MetricProvider {
    package let remarks: [String] = []
    private let clock: SkippingClock
    private let script: @Sendable (_ metric: String, _ now: Timestamp) -> (answer: MetricAnswer, after: Duration)

    package init(
        _ clock: SkippingClock,
        _ script: @escaping @Sendable (_ metric: String, _ now: Timestamp) -> (answer: MetricAnswer, after: Duration)
    ) {
        (self.clock, self.script) = (clock, script)
    }

    /// As its protocol says.
    package func measure(_ metric: Metric, at moment: Timestamp) async -> MetricReading {
        let (answer, after) = script(metric.name, clock.now)
        try? await clock.sleep(until: clock.now.advanced(by: after))
        return MetricReading(answer)
    }

    /// As its protocol says.
    package func vector(_ query: String, of metric: Metric, at moment: Timestamp) async -> VectorAnswer { .series([]) }
    /// As its protocol says.
    package func counters(_ metric: Metric, back: Duration, at moment: Timestamp) async -> CounterAnswer { .error("") }
    /// As its protocol says.
    package func series(_ metric: Metric, back: Duration, at moment: Timestamp) async -> SeriesAnswer { .error("") }
}

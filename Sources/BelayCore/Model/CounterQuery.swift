/// Counters of the two versions, and which of their series mean what.
package struct CounterQuery: Hashable, Sendable {
    /// The label and a pattern that its whole value has to match, as in PromQL's `=~`.
    package struct Match: Hashable, Sendable {
        package let label: String
        package let pattern: String

        package init(label: String, pattern: String) {
            self.label = label
            self.pattern = pattern
        }
    }

    /// Selectors without a range.
    package var canary: String
    package var stable: String
    /// The series that count bad requests: those that match all of these.
    package var bad: [Match] = []
    /// The series that count requests; empty: all of them.
    package var requests: [Match] = []
    /// Bounds of a histogram, in its own unit. Where there are any, a request that is slower than a bound is bad, and
    /// the label `le` tells the series apart.
    package var slowerThan: [Double] = []
    /// A selector of each target's `process_start_time_seconds`, so that the first value of a new process counts.
    package var startTimes: String?
    /// How long samples take to arrive.
    package var lag: Duration = .zero
    /// How far back samples are looked for; a side without any in it has no data.
    package var lookback: Duration = .seconds(60)

    package init(canary: String, stable: String) {
        self.canary = canary
        self.stable = stable
    }

    /// How many kinds of bad request are compared.
    package var kinds: Int { max(slowerThan.count, 1) }
}

/// A question to Prometheus, or what speaks its API (Thanos, Mimir, VictoriaMetrics), and where it goes.
package struct PrometheusQuery: Hashable, Sendable {
    package enum Question: Hashable, Sendable {
        /// The value now.
        case instant(String)
        /// All values of a stretch of time, in one list.
        case range(String, Stretch)
        /// The raw samples of counters of both versions.
        case counters(CounterQuery)
        /// Both versions' values over a stretch of time, as the metric's judge names them.
        case judged
    }

    /// From `start` to `end` ago, a value every `step`.
    package struct Stretch: Hashable, Sendable {
        package let start: Duration
        package let end: Duration
        package let step: Duration

        package init(start: Duration, end: Duration, step: Duration) {
            self.start = start
            self.end = end
            self.step = step
        }
    }

    package var server: Endpoint
    package var question: Question
    /// Counts the requests of the window, for `minRequests`.
    package var requestsQuery: String?
    /// How long samples take to arrive, where the query does not tell whose age is to be asked for.
    package var lag: Duration = .zero

    package init(server: Endpoint, question: Question) {
        self.server = server
        self.question = question
    }

    package init(address: String, query: String) {
        self.init(server: Endpoint(address: address), question: .instant(query))
    }

    /// What is asked, for people and for what has to be known of it beforehand.
    package var text: String {
        switch question {
        case .instant(let text), .range(let text, _): text
        case .counters(let counters): counters.canary
        case .judged: ""
        }
    }

    package var counters: CounterQuery? {
        if case .counters(let counters) = question { counters } else { nil }
    }
}

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
    /// Bounds of a histogram in its own unit; then bad is what is slower, and `le` tells the series apart.
    package var slowerThan: [Double] = []
    /// Gives each target's `process_start_time_seconds`, so that the first value of a new process counts.
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

/// A question to Prometheus, or what speaks its API (Thanos, Mimir, VictoriaMetrics), and where it goes. Secrets stay
/// references (`env:NAME`, `file:PATH`) and are resolved when used.
package struct PrometheusQuery: Hashable, Sendable {
    package enum Question: Hashable, Sendable {
        /// The value now.
        case instant(String)
        /// The raw samples of counters of both versions.
        case counters(CounterQuery)
    }

    package var address: String
    package var question: Question
    /// Counts the requests of the window, for `minRequests`.
    package var requestsQuery: String?
    package var timeout: Duration = .seconds(5)
    package var headers: [Header] = []
    package var bearer: String?
    package var basicUser: String?
    package var basicPassword: String?
    /// Paths of PEM files.
    package var authority: String?
    package var certificate: String?
    package var key: String?

    package init(address: String, question: Question) {
        self.address = address
        self.question = question
    }

    package init(address: String, query: String) { self.init(address: address, question: .instant(query)) }

    /// What is asked, for people and for what has to be known of it beforehand.
    package var text: String { instant ?? counters?.canary ?? "" }

    package var instant: String? {
        if case .instant(let text) = question { text } else { nil }
    }

    package var counters: CounterQuery? {
        if case .counters(let counters) = question { counters } else { nil }
    }
}

/// One line of a request's head. The value may be a reference.
package struct Header: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
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

/// A question to Prometheus, or what speaks its API (Thanos, Mimir, VictoriaMetrics), and where it goes.
package struct PrometheusQuery: Hashable, Sendable {
    /// What is asked of the server.
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
    /// How long samples take to arrive. It is used where the server cannot be asked for the age of the samples.
    package var lag: Duration = .zero

    package init(server: Endpoint, question: Question) {
        self.server = server
        self.question = question
    }

    package init(address: String, query: String) {
        self.init(server: Endpoint(address: address), question: .instant(query))
    }

    /// The query's text: for people, and for what is read from it before it is asked. Of counters it is the canary's
    /// selector; for a judge it is empty.
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

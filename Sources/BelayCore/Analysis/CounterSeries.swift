/// One counter as it was scraped.
package struct CounterSeries: Hashable, Sendable {
    package struct Sample: Hashable, Sendable {
        package let at: Timestamp
        package let value: Double

        package init(at: Timestamp, value: Double) {
            self.at = at
            self.value = value
        }
    }

    package struct Labels: Hashable, Sendable {
        package let values: [String: String]

        package init(_ values: [String: String]) { self.values = values }

        package subscript(name: String) -> String? { values[name] }

        /// What was scraped: one process, as a rule.
        package var target: [String?] { [values["job"], values["instance"]] }
    }

    package let labels: Labels
    /// Oldest first.
    package let samples: [Sample]
    /// When the process that counts began, where that is known.
    package let startTime: Timestamp?

    package init(labels: Labels, samples: [Sample], startTime: Timestamp? = nil) {
        self.labels = labels
        self.samples = samples
        self.startTime = startTime
    }
}

/// What a server knows of both versions' counters.
package enum CounterAnswer: Hashable, Sendable {
    /// - Parameter at: The server's own time when it was asked.
    case samples(canary: [CounterSeries], stable: [CounterSeries], at: Timestamp)
    case noData(String)
    case error(String)
}

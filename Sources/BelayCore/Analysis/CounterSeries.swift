/// One counter as it was scraped.
package struct CounterSeries: Hashable, Sendable {
    /// One scrape's value of it.
    package struct Sample: Hashable, Sendable {
        package let at: Timestamp
        package let value: Double

        package init(at: Timestamp, value: Double) {
            self.at = at
            self.value = value
        }
    }

    /// When the process that answered a scrape began, as that scrape itself says.
    package struct Start: Hashable, Sendable {
        /// The time of the scrape.
        package let at: Timestamp
        package let began: Timestamp

        package init(at: Timestamp, began: Timestamp) {
            self.at = at
            self.began = began
        }
    }

    /// The labels that tell one series from another, the metric's name among them.
    package struct Labels: Hashable, Sendable {
        package let values: [String: String]

        package init(_ values: [String: String]) { self.values = values }

        package subscript(name: String) -> String? { values[name] }

        /// The address that was scraped. Where a store dropped it, the pod stands for it; nil where nothing tells one process
        /// from another.
        package var address: String? { values["instance"] ?? values["pod"] }
    }

    package let labels: Labels
    /// Oldest first.
    package let samples: [Sample]
    /// Oldest scrape first; empty where nothing is known.
    package let starts: [Start]

    package init(labels: Labels, samples: [Sample], starts: [Start] = []) {
        self.labels = labels
        self.samples = samples
        self.starts = starts
    }
}

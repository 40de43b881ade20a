/// The series that a query selects now, with their values.
package enum VectorAnswer: Hashable, Sendable {
    /// One series with its value now.
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

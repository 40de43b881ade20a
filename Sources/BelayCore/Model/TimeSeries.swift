/// The values of one label set, in time's order.
package struct TimeSeries: Hashable, Sendable {
    package let labels: [String: String]
    package let values: [Double]

    package init(labels: [String: String], values: [Double]) {
        self.labels = labels
        self.values = values
    }
}

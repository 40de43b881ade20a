/// What one version did in a stretch of time, and what stands in the way of counting it.
package struct CounterTraffic: Hashable, Sendable {
    package let requests: Double
    /// Bad requests of each kind.
    package let bad: [Double]
    package let seconds: Double
    /// The label that tells copies of the same requests apart, where there are any.
    package let copiedBy: String?
    /// Addresses at which two processes answer in turn.
    package let alternating: [String]
}

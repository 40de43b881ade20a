package import BelayCore

/// What one target did between two of its scrapes.
package struct CountedPiece: Hashable, Sendable {
    /// The address that was scraped.
    package let target: String
    /// The older scrape, or the beginning of the process where that is later; nothing before it is counted.
    package let from: Timestamp
    package let to: Timestamp
    package let requests: Double
    /// Bad requests of each kind.
    package let bad: [Double]

    package init(target: String, from: Timestamp, to: Timestamp, requests: Double, bad: [Double]) {
        self.target = target
        self.from = from
        self.to = to
        self.requests = requests
        self.bad = bad
    }
}

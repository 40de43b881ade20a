package import BelayCore

/// The buckets of one histogram, as a query gives them.
package struct BucketGroup: Hashable, Sendable {
    /// The cumulative counts by upper bound, in the histogram's own unit. The bound infinity has the count of all.
    package let counts: [Double: Double]

    /// Buckets by the label sets they share beside `le`.
    package static func all(_ series: [VectorAnswer.Series]) -> [BucketGroup] {
        let groups = Dictionary(grouping: series) { $0.labels.filter { $0.key != "le" } }
        return groups.values.compactMap { group in
            var counts: [Double: Double] = [:]
            for one in group {
                guard let bound = one.labels["le"].flatMap(CounterRoles.bound), one.value.isFinite else { continue }
                counts[bound] = max(counts[bound] ?? 0, one.value)
            }
            return counts.keys.contains(.infinity) ? BucketGroup(counts: counts) : nil
        }
    }

    /// The largest finite bound; nil where the only bucket is the one without a bound.
    package var lastBound: Double? { counts.keys.filter(\.isFinite).max() }

    /// Whether that quantile lies above the last bound. `histogram_quantile` then answers with the bound itself.
    package func isBeyondLast(_ quantile: Double) -> Bool {
        guard let all = counts[.infinity], all > 0, let last = lastBound else { return false }
        return quantile * all > (counts[last] ?? 0)
    }
}

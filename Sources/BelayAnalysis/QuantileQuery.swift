/// `k * histogram_quantile(q, buckets)`, the whole of a query.
package struct QuantileQuery: Hashable, Sendable {
    /// 0…1.
    package let quantile: Double
    /// What gives the buckets.
    package let buckets: String
    /// What the quantile is multiplied with.
    package let scale: Double
}

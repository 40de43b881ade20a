/// What one measurement came to, as Argo Rollouts names it.
package enum MeasurementPhase: String, Hashable, Sendable, CaseIterable {
    case successful, failed, inconclusive, error
    /// A transport error, a time-out, 5xx, 429, an empty answer or NaN.
    case noData = "no-data"
}

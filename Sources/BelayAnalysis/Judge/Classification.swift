/// What Kayenta's judge makes of one metric of both versions.
/// Source: spinnaker/kayenta, `MannWhitneyClassifier.scala`, `NetflixACAJudge.scala`.
package struct Classification: Hashable, Sendable {
    /// Kayenta's classes of a metric.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case pass = "Pass"
        case high = "High"
        case low = "Low"
        case noData = "Nodata"
        case noDataFails = "NodataFailMetric"
        case error = "Error"
    }

    package var kind: Kind
    package var isCritical = false
    /// Mean of the canary over mean of stable; NaN where either is 0.
    package var ratio = 1.0
    package var reason = ""

    package init(_ kind: Kind, isCritical: Bool = false, ratio: Double = 1, reason: String = "") {
        self.kind = kind
        self.isCritical = isCritical
        self.ratio = ratio
        self.reason = reason
    }
}

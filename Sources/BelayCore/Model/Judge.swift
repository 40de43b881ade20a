/// Kayenta's judgement of several metrics at once, by its own rules and names.
/// Source: spinnaker/kayenta, `NetflixACAJudge`.
package struct Judge: Hashable, Sendable {
    /// Which way a metric may not move.
    package enum Direction: String, Hashable, Sendable, CaseIterable {
        case increase, decrease, either
    }

    /// How the size of a difference is measured.
    package enum EffectMeasure: String, Hashable, Sendable, CaseIterable {
        case meanRatio, cles
    }

    /// One metric of both versions, and which differences between them are bad.
    package struct Series: Hashable, Sendable {
        package var name: String
        /// PromQL, asked over a range.
        package var canary: String
        package var stable: String
        package var groups = ["all"]
        package var direction = Direction.either
        /// NaN counts as 0; else it is left out.
        package var replacesNaN = false
        package var isCritical = false
        package var mustHaveData = false
        package var effect = EffectMeasure.meanRatio
        /// Bounds of the effect size: 1 for a ratio of means, 0.5 for the common language effect size.
        package var allowedIncrease = 1.0
        package var allowedDecrease = 1.0
        package var criticalIncrease = 1.0
        package var criticalDecrease = 1.0
        /// Values beyond so many interquartile ranges are left out; nil keeps all.
        package var outlierFactor: Double?

        package init(name: String, canary: String, stable: String) {
            self.name = name
            self.canary = canary
            self.stable = stable
        }
    }

    /// How much a group counts in the score, in percent.
    package struct GroupWeight: Hashable, Sendable {
        package let group: String
        /// Percent.
        package let weight: Double

        package init(group: String, weight: Double) {
            self.group = group
            self.weight = weight
        }
    }

    package var series: [Series]
    /// Groups that are not named share what is left of 100 % in equal parts.
    package var groupWeights: [GroupWeight] = []
    /// A score of this or more is a success.
    package var pass = 95.0
    /// A score of this or less is a failure; what lies between is inconclusive.
    package var marginal = 75.0
    /// Between two points.
    package var step: Duration = .seconds(60)
    /// How far back at most; nil: to the confirmation of the present share.
    package var lookback: Duration?
    /// Fewer points of either version are no data: two points that differ would be a verdict.
    package var minPoints = 5

    /// The longest time that a judge looks back, as a multiple of `step`: servers answer 11,000 points at most.
    package static let largestLookback = 10_999

    package init(series: [Series]) { self.series = series }
}

/// Kayenta's judgement of several metrics at once, by its own rules and names.
/// Source: spinnaker/kayenta, `NetflixACAJudge`.
package struct Judge: Hashable, Sendable {
    package enum Direction: String, Hashable, Sendable, CaseIterable {
        case increase, decrease, either
    }

    package enum EffectMeasure: String, Hashable, Sendable, CaseIterable {
        case meanRatio, cles
    }

    /// One metric of both versions, and what is wrong for it.
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
    /// What is not named shares the rest of 100.
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

    /// Points that a server answers at most.
    package static let largestLookback = 10_999

    package init(series: [Series]) { self.series = series }
}

/// The values of one label set, in time's order.
package struct TimeSeries: Hashable, Sendable {
    package let labels: [String: String]
    package let values: [Double]

    package init(labels: [String: String], values: [Double]) {
        self.labels = labels
        self.values = values
    }
}

/// What a provider answers for a judge: both versions' values, series by series.
package enum SeriesAnswer: Hashable, Sendable {
    package struct Pair: Hashable, Sendable {
        package let canary: [TimeSeries]
        package let stable: [TimeSeries]

        package init(canary: [TimeSeries], stable: [TimeSeries]) {
            self.canary = canary
            self.stable = stable
        }
    }

    case pairs([Pair])
    case noData(String)
    case error(String)
}

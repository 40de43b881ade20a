internal import func Glibc.log
internal import func Glibc.sqrt

/// The interval of the shift between two samples, and its estimate, by inverting the Mann-Whitney test, as Kayenta's
/// judge does.
///
/// Source: spinnaker/kayenta, `MannWhitney.scala`, itself after R's `wilcox.test`. The statistic is a step function of the
/// shift, so the order of the root finder's iterations is part of the result and is kept literally.
package struct MannWhitney: Hashable, Sendable {
    package let low: Double
    package let high: Double
    package let estimate: Double

    /// - Parameters:
    ///   - experiment: Finite numbers; one at least.
    ///   - control: Finite numbers; one at least.
    ///   - confidence: In 0…1.
    /// - Returns: nil where all values are equal: there is nothing to rank.
    package init?(experiment: [Double], control: [Double], confidence: Double) {
        let statistic = RankStatistic(experiment: experiment.sorted(), control: control.sorted())
        let (least, most) = statistic.shifts
        let z = NormalQuantile.value((1 - confidence) / 2)
        guard let low = statistic.root(-z), let high = statistic.root(z),
            let estimate = Brent.root(least, most, { statistic.value(at: $0, quantile: 0) })
        else { return nil }
        (self.low, self.high, self.estimate) = (low, high, estimate)
    }
}

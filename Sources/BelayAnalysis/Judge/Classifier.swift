package import BelayCore

/// Classifies one pair of value lists. Its two numbers are those that are built into Kayenta's judge.
package struct Classifier: Sendable {
    /// The part of the estimated shift, 0…1, beyond which the interval has to lie.
    package var tolerance = 0.25
    package var confidence = 0.98

    package init() {}

    /// How the canary's values differ from stable's.
    package func classify(canary: [Double], stable: [Double], _ series: Judge.Series) -> Classification {
        let (x, y) = (prepared(canary, series), prepared(stable, series))
        if x.isEmpty || y.isEmpty { return missing(series) }
        let (sortedX, sortedY) = (x.sorted(), y.sorted())
        if sortedX == sortedY { return Classification(.pass) }
        if sortedX.first == sortedX.last, sortedY.first == sortedY.last {
            if sortedX.first == sortedY.first { return Classification(.pass) }
            return compare(jittered(x, seed: 1), jittered(y, seed: 2), series)
        }
        return compare(x, y, series)
    }

    /// NaN left out or counted as 0, outliers left out.
    private func prepared(_ values: [Double], _ series: Judge.Series) -> [Double] {
        let known = series.replacesNaN ? values.map { $0.isNaN ? 0 : $0 } : values.filter { !$0.isNaN }
        guard let factor = series.outlierFactor else { return known }
        return Self.withoutOutliers(known, factor: factor)
    }

    private func missing(_ series: Judge.Series) -> Classification {
        if series.replacesNaN { return Classification(.pass) }
        let fails = series.mustHaveData && !series.isCritical
        return Classification(
            fails ? .noDataFails : .noData, isCritical: fails ? false : series.isCritical,
            reason: "\(series.name): no data of one version")
    }

    private func compare(_ x: [Double], _ y: [Double], _ series: Judge.Series) -> Classification {
        guard let interval = MannWhitney(experiment: x, control: y, confidence: confidence) else {
            return Classification(.error, reason: "\(series.name): nothing to rank")
        }
        let ratio = Self.meanRatio(x, y)
        let effect = series.effect == .meanRatio ? ratio : Self.commonLanguageEffect(x, y)
        let bound = tolerance * abs(interval.estimate)
        func exceeds(_ limit: Double) -> Bool { effect.isNaN || effect >= limit }
        func fallsBelow(_ limit: Double) -> Bool { effect.isNaN || effect <= limit }
        if series.direction != .decrease, interval.low > bound, exceeds(series.allowedIncrease) {
            return Classification(
                .high, isCritical: series.isCritical && exceeds(series.criticalIncrease), ratio: ratio,
                reason: "\(series.name) is higher")
        }
        if series.direction != .increase, interval.high < -bound, fallsBelow(series.allowedDecrease) {
            return Classification(
                .low, isCritical: series.isCritical && fallsBelow(series.criticalDecrease), ratio: ratio,
                reason: "\(series.name) is lower")
        }
        return Classification(.pass, ratio: ratio)
    }

    /// Two lists of one constant each cannot be ranked, so a little noise is added to both. It is always the same
    /// noise, so that a judgement can be repeated.
    private func jittered(_ values: [Double], seed: UInt64) -> [Double] {
        var random = SplitMix64(seed: seed)
        return values.map { $0 + 1e-5 * $0 * random.normal() }
    }

    // MARK: Statistics

    static func mean(_ values: [Double]) -> Double {
        values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
    }

    /// The canary's mean over stable's; NaN where either is 0.
    package static func meanRatio(_ canary: [Double], _ stable: [Double]) -> Double {
        let (x, y) = (mean(canary), mean(stable))
        return x == 0 || y == 0 ? .nan : x / y
    }

    /// The probability that a value of the canary is larger than one of stable.
    package static func commonLanguageEffect(_ canary: [Double], _ stable: [Double]) -> Double {
        var wins = 0.0
        let sorted = stable.sorted()
        for value in canary {
            let below = sorted.firstIndex { $0 >= value } ?? sorted.count
            let upTo = sorted.firstIndex { $0 > value } ?? sorted.count
            wins += Double(below) + Double(upTo - below) / 2
        }
        return wins / (Double(canary.count) * Double(stable.count))
    }

    /// Type R-7: linear between order statistics. Source: Hyndman and Fan, Sample Quantiles (1996).
    package static func percentile(_ sorted: [Double], _ percent: Double) -> Double {
        let place = Double(sorted.count - 1) * percent / 100
        let low = Int(place.rounded(.down))
        let high = min(low + 1, sorted.count - 1)
        return sorted[low] + (place - Double(low)) * (sorted[high] - sorted[low])
    }

    /// The values without those that lie strictly outside the fences.
    /// - Parameter reducesSensitivity: The fences reach to the first and the 99th percentile at least, as in the judge.
    package static func withoutOutliers(
        _ values: [Double], factor: Double, reducesSensitivity: Bool = true
    ) -> [Double] {
        guard !values.isEmpty else { return values }
        let sorted = values.sorted()
        let (first, third) = (percentile(sorted, 25), percentile(sorted, 75))
        var low = first - factor * (third - first)
        var high = third + factor * (third - first)
        if reducesSensitivity { (low, high) = (min(low, percentile(sorted, 1)), max(high, percentile(sorted, 99))) }
        return values.filter { $0 >= low && $0 <= high }
    }
}

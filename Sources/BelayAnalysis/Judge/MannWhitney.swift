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
    /// - Returns: nil where all values are one: there is nothing to rank.
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

/// The standardised rank sum of a shifted sample. Both samples are sorted.
struct RankStatistic {
    let experiment: [Double]
    let control: [Double]

    /// No shift beyond these changes any rank.
    var shifts: (least: Double, most: Double) {
        (experiment[0] - control[control.count - 1], experiment[experiment.count - 1] - control[0])
    }

    /// - Returns: nil where every value is tied with every other.
    func value(at shift: Double, quantile: Double) -> Double? {
        let (m, n) = (Double(experiment.count), Double(control.count))
        let (rankSum, ties) = ranks(shift)
        let distance = rankSum - m * (m + 1) / 2 - m * n / 2
        let correction = distance == 0 ? 0 : (distance > 0 ? 0.5 : -0.5)
        let variance = m * n / 12 * ((m + n + 1) - ties / ((m + n) * (m + n - 1)))
        guard variance > 0 else { return nil }
        return (distance - correction) / sqrt(variance) - quantile
    }

    /// The sum of the shifted sample's mid-ranks, and Σ(t³ − t) over the groups of ties.
    private func ranks(_ shift: Double) -> (sum: Double, ties: Double) {
        var (sum, ties, rank) = (0.0, 0.0, 0.0)
        var (i, j) = (0, 0)
        while i < experiment.count || j < control.count {
            let x = i < experiment.count ? experiment[i] - shift : .infinity
            let value = j < control.count ? min(x, control[j]) : x
            var (ours, all) = (0.0, 0.0)
            while i < experiment.count, experiment[i] - shift == value {
                (ours, all, i) = (ours + 1, all + 1, i + 1)
            }
            while j < control.count, control[j] == value { (all, j) = (all + 1, j + 1) }
            sum += ours * (rank + (all + 1) / 2)
            ties += all * all * all - all
            rank += all
        }
        return (sum, ties)
    }

    /// Where the statistic is `quantile`; the end of the range where it does not come that far.
    func root(_ quantile: Double) -> Double? {
        let (least, most) = shifts
        guard let first = value(at: least, quantile: quantile), let last = value(at: most, quantile: quantile) else {
            return nil
        }
        if first <= 0 { return least }
        if last >= 0 { return most }
        return Brent.root(least, most) { value(at: $0, quantile: quantile) }
    }
}

/// Brent's root finder, iteration by iteration as R's `zeroin` has it.
/// Source: R, `src/library/stats/src/zeroin.c`.
enum Brent {
    private static let tolerance = 1e-4
    private static let iterations = 1001

    /// - Returns: nil where the function has no value at some point.
    static func root(_ from: Double, _ to: Double, _ function: (Double) -> Double?) -> Double? {
        var (a, b) = (from, to)
        guard var fa = function(a), var fb = function(b) else { return nil }
        var (c, fc) = (a, fa)
        if abs(fa) <= .ulpOfOne { return a }
        if abs(fb) <= .ulpOfOne { return b }
        for _ in 0..<iterations {
            let previous = b - a
            if abs(fc) < abs(fb) {
                (a, b, c) = (b, c, b)
                (fa, fb, fc) = (fb, fc, fb)
            }
            let tolerance = 2 * .ulpOfOne * abs(b) + Self.tolerance / 2
            var step = (c - b) / 2
            if abs(step) <= tolerance || fb == 0 { return b }
            if abs(previous) >= tolerance, abs(fa) > abs(fb) {
                step = interpolated(a, b, c, fa, fb, fc, previous, tolerance) ?? step
            }
            if abs(step) < tolerance { step = step > 0 ? tolerance : -tolerance }
            (a, fa) = (b, fb)
            b += step
            guard let value = function(b) else { return nil }
            fb = value
            if fb > 0 && fc > 0 || fb < 0 && fc < 0 { (c, fc) = (a, fa) }
        }
        return b
    }

    /// A linear or quadratic step, where it is good enough to be taken.
    private static func interpolated(
        _ a: Double, _ b: Double, _ c: Double, _ fa: Double, _ fb: Double, _ fc: Double, _ previous: Double,
        _ tolerance: Double
    ) -> Double? {
        let cb = c - b
        var (p, q): (Double, Double)
        if a == c {
            let ratio = fb / fa
            (p, q) = (cb * ratio, 1 - ratio)
        } else {
            let (qa, t1, t2) = (fa / fc, fb / fc, fb / fa)
            p = t2 * (cb * qa * (qa - t1) - (b - a) * (t1 - 1))
            q = (qa - 1) * (t1 - 1) * (t2 - 1)
        }
        if p > 0 { q = -q } else { p = -p }
        return p < 0.75 * cb * q - abs(tolerance * q) / 2 && p < abs(previous * q / 2) ? p / q : nil
    }
}

/// The standard normal distribution's quantile, relative error below 1e-15.
/// Source: Wichura, Algorithm AS 241 (PPND16), Applied Statistics 37 (1988).
enum NormalQuantile {
    private static let center: ([Double], [Double]) = (
        [
            3.387_132_872_796_366_608, 133.141_667_891_784_377_45, 1_971.590_950_306_551_442_7,
            13_731.693_765_509_461_125, 45_921.953_931_549_871_457, 67_265.770_927_008_700_853,
            33_430.575_583_588_128_105, 2_509.080_928_730_122_672_7,
        ],
        [
            1, 42.313_330_701_600_911_252, 687.187_007_492_057_908_3, 5_394.196_021_424_751_107_7,
            21_213.794_301_586_595_867, 39_307.895_800_092_710_61, 28_729.085_735_721_942_674,
            5_226.495_278_852_854_561,
        ]
    )
    private static let middle: ([Double], [Double]) = (
        [
            1.423_437_110_749_683_577_34, 4.630_337_846_156_545_295_9, 5.769_497_221_460_691_405_5,
            3.647_848_324_763_204_605_04, 1.270_458_252_452_368_382_58, 0.241_780_725_177_450_611_77,
            0.022_723_844_989_269_184_583_3, 7.745_450_142_783_414_076_4e-4,
        ],
        [
            1, 2.053_191_626_637_758_821_87, 1.676_384_830_183_803_849_4, 0.689_767_334_985_100_004_55,
            0.148_103_976_427_480_074_59, 0.015_198_666_563_616_457_197_5, 5.475_938_084_995_344_946e-4,
            1.050_750_071_644_416_843_24e-9,
        ]
    )
    private static let tail: ([Double], [Double]) = (
        [
            6.657_904_643_501_103_777_2, 5.463_784_911_164_114_369_9, 1.784_826_539_917_291_335_8,
            0.296_560_571_828_504_891_23, 0.026_532_189_526_576_123_093, 1.242_660_947_388_078_438_6e-3,
            2.711_555_568_743_487_578_15e-5, 2.010_334_399_292_288_132_65e-7,
        ],
        [
            1, 0.599_832_206_555_887_937_69, 0.136_929_880_922_735_805_31, 0.014_875_361_290_850_615_025,
            7.868_691_311_456_132_591e-4, 1.846_318_317_510_054_681_8e-5, 1.421_511_758_316_445_888_7e-7,
            2.044_263_103_389_939_785_64e-15,
        ]
    )

    /// - Parameter p: In 0…1, both exclusive.
    static func value(_ p: Double) -> Double {
        let q = p - 0.5
        if abs(q) <= 0.425 { return q * ratio(center, 0.180625 - q * q) }
        let r = sqrt(-log(q < 0 ? p : 1 - p))
        let value = r <= 5 ? ratio(middle, r - 1.6) : ratio(tail, r - 5)
        return q < 0 ? -value : value
    }

    private static func ratio(_ polynomials: ([Double], [Double]), _ x: Double) -> Double {
        func value(_ coefficients: [Double]) -> Double { coefficients.reversed().reduce(0) { $0 * x + $1 } }
        return value(polynomials.0) / value(polynomials.1)
    }
}

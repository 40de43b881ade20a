internal import func Glibc.log
internal import func Glibc.sqrt

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

internal import BelayAnalysis
package import BelayCore

/// Whether a metric's query can see what its condition is about, as far as a look before the release tells.
package struct MetricSight: Hashable, Sendable {
    /// Why the query can never see it; the release is then refused.
    package private(set) var problems: [String] = []
    /// What may well be right, and is worth knowing.
    package private(set) var notes: [String] = []

    package init() {}

    /// Asks the metric's server what series there are. What it does not answer is not checked.
    package static func look(at metric: Metric, _ provider: any MetricProvider, at moment: Timestamp) async
        -> MetricSight
    {
        var sight = MetricSight()
        guard metric.comparison == nil, metric.judge == nil, let text = metric.query else { return sight }
        await sight.lookAtLabels(text, metric, provider, moment)
        await sight.lookAtBounds(text, metric, provider, moment)
        return sight
    }

    /// A label that no series of a wider selector has makes the narrower one empty for ever: `code` is asked for, and the
    /// application says `status`.
    private mutating func lookAtLabels(
        _ text: String, _ metric: Metric, _ provider: any MetricProvider, _ moment: Timestamp
    ) async {
        guard let selectors = PromQL.selectors(in: text) else { return }
        for selector in selectors where !selector.labels.isEmpty {
            guard
                let wider = selectors.filter({ $0.isWider(than: selector) }).max(by: {
                    $0.matchers.count < $1.matchers.count
                }),
                case .series(let series) = await provider.vector(wider.text, of: metric, at: moment), !series.isEmpty
            else { continue }
            let unknown = selector.needed.subtracting(wider.labels).filter { label in
                !series.contains { $0.labels[label] != nil }
            }
            if !unknown.isEmpty {
                let names = Set(series.flatMap(\.labels.keys)).subtracting(["__name__"]).sorted()
                problems.append(
                    "`\(selector.text)`: no series of \(selector.name) has the label \(unknown.sorted().joined(separator: ", ")), "
                        + "so that it is empty whatever happens; there are \(names.joined(separator: ", "))")
                continue
            }
            if case .series([]) = await provider.vector(selector.text, of: metric, at: moment) {
                notes.append("`\(selector.text)` has no series yet; it reads as nothing until one is there")
            }
        }
    }

    /// A limit above the last bound of a histogram can never be seen to be crossed.
    private mutating func lookAtBounds(
        _ text: String, _ metric: Metric, _ provider: any MetricProvider, _ moment: Timestamp
    ) async {
        guard let quantile = PromQL.quantile(in: text),
            case .series(let series) = await provider.vector(quantile.buckets, of: metric, at: moment)
        else { return }
        guard let last = BucketGroup.all(series).compactMap(\.lastBound).min().map({ $0 * quantile.scale }) else {
            return
        }
        if let most = metric.most {
            guard most > last else { return }
            problems.append(
                "`max: \(Comparator.short(most))` lies above the histogram's last bound, \(Comparator.short(last)): no quantile "
                    + "is ever seen above it. Lower the limit, or give the histogram a larger bound")
        } else if let evaluator = try? Evaluator(metric), evaluator.phase(of: .list([last])).0 == .successful {
            notes.append(
                "the histogram's last bound is \(Comparator.short(last)): a quantile beyond it is no data, since nobody knows "
                    + "whether it is above the limit")
        }
    }
}

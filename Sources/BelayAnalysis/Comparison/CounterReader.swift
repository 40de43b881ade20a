package import BelayCore

/// Turns raw samples of counters into exact increments. PromQL's `increase()` extrapolates to the edges of its window and
/// never sees the first value of a new series, which is where rare errors are: a `code="500"` child born at 1 gives 0.
package struct CounterReader: Hashable, Sendable {
    package struct Reading: Hashable, Sendable {
        package var increments: [CounterSeries.Labels: Double] = [:]
        /// How many samples are new.
        package var samples = 0
        /// The oldest sample an increment was counted from.
        package var since: Timestamp?
        /// Whether a counter began anew: a restart, or another replica's series under the same name.
        package var hasReset = false
    }

    private let start: Timestamp
    private var last: [CounterSeries.Labels: CounterSeries.Sample] = [:]

    /// - Parameter start: What was counted up to then belongs to nobody.
    package init(start: Timestamp) { self.start = start }

    /// The increments of the samples that were not read before.
    /// - Parameter until: Later samples are left for the next reading.
    package mutating func read(_ all: [CounterSeries], until: Timestamp) -> Reading {
        var reading = Reading()
        let births = earlierScrapes(of: all)
        for series in all {
            var total = 0.0
            var isNew = false
            for sample in series.samples where sample.at <= until && sample.value.isFinite {
                if let known = last[series.labels] {
                    guard sample.at > known.at else { continue }
                    last[series.labels] = sample
                    if sample.at <= start { continue }
                    // A value below the one before is a reset: what the new process has counted is the increment.
                    total += sample.value >= known.value ? sample.value - known.value : sample.value
                    reading.hasReset = reading.hasReset || sample.value < known.value
                    reading.since = Swift.min(reading.since ?? known.at, known.at)
                } else {
                    last[series.labels] = sample
                    if sample.at <= start { continue }
                    let scraped = births[series.labels.target]?.last { $0 < sample.at }
                    let isBornHere = scraped != nil || series.startTime.map { $0 >= start } ?? false
                    if isBornHere { total += sample.value }
                    let base = scraped ?? (isBornHere ? series.startTime : nil) ?? sample.at
                    reading.since = Swift.min(reading.since ?? base, base)
                }
                isNew = true
                reading.samples += 1
            }
            if isNew { reading.increments[series.labels, default: 0] += Swift.max(total, 0) }
        }
        return reading
    }

    /// When each target was scraped, as far as its series tell. A series that appears later than its target did is a
    /// label value seen for the first time, and counts from 0.
    private func earlierScrapes(of all: [CounterSeries]) -> [[String?]: [Timestamp]] {
        var scrapes: [[String?]: Set<Timestamp>] = [:]
        for series in all {
            scrapes[series.labels.target, default: []].formUnion(series.samples.map(\.at))
        }
        for (labels, sample) in last { scrapes[labels.target, default: []].insert(sample.at) }
        return scrapes.mapValues { $0.sorted() }
    }
}

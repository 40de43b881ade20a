package import BelayCore

/// Cuts the counters of two versions into windows that lie side by side: the same time, the same scrapes for requests and
/// errors. Where one side has no new sample, the window stays open and the next one is longer.
package struct CounterWindows: Hashable, Sendable {
    package enum Next: Hashable, Sendable {
        case window(CountWindow)
        /// There is data, and nothing new in it yet.
        case nothingNew
        case noData(String)
    }

    private let query: CounterQuery
    private var canary: CounterReader
    private var stable: CounterReader
    private var end: Timestamp
    private var fastest: Double?

    /// - Parameters:
    ///   - start: Where the first window begins: the first canary request, or the last window that was journaled.
    ///   - fastest: The most requests in a second that a window has shown, for telling a jump from traffic.
    package init(_ query: CounterQuery, start: Timestamp, fastest: Double? = nil) {
        self.query = query
        self.fastest = fastest
        (canary, stable, end) = (CounterReader(start: start), CounterReader(start: start), start)
    }

    /// - Parameter needsStable: False where stable has no traffic, and need not show any.
    package mutating func next(
        canary ours: [CounterSeries], stable theirs: [CounterSeries], until: Timestamp, needsStable: Bool
    ) -> Next {
        if ours.isEmpty { return .noData("no samples of the canary in \(query.lookback.text)") }
        if theirs.isEmpty, needsStable { return .noData("no samples of stable in \(query.lookback.text)") }
        var (canary, stable) = (self.canary, self.stable)
        let (left, right) = (canary.read(ours, until: until), stable.read(theirs, until: until))
        guard left.samples > 0, right.samples > 0 || !needsStable, until > end else { return .nothingNew }
        let counts = [left, right].map { count($0.increments) }
        let window = CountWindow(
            from: end, to: until, since: min(left.since ?? end, right.since ?? end),
            canaryRequests: counts[0].requests, stableRequests: counts[1].requests,
            bad: (0..<query.kinds).map { .init(canary: counts[0].bad[$0], stable: counts[1].bad[$0]) })
        (self.canary, self.stable, end) = (canary, stable, until)
        let rate = (window.canaryRequests + window.stableRequests) / window.seconds
        // Another replica's series under the same name looks like a reset and adds everything it ever counted.
        if left.hasReset || right.hasReset, let fastest, rate > 10 * fastest {
            return .noData("a counter jumped: \(Int(rate)) requests/s after at most \(Int(fastest)); not counted")
        }
        fastest = max(fastest ?? 0, rate)
        return .window(window)
    }

    /// What one version did in the samples there are, for a look before the release.
    package static func traffic(
        _ series: [CounterSeries], _ query: CounterQuery
    ) -> (requests: Double, bad: [Double], seconds: Double)? {
        let moments = series.flatMap(\.samples).map(\.at)
        guard let first = moments.min(), let last = moments.max(), first < last else { return nil }
        let windows = CounterWindows(query, start: first)
        var reader = windows.canary
        let counts = windows.count(reader.read(series, until: last).increments)
        return (counts.requests, counts.bad, Double(first.duration(to: last).wholeMilliseconds) / 1000)
    }

    /// The bounds in `slowerThan` that the histogram does not have, with those it has.
    package static func missingBounds(
        _ series: [CounterSeries], _ query: CounterQuery
    ) -> (missing: [Double], known: [Double]) {
        let known = Set(series.compactMap { $0.labels["le"].flatMap(bound) })
        return (query.slowerThan.filter { !known.contains($0) }, known.filter(\.isFinite).sorted())
    }

    private func count(_ increments: [CounterSeries.Labels: Double]) -> (requests: Double, bad: [Double]) {
        if !query.slowerThan.isEmpty { return countSlow(increments) }
        var (requests, bad) = (0.0, 0.0)
        // Sorted by value: a sum of doubles in another order may differ in its last digit.
        for (labels, increment) in increments.sorted(by: { $0.value < $1.value }) {
            if Self.matches(labels, query.requests) { requests += increment }
            if Self.matches(labels, query.bad) { bad += increment }
        }
        return (requests, [min(bad, requests)])
    }

    /// Buckets are cumulative: what is slower than a bound is everything less what lies at or below it. Bounds are
    /// compared as numbers (`0.5`, `5e-01`), and must be bounds of the histogram.
    private func countSlow(_ increments: [CounterSeries.Labels: Double]) -> (requests: Double, bad: [Double]) {
        var buckets: [Double: Double] = [:]
        for (labels, increment) in increments where Self.matches(labels, query.requests) {
            guard let text = labels["le"], let bound = Self.bound(text) else { continue }
            buckets[bound, default: 0] += increment
        }
        let all = buckets[.infinity] ?? 0
        // A target that went away between two buckets' samples breaks the order; the running maximum restores it.
        var (below, largest) = ([Double: Double](), 0.0)
        for (bound, count) in buckets.sorted(by: { $0.key < $1.key }) {
            largest = max(largest, count)
            below[bound] = largest
        }
        return (all, query.slowerThan.map { max(all - (below[$0] ?? all), 0) })
    }

    static func bound(_ text: String) -> Double? { text == "+Inf" ? .infinity : Double(text) }

    private static func matches(_ labels: CounterSeries.Labels, _ all: [CounterQuery.Match]) -> Bool {
        all.allSatisfy { match in
            guard let regex = try? Regex(match.pattern) else { return false }
            return (labels[match.label] ?? "").wholeMatch(of: regex) != nil
        }
    }
}

extension CountWindow {
    /// The window's length.
    package var seconds: Double { Double(from.duration(to: to).wholeMilliseconds) / 1000 }
}

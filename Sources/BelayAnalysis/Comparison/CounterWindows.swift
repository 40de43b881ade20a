package import BelayCore

/// Cuts the counters of two versions into windows that lie side by side: the same time, the same scrapes for requests and
/// errors. Where one side has no new sample, the window stays open and the next one is longer.
package struct CounterWindows: Hashable, Sendable {
    package enum Next: Hashable, Sendable {
        case window(CountWindow)
        /// There is data, and nothing new in it yet.
        case nothingNew
        case noData(String)
        /// The counters are not what the file says they are.
        case error(String)
    }

    /// A version of the two, in a moment.
    private struct Side {
        let name: String
        let series: [CounterSeries]
        /// The largest part of the traffic it may have, 0…1.
        let share: Double
    }

    private let query: CounterQuery
    private var canary: CounterReader
    private var stable: CounterReader
    private var end: Timestamp
    private var fastest: Double?

    /// - Parameters:
    ///   - start: Where the first window begins, by the server's clock.
    ///   - fastest: The most requests in a second that a window has shown, for telling a jump from traffic.
    package init(_ query: CounterQuery, start: Timestamp, fastest: Double? = nil) {
        self.query = query
        self.fastest = fastest
        (canary, stable, end) = (CounterReader(start: start), CounterReader(start: start), start)
    }

    /// - Parameters:
    ///   - until: Later samples are left for the next window.
    ///   - share: The largest share of the traffic that the canary may have had, 0…1; at 1 stable need not show any.
    package mutating func next(
        canary ours: [CounterSeries], stable theirs: [CounterSeries], until: Timestamp, share: Double
    ) -> Next {
        let sides = [
            Side(name: "the canary", series: ours, share: share), Side(name: "stable", series: theirs, share: 1),
        ]
        let needed = share < 1 ? sides : [sides[0]]
        for side in needed where !isFresh(side.series, until) {
            return .noData("no samples of \(side.name) in \(query.lookback.text)")
        }
        for side in needed {
            if let wrong = Self.mismatch(side.series, query) { return .error("\(side.name): \(wrong)") }
        }
        var (canary, stable) = (self.canary, self.stable)
        let (left, right) = (canary.read(ours, until: until), stable.read(theirs, until: until))
        guard left.samples > 0, right.samples > 0 || share == 1, until > end else { return .nothingNew }
        let counts = [left, right].map { count($0.increments) }
        let window = CountWindow(
            from: end, to: until, since: min(left.since ?? end, right.since ?? end),
            canaryRequests: counts[0].requests, stableRequests: counts[1].requests,
            bad: (0..<query.kinds).map { .init(canary: counts[0].bad[$0], stable: counts[1].bad[$0]) })
        (self.canary, self.stable, end) = (canary, stable, until)
        // Another replica's series under the same name adds everything it ever counted, or the distance between the two.
        for (side, counted) in zip(sides, counts) {
            let rate = counted.requests / window.seconds
            guard let fastest, rate > 10 * fastest * side.share else { continue }
            self.fastest = fastest * 2  // So that a real surge is not left out for ever.
            return .noData(
                "the counters of \(side.name) jumped to \(Comparator.short(rate)) requests/s, after "
                    + "\(Comparator.short(fastest)) of both at most; that window is not counted")
        }
        fastest = max(fastest ?? 0, (window.canaryRequests + window.stableRequests) / window.seconds)
        return .window(window)
    }

    /// A dead target's counters stand still: what has no sample in the last stretch has no data.
    private func isFresh(_ series: [CounterSeries], _ until: Timestamp) -> Bool {
        let oldest = until.advanced(by: .zero - query.lookback)
        return series.contains { $0.samples.contains { $0.at >= oldest && $0.at <= until } }
    }

    /// Series that cannot count what they are asked to: a canary whose buckets or labels changed would show no errors.
    package static func mismatch(_ series: [CounterSeries], _ query: CounterQuery) -> String? {
        for match in query.bad where !series.contains(where: { $0.labels[match.label] != nil }) {
            return "no series has the label `\(match.label)`, which tells bad requests"
        }
        let known = Set(series.compactMap { $0.labels["le"].flatMap(bound) })
        let missing = query.slowerThan.filter { !known.contains($0) }
        guard !missing.isEmpty else { return nil }
        let list = known.filter(\.isFinite).sorted().map { "\($0)" }.joined(separator: ", ")
        return "the histogram has no bound \(missing.map { "\($0)" }.joined(separator: ", ")); it has \(list)"
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
        return (counts.requests, counts.bad, first.duration(to: last).inSeconds)
    }

    private func count(_ increments: [CounterSeries.Labels: Double]) -> (requests: Double, bad: [Double]) {
        if !query.slowerThan.isEmpty { return countSlow(increments) }
        let (isRequest, isBad) = (Matcher(query.requests), Matcher(query.bad))
        var (requests, bad) = (0.0, 0.0)
        // Sorted by value: a sum of doubles in another order may differ in its last digit.
        for (labels, increment) in increments.sorted(by: { $0.value < $1.value }) {
            if isRequest.matches(labels) { requests += increment }
            if isBad.matches(labels) { bad += increment }
        }
        return (requests, [min(bad, requests)])
    }

    /// Buckets are cumulative: what is slower than a bound is everything less what lies at or below it. Bounds are
    /// compared as numbers (`0.5`, `5e-01`), and must be bounds of the histogram.
    private func countSlow(_ increments: [CounterSeries.Labels: Double]) -> (requests: Double, bad: [Double]) {
        let isRequest = Matcher(query.requests)
        var buckets: [Double: Double] = [:]
        for (labels, increment) in increments where isRequest.matches(labels) {
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
}

/// Label patterns, read once for all series of an answer. One that cannot be read, which the file's check refuses,
/// matches nothing.
private struct Matcher {
    private let patterns: [(label: String, regex: Regex<AnyRegexOutput>?)]

    init(_ matches: [CounterQuery.Match]) {
        patterns = matches.map { ($0.label, try? Regex($0.pattern)) }
    }

    func matches(_ labels: CounterSeries.Labels) -> Bool {
        patterns.allSatisfy { label, regex in
            regex.map { (labels[label] ?? "").wholeMatch(of: $0) != nil } ?? false
        }
    }
}

extension CountWindow {
    /// The window's length.
    package var seconds: Double { from.duration(to: to).inSeconds }
}

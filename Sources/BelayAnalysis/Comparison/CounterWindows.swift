package import BelayCore

/// Cuts the counters of two versions into windows that lie side by side: the same time, the same scrapes for requests and
/// errors. Where one side has no new sample, the window stays open and the next one is longer.
package struct CounterWindows: Sendable {
    /// What came of asking for the next window.
    package enum Next: Hashable, Sendable {
        /// - Parameter note: What of it was left out, and why; empty where all of it counts.
        case window(CountWindow, note: String)
        /// There is data, and nothing new in it yet; or, with a reason, only the next sample will tell.
        case nothingNew(String)
        /// A version has no sample that is recent enough: nothing could be read, and the next window is longer.
        case noSamples(String)
        /// One version was left out whole: the window has passed, and shows nothing of that version.
        case leftOut(String)
        /// The window is there, and no request in it.
        case idle(String)
        /// The counters are not what the file says they are.
        case error(String)
    }

    /// One of the two versions, while a window is read.
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
    /// The most requests per second of both versions together that a window with any has shown.
    private let fastest: Double?
    /// The label that tells copies of the same requests apart, where there are any.
    package private(set) var copiedBy: String?
    /// What the last window was made of.
    package private(set) var pieces: (canary: [CountedPiece], stable: [CountedPiece]) = ([], [])
    /// Why something of the last window was left out; empty where all of it counts.
    package private(set) var distortions: [Distortion] = []

    /// - Parameters:
    ///   - start: Where the first window begins, by the server's clock.
    ///   - fastest: The most requests in a second that a window has shown, for telling a jump from traffic.
    package init(_ query: CounterQuery, start: Timestamp, fastest: Double? = nil) {
        self.query = query
        self.fastest = fastest.flatMap { $0 > 0 ? $0 : nil }
        (canary, stable) = (CounterReader(query, start: start), CounterReader(query, start: start))
        end = start
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
            return .noSamples(
                "no samples of \(side.name) in \(query.lookback.text)\(Self.rhythm(of: side.series, until))")
        }
        if let wrong = Self.mismatch(canary: ours, stable: theirs, query) {
            // Of a histogram's first scrape some buckets may still be on their way into the store.
            let settled = until.advanced(by: .zero - ScrapedPage.patience)
            let isSettled = [ours, theirs].allSatisfy { side in
                query.slowerThan.isEmpty || side.isEmpty || side.contains { $0.samples.contains { $0.at <= settled } }
            }
            return isSettled ? .error(wrong) : .nothingNew("\(wrong); the next scrape will tell")
        }
        var (canary, stable) = (self.canary, self.stable)
        let right = stable.read(
            theirs, until: until, pace: [fastest, canary.pace, stable.pace].compactMap(\.self).max())
        let pace = [fastest, canary.pace, stable.pace].compactMap(\.self).max()
        let left = canary.read(ours, until: until, share: share, pace: pace)
        copiedBy = left.copiedBy ?? right.copiedBy
        let readings = share < 1 ? [left, right] : [left]
        guard until > end, readings.allSatisfy({ !$0.pieces.isEmpty || !$0.leftOut.isEmpty }) else {
            let waiting = zip(sides, readings).filter { $1.pieces.isEmpty && $1.isWaiting }.map(\.0.name)
            return .nothingNew(
                waiting.isEmpty ? "" : "the next scrape of \(waiting.joined(separator: " and ")) will tell")
        }
        (self.canary, self.stable) = (canary, stable)
        pieces = (left.pieces, right.pieces)
        distortions = (left.leftOut + right.leftOut).map(\.why)
        let note = [Self.explain(left, of: "the canary"), Self.explain(right, of: "stable")].compactMap(\.self)
            .joined(separator: "; ")
        return window(left, right, until, share, note)
    }

    private mutating func window(
        _ left: CounterReader.Reading, _ right: CounterReader.Reading, _ until: Timestamp, _ share: Double,
        _ note: String
    ) -> Next {
        defer { end = until }
        let (ours, theirs) = (left.tally(kinds: query.kinds), right.tally(kinds: query.kinds))
        let since = (left.pieces + right.pieces).map(\.from).min() ?? end
        let window = CountWindow(
            from: end, to: until, since: min(since, until), canaryRequests: ours.requests,
            stableRequests: theirs.requests,
            bad: (0..<query.kinds).map { .init(canary: ours.bad[$0], stable: theirs.bad[$0]) })
        // A version that is left out whole has not shown 0 requests, it has shown nothing: there is nothing to compare
        // with.
        if left.pieces.isEmpty || share < 1 && right.pieces.isEmpty { return .leftOut(note) }
        let seen = window.canaryRequests + (share < 1 ? window.stableRequests : 0)
        guard seen > 0 else {
            let who = share < 1 ? "either version" : "the canary"
            return .idle(
                (["no request of \(who) in \(window.from.duration(to: until).text)", note]
                    .filter { !$0.isEmpty }).joined(separator: "; "))
        }
        return .window(window, note: note)
    }

    /// How old the newest sample is and how often they come, so that a look back that is too short is told apart from a
    /// target that is gone.
    private static func rhythm(of series: [CounterSeries], _ until: Timestamp) -> String {
        let seen = series.filter { !$0.samples.isEmpty }
        guard let newest = seen.max(by: { $0.samples.last!.at < $1.samples.last!.at })?.samples else { return "" }
        let times = newest.suffix(2).map(\.at)
        let every = times.count == 2 ? ", they come every \(times[0].duration(to: times[1]).text)" : ""
        return "; the newest is \(times.last!.duration(to: until).text) old\(every)"
    }

    /// `the canary: 10.0.0.7:8080 left out, two processes answer there in turn`; nil where everything counts.
    private static func explain(_ reading: CounterReader.Reading, of name: String) -> String? {
        guard !reading.leftOut.isEmpty else { return nil }
        var texts: [String] = []
        for (target, why) in reading.leftOut {
            let text = "\(target.isEmpty ? "a target" : target) left out, \(why.text)"
            if !texts.contains(text) { texts.append(text) }
        }
        let more = texts.count > 3 ? ", and \(texts.count - 3) more" : ""
        return "\(name): \(texts.prefix(3).joined(separator: ", "))\(more)"
    }

    /// Whether a version has a sample in the last stretch. Without one it has no data: the counters of a dead target
    /// stand still.
    private func isFresh(_ series: [CounterSeries], _ until: Timestamp) -> Bool {
        let oldest = until.advanced(by: .zero - query.lookback)
        return series.contains { $0.samples.contains { $0.at >= oldest && $0.at <= until } }
    }

    /// Finds series that cannot count what they are asked to: a canary whose buckets or labels changed would show no
    /// errors. A missing label says nothing where not all of stable's series have it: it may stand on bad requests
    /// alone.
    /// - Returns: The version and what is missing; nil where nothing is.
    package static func mismatch(
        canary: [CounterSeries], stable: [CounterSeries], _ query: CounterQuery
    ) -> String? {
        func lacks(_ label: String) -> Bool { !canary.contains { $0.labels[label] != nil } }
        for match in query.bad where !canary.isEmpty && lacks(match.label) {
            guard !stable.isEmpty, stable.allSatisfy({ $0.labels[match.label] != nil }) else { continue }
            return "the canary: no series has the label `\(match.label)`, which tells bad requests; "
                + "there are \(labels(of: canary).joined(separator: ", "))"
        }
        for (name, series) in [("the canary", canary), ("stable", stable)] where !series.isEmpty {
            let known = Set(series.compactMap { $0.labels["le"].flatMap(CounterRoles.bound) })
            let missing = query.slowerThan.filter { !known.contains($0) }
            guard !missing.isEmpty else { continue }
            let list = known.filter(\.isFinite).sorted().map { "\($0)" }.joined(separator: ", ")
            return
                "\(name): the histogram has no bound \(missing.map { "\($0)" }.joined(separator: ", ")); it has \(list)"
        }
        return nil
    }

    /// The names of the labels that tell a version's series apart.
    package static func labels(of series: [CounterSeries]) -> [String] {
        Set(series.flatMap(\.labels.values.keys)).subtracting(["__name__"]).sorted()
    }

    /// What one version did in the samples there are, for a look before the release; nil where they tell nothing.
    package static func traffic(_ series: [CounterSeries], _ query: CounterQuery) -> CounterTraffic? {
        let moments = series.flatMap(\.samples).map(\.at)
        guard let first = moments.min(), let last = moments.max(), first < last else { return nil }
        var reader = CounterReader(query, start: first)
        let reading = reader.read(series, until: last)
        let counts = reading.tally(kinds: query.kinds)
        let turns = Dictionary(grouping: reading.leftOut.filter { $0.why == .alternating }, by: \.target)
        return CounterTraffic(
            requests: counts.requests, bad: counts.bad, seconds: first.duration(to: last).inSeconds,
            copiedBy: reading.copiedBy, alternating: turns.filter { $0.value.count > 1 }.keys.sorted())
    }
}

extension CountWindow {
    /// The window's length.
    package var seconds: Double { from.duration(to: to).inSeconds }
}

package import BelayCore

/// Turns raw samples of one version's counters into exact counts. PromQL's `increase()` extrapolates to the edges of its
/// window and never sees the first value of a new series, which is where rare errors are: a `code="500"` child born at 1
/// gives 0.
///
/// Series are sorted by the address that was scraped, copies are set aside, and what shares its scrapes is read together
/// (``ScrapedPage``).
package struct CounterReader: Sendable {
    /// What one version's samples came to.
    package struct Reading: Sendable {
        package var pieces: [CountedPiece] = []
        /// What was left out, by the address.
        package var leftOut: [(target: String, why: Distortion)] = []
        /// Whether a scrape was left for later, because only the next one shows what it means.
        package var isWaiting = false
        /// The label that tells copies of the same requests apart, where there are any.
        package var copiedBy: String?

        /// Requests, and bad ones of each kind.
        func tally(kinds: Int) -> CounterRoles.Tally {
            pieces.reduce(into: CounterRoles.Tally(kinds: kinds)) { total, piece in
                total.requests += piece.requests
                for kind in piece.bad.indices { total.bad[kind] += piece.bad[kind] }
            }
        }
    }

    private let roles: CounterRoles
    private let start: Timestamp
    private var ids: [CounterSeries.Labels: Int] = [:]
    private var role: [CounterRoles.Role] = []
    private var addressOfSeries: [String] = []
    private var addresses: [String: ScrapedAddress] = [:]

    /// - Parameter start: What was counted up to this moment is in no reading.
    package init(_ query: CounterQuery, start: Timestamp) {
        roles = CounterRoles(query)
        self.start = start
    }

    /// The most requests per second of this version, as if it had all the traffic; nil where none was seen. A target of which
    /// nothing is known yet is taken for one like the others.
    package var pace: Double? {
        let pages = addresses.values.flatMap { $0.pages.filter { $0.last != nil } }
        let known = pages.compactMap(\.pace).sorted()
        return known.isEmpty ? nil : known.reduce(0, +) * Double(pages.count) / Double(known.count)
    }

    /// The counts of the samples that were not read before.
    /// - Parameters:
    ///   - until: Later samples are left for the next reading.
    ///   - share: The largest part of the traffic that the version may have, 0…1.
    ///   - pace: The most requests per second of both versions together, as far as it is known.
    package mutating func read(
        _ all: [CounterSeries], until: Timestamp, share: Double = 1, pace: Double? = nil
    ) -> Reading {
        var reading = Reading()
        var samples: [String: [Int: [CounterSeries.Sample]]] = [:]
        var starts: [Int: [CounterSeries.Start]] = [:]
        for series in all {
            let id = id(of: series.labels)
            let address = addressOfSeries[id]
            let seen = series.samples.filter { $0.at <= until && $0.value.isFinite }
            if let other = samples[address]?[id] {
                samples[address]?[id] = Self.merged(other, seen)
            } else {
                samples[address, default: [:]][id] = seen
            }
            if !series.starts.isEmpty { starts[id] = series.starts }
        }
        for address in samples.keys.sorted() {
            read(address, samples[address]!, starts, share, pace, &reading)
        }
        return reading
    }

    private mutating func id(of labels: CounterSeries.Labels) -> Int {
        if let id = ids[labels] { return id }
        let spelt = Self.respelt(labels)
        let id = ids[spelt] ?? role.count
        (ids[labels], ids[spelt]) = (id, id)
        guard id == role.count else { return id }
        role.append(roles.role(of: spelt))
        let address = spelt.address ?? ""
        addressOfSeries.append(address)
        addresses[address, default: ScrapedAddress()].add(id, spelt)
        return id
    }

    /// The labels with the bound `le` in one spelling: two spellings of a bound are one series that changed its name.
    private static func respelt(_ labels: CounterSeries.Labels) -> CounterSeries.Labels {
        guard let text = labels["le"], let bound = CounterRoles.bound(text) else { return labels }
        var values = labels.values
        values["le"] = "\(bound)"
        return .init(values)
    }

    /// The samples of one counter that came under two spellings. Where these disagree at one moment, the sample of that
    /// moment is left out.
    private static func merged(_ one: [CounterSeries.Sample], _ other: [CounterSeries.Sample]) -> [CounterSeries.Sample]
    {
        var merged: [CounterSeries.Sample] = []
        for sample in (one + other).sorted(by: { $0.at < $1.at }) {
            guard merged.last?.at == sample.at else {
                merged.append(sample)
                continue
            }
            if merged.last?.value != sample.value { merged.removeLast() }
        }
        return merged
    }

    private mutating func read(
        _ name: String, _ samples: [Int: [CounterSeries.Sample]], _ began: [Int: [CounterSeries.Start]],
        _ share: Double, _ pace: Double?, _ reading: inout Reading
    ) {
        // It is taken out, so that it is not copied while it changes.
        var address = addresses.removeValue(forKey: name)!
        let (copied, label) = address.setCopiesAside(samples, meaningful: roles.meaningful)
        reading.copiedBy = reading.copiedBy ?? label
        let knownStarts = addresses.values.flatMap { $0.pages.compactMap { $0.last?.began } }
        var succeeding: [Int] = []
        // A copy is read like any other series, so that it can take over. Its counts are not used: its original's are.
        for isCounted in copied.isEmpty ? [true] : [true, false] {
            let pages = PageSamples.pages(
                copied.isEmpty ? samples : samples.filter { copied.contains($0.key) != isCounted })
            for (place, ids, scrapes) in address.sorted(pages) {
                let starts = ids.lazy.compactMap { began[$0] }.first ?? []
                let setting = ScrapedPage.Setting(
                    target: name, roles: roles, role: role, start: start, share: share, pace: pace,
                    knownStarts: knownStarts + address.pages.compactMap { $0.last?.began },
                    isKnownAddress: address.isKnown, starts: starts)
                let dated = scrapes.map { scrape in
                    ScrapedPage.Scrape(at: scrape.at, entries: scrape.entries, began: Self.began(at: scrape.at, starts))
                }
                let outcome = address.pages[place].read(dated, setting)
                guard isCounted else { continue }
                if !outcome.pieces.isEmpty { succeeding.append(place) }
                reading.pieces += address.counted(outcome.pieces, of: place)
                reading.leftOut += outcome.leftOut.map { (name, $0) }
                reading.isWaiting = reading.isWaiting || outcome.isWaiting
            }
        }
        // Once a page counts, it is known whether the page with the earlier labels has ended.
        for place in succeeding where address.hasSucceeded(place) { reading.leftOut.append((name, .appeared)) }
        addresses[name] = address
    }

    /// When the process began that answered at a moment: as that scrape says, or as all others say of one process that was
    /// there already.
    private static func began(at moment: Timestamp, _ starts: [CounterSeries.Start]) -> Timestamp? {
        if let exact = starts.first(where: { $0.at == moment }) { return exact.began }
        guard let one = starts.last, one.began <= moment, starts.allSatisfy({ $0.began == one.began }) else {
            return nil
        }
        return one.began
    }
}

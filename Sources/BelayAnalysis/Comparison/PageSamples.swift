internal import BelayCore

/// Samples of series that share their scrapes.
struct PageSamples {
    private(set) var ids: [Int] = []
    private(set) var scrapes: [ScrapedPage.Scrape] = []

    /// The pages of an address, in the order in which they appeared: series that share a scrape are one page.
    /// - Parameter samples: By a series' id, oldest first.
    static func pages(_ samples: [Int: [CounterSeries.Sample]]) -> [PageSamples] {
        let ids = samples.keys.sorted()
        var all: [(at: Timestamp, entry: ScrapedPage.Entry)] = []
        all.reserveCapacity(samples.values.reduce(0) { $0 + $1.count })
        for id in ids { for sample in samples[id]! { all.append((sample.at, .init(id: id, value: sample.value))) } }
        all.sort { ($0.at, $0.entry.id) < ($1.at, $1.entry.id) }
        var scrapes: [ScrapedPage.Scrape] = []
        for (at, entry) in all {
            if scrapes.last?.at == at {
                scrapes[scrapes.count - 1].entries.append(entry)
            } else {
                scrapes.append(.init(at: at, entries: [entry]))
            }
        }
        // As a rule all series of an address are scraped together.
        if scrapes.contains(where: { $0.entries.count == ids.count }) {
            return [PageSamples(ids: ids, scrapes: scrapes)]
        }
        return apart(ids, scrapes)
    }

    private static func apart(_ ids: [Int], _ scrapes: [ScrapedPage.Scrape]) -> [PageSamples] {
        var parent: [Int: Int] = [:]
        func root(_ id: Int) -> Int {
            var id = id
            while let next = parent[id] { id = next }
            return id
        }
        for scrape in scrapes {
            for entry in scrape.entries.dropFirst() {
                let (one, other) = (root(scrape.entries[0].id), root(entry.id))
                if one != other { parent[max(one, other)] = min(one, other) }
            }
        }
        var pages: [Int: PageSamples] = [:]
        for id in ids { pages[root(id), default: PageSamples()].ids.append(id) }
        for scrape in scrapes { pages[root(scrape.entries[0].id)]?.scrapes.append(scrape) }
        func rank(_ page: PageSamples) -> (Int64, Int) { (page.scrapes.first?.at.milliseconds ?? .max, page.ids[0]) }
        return pages.values.sorted { rank($0) < rank($1) }
    }
}

internal import BelayCore

/// What is known of one address: its series, which of them are copies, and its pages.
struct ScrapedAddress: Sendable {
    private(set) var members: [(id: Int, labels: CounterSeries.Labels)] = []
    /// What finds the copies among the series; nil: a series was added since, and it has to be built again.
    private var copies: CopiedSeries?
    /// Series that are set aside, and series that something was counted of.
    private var copied: Set<Int> = []
    private var counted: Set<Int> = []
    private var countedTo = Timestamp(milliseconds: .min)
    /// What was counted last, and of which page.
    private var told: [(page: Int, from: Timestamp, to: Timestamp)] = []
    /// Whether its pages tell different counters now: two processes whose addresses were made one.
    private var isOfSeveral = false
    private var knownCopies: Set<CopiedSeries.Pair> = []
    var pages: [ScrapedPage] = []
    /// Whether anything was ever read of it.
    var isKnown: Bool { wasRead || pages.contains { $0.last != nil } }
    private var wasRead = false
    /// The page that a series was last seen on.
    private var pageOfSeries: [Int: Int] = [:]

    mutating func add(_ id: Int, _ labels: CounterSeries.Labels) {
        members.append((id, labels))
        copies = nil
    }

    /// Finds the series that tell what others tell already.
    /// - Parameters:
    ///   - samples: By a series' id, oldest first.
    ///   - meaningful: Labels that say what a series counts.
    /// - Returns: Their ids, and the label that tells them apart.
    mutating func setCopiesAside(
        _ samples: [Int: [CounterSeries.Sample]], meaningful: Set<String>
    ) -> (ids: Set<Int>, label: String?) {
        let copies = copies ?? CopiedSeries(members, meaningful: meaningful)
        self.copies = copies
        guard !copies.isEmpty else { return ([], nil) }
        let (ids, label, areSeveral) = copies.copies(samples, counted: counted, known: &knownCopies)
        isOfSeveral = areSeveral
        for id in ids {
            counted.remove(id)
            // Series that turned out to be copies leave the page they stood on with their originals.
            guard let page = pageOfSeries[id],
                pageOfSeries.contains(where: { $0.value == page && !ids.contains($0.key) })
            else { continue }
            pages[page].forget(id)
            pageOfSeries[id] = nil
        }
        // A page that counts from now on begins where the address has been counted up to.
        if copied != ids { for page in pages.indices { pages[page].silence(until: countedTo) } }
        copied = ids
        return (ids, label)
    }

    /// No two of its series could be copies of each other.
    private var mayBeOnlyOne: Bool { copies?.isEmpty ?? true }

    /// The pieces of a page whose time no other page of the address has counted already. Two pages may be copies of
    /// each other before that can be seen.
    mutating func counted(_ pieces: [CountedPiece], of page: Int) -> [CountedPiece] {
        let new = pieces.filter { piece in
            isOfSeveral || mayBeOnlyOne
                || !told.contains { $0.page != page && $0.from < piece.to && piece.from < $0.to }
        }
        guard let last = new.last else { return new }
        for (id, place) in pageOfSeries where place == page { counted.insert(id) }
        countedTo = max(countedTo, last.to)
        told = told.suffix(64) + new.map { (page, $0.from, $0.to) }
        return new
    }

    /// Whether a page took the place of others that had ended under other labels; told once.
    mutating func hasSucceeded(_ page: Int) -> Bool {
        guard let since = pages[page].succession() else { return false }
        return !pages.indices.contains { $0 != page && pages[$0].last.map { $0.at >= since } ?? false }
    }

    /// The scrapes of each page, in the order in which the pages appeared. Two parts of one page, of which no scrape is whole
    /// in this answer, are put together again.
    mutating func sorted(_ parts: [PageSamples]) -> [(place: Int, ids: [Int], scrapes: [ScrapedPage.Scrape])] {
        var pages: [(place: Int, ids: [Int], scrapes: [ScrapedPage.Scrape])] = []
        for part in parts {
            let place = place(of: part.ids)
            if let known = pages.firstIndex(where: { $0.place == place }) {
                pages[known].ids += part.ids
                pages[known].scrapes = (pages[known].scrapes + part.scrapes).sorted { $0.at < $1.at }
            } else {
                pages.append((place, part.ids, part.scrapes))
            }
        }
        return pages
    }

    /// The place of the page that has these series; a new place for a new page. Where series of several pages share a
    /// scrape now, those pages are read anew: it cannot be told apart what each of them had counted.
    private mutating func place(of ids: [Int]) -> Int {
        let known = Set(ids.compactMap { pageOfSeries[$0] })
        let place = known.min() ?? pages.count
        if known.isEmpty { pages.append(ScrapedPage()) }
        wasRead = wasRead || known.contains { pages[$0].last != nil }
        if known.count > 1 { for page in known { pages[page].beginAnew(after: countedTo) } }
        for id in ids { pageOfSeries[id] = place }
        return place
    }
}

internal import BelayAnalysis
internal import BelayCore

/// What a metrics store holds of a history: the scrapes of every target, under the labels of their time, as they arrive.
struct ToldStore {
    private struct Kept {
        let labels: CounterSeries.Labels
        let isCanary: Bool
        let starts: Begun
        var samples: [(sample: CounterSeries.Sample, arrives: Int64)] = []
    }

    /// Who scrapes a place: a server or a job.
    private struct Scraper {
        let labels: [String: String]
        let offset: Int64
        let from: Int
    }

    private struct Begun: Hashable {
        let scraper: Int
        let address: String
    }

    private struct Key: Hashable {
        let place: Int
        let scraper: Int
        let variant: Int
        let child: Int
        let spelling: Int
    }

    static let epoch: Int64 = 1_700_000_000_000
    static func moment(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: epoch + milliseconds) }

    let history: RequestHistory
    private(set) var query: CounterQuery
    /// The scrapes of each address whose samples are all in the store at some time, oldest first.
    private(set) var scrapes: [String: [Int64]] = [:]
    /// The lives behind each address.
    private(set) var livesOfAddress: [String: [Int]] = [:]
    private var series: [Kept] = []
    private var starts: [Begun: [CounterSeries.Start]] = [:]
    private let partialAt: Set<Int>

    init(_ history: RequestHistory) {
        self.history = history
        query = CounterQuery(canary: "c", stable: "s")
        if history.isHistogram {
            query.slowerThan = [0.5]
        } else {
            query.bad = [.init(label: "code", pattern: "5..")]
        }
        query.lookback = .seconds(history.tells(.slowScrapes) ? 120 : 60)
        var random = SplitMix64(seed: history.seed ^ 0xA5A5)
        var partial: Set<Int> = []
        if history.tells(.partialAnswers) { for _ in 0..<4 { partial.insert(random.below(20)) } }
        partialAt = partial
        var kept: [Key: Kept] = [:]
        for place in 0..<history.places { scrape(place, &kept, &random) }
        series = kept.sorted { Self.order($0.key).lexicographicallyPrecedes(Self.order($1.key)) }.map(\.value)
    }

    // MARK: Scraping

    private mutating func scrape(_ place: Int, _ kept: inout [Key: Kept], _ random: inout SplitMix64) {
        let interval = Int64(history.scrapeInterval) * 1000
        let offset = Int64(random.below(Int(interval)))
        var scrapers = [Scraper(labels: ["job": "app"], offset: offset, from: 0)]
        let other = (offset + interval / 2 + Int64(random.below(500))) % interval
        if history.tells(.twoServers) {
            scrapers = [
                Scraper(labels: ["job": "app", "replica": "a", "prometheus": "one"], offset: offset, from: 0),
                Scraper(labels: ["job": "app", "replica": "b", "prometheus": "two"], offset: other, from: 0),
            ]
        }
        if history.tells(.secondJob), place == history.chosen {
            scrapers.append(Scraper(labels: ["job": "app-again", "team": "b"], offset: other, from: history.from))
        }
        for (index, scraper) in scrapers.enumerated() {
            var turn = 0
            var at = scraper.offset
            while at < Int64(RequestHistory.length) * 1000 {
                defer { at += interval }
                if at < Int64(scraper.from) * 1000 { continue }
                if history.tells(.missedScrapes), random.once(in: 5) { continue }
                turn += 1
                answer(place, index, scraper, at, turn, &kept, &random)
            }
        }
    }

    private mutating func answer(
        _ place: Int, _ index: Int, _ scraper: Scraper, _ at: Int64, _ turn: Int, _ kept: inout [Key: Kept],
        _ random: inout SplitMix64
    ) {
        let second = Int(at / 1000)
        let alive = history.lives.indices.filter {
            history.lives[$0].place == place && history.lives[$0].isAlive(at: at)
        }
        guard !alive.isEmpty else { return }
        let isChosen = place == history.chosen
        var life = alive[0]
        if alive.count == 2, (history.from..<history.to).contains(second) { life = alive[turn % 2] }
        let (requests, bad) = history.lives[life].shown(at: at)
        let isAfter = isChosen && second >= history.from
        let address = history.tells(.renamedAddress) && isAfter ? "pod-\(place)" : "10.0.0.\(place):80"
        for other in history.lives.indices where history.lives[other].place == place {
            if !(livesOfAddress[address] ?? []).contains(other) { livesOfAddress[address, default: []].append(other) }
        }
        if index == 0 { scrapes[address, default: []].append(at) }
        var labels = scraper.labels
        labels["instance"] = address
        var variant = history.tells(.renamedAddress) && isAfter ? 1 : 0
        if history.tells(.relabelledWhole), isAfter {
            labels["team"] = "blue"
            variant = 2
        }
        let began = Int64(history.lives[life].begin) * 1000
        let begun = Begun(scraper: index, address: address)
        if history.knowsStarts {
            starts[begun, default: []].append(.init(at: Self.moment(at), began: Self.moment(began)))
        }
        var arrives = at + (history.tells(.storeBehind) ? 30_000 : 0)
        if history.tells(.lateSamples) { arrives += Int64(random.below(20_000)) }
        for (child, name, value) in children(requests, bad, place, second) {
            let isBad = child == 1
            let isRenamed = history.tells(.relabelledPart) && isAfter && isBad
            let late: Int64 = history.tells(.lateSeries) && isBad ? 12_000 : 0
            let sample = (CounterSeries.Sample(at: Self.moment(at), value: value), arrives + late)
            // One answer may be stored twice.
            let isCopied = history.tells(.alignedCopies) && isChosen
            for copy in 0...(isCopied ? 1 : 0) {
                let key = Key(
                    place: place, scraper: index + copy, variant: variant + (isRenamed ? 4 : 0), child: child,
                    spelling: name.spelling)
                if kept[key] == nil {
                    var labels = labels.merging(name.labels) { $1 }
                    if isRenamed { labels["reason"] = "unknown" }
                    if copy == 1 { labels["job"] = "app-again" }
                    kept[key] = Kept(labels: .init(labels), isCanary: history.lives[life].isCanary, starts: begun)
                }
                kept[key]!.samples.append(sample)
            }
        }
    }

    private typealias Name = (labels: [String: String], spelling: Int)

    /// The children of the counter, or the buckets of the histogram.
    private func children(
        _ requests: Double, _ bad: Double, _ place: Int, _ second: Int
    ) -> [(child: Int, name: Name, value: Double)] {
        guard history.isHistogram else {
            let isLazy = history.tells(.birthsFromTheStart)
            var all: [(Int, Name, Double)] = []
            if !isLazy || requests - bad > 0 { all.append((0, (["code": "200"], 0), requests - bad)) }
            if bad > 0 || history.tells(.lateSeries) { all.append((1, (["code": "500"], 0), bad)) }
            // A child that never moves: a health check.
            all.append((2, (["code": "204"], 0), 0))
            return all
        }
        let isCanary = history.lives.contains { $0.place == place && $0.isCanary }
        let isRespelt =
            history.tells(.boundsOfBoth) && second >= history.from
            || history.tells(.boundsOfOneSide) && second >= history.from && isCanary
            || history.tells(.boundsOnce) && (history.from..<history.from + history.scrapeInterval).contains(second)
        let spelling = isRespelt ? 1 : 0
        let below = requests - bad
        return [
            (0, (["le": isRespelt ? "1e-1" : "0.1"], spelling), (below / 2).rounded(.down)),
            (1, (["le": isRespelt ? "5e-01" : "0.5"], spelling), below), (2, (["le": "+Inf"], 0), requests),
        ]
    }

    // MARK: Answering

    /// What the store answers at a moment, reaching `back` milliseconds into the past; nil where the answer says of
    /// itself that it is partial.
    func answer(at now: Int64, back: Int64, poll: Int) -> (canary: [CounterSeries], stable: [CounterSeries])? {
        if partialAt.contains(poll) { return nil }
        var (canary, stable): ([CounterSeries], [CounterSeries]) = ([], [])
        for kept in series {
            let samples = kept.samples.filter {
                $0.arrives <= now && $0.sample.at.milliseconds - Self.epoch <= now
                    && $0.sample.at.milliseconds - Self.epoch > now - back
            }.map(\.sample)
            guard !samples.isEmpty else { continue }
            let seen = (starts[kept.starts] ?? []).filter {
                $0.at.milliseconds - Self.epoch <= now && $0.at.milliseconds - Self.epoch > now - back
            }
            let one = CounterSeries(labels: kept.labels, samples: samples, starts: seen)
            if kept.isCanary { canary.append(one) } else { stable.append(one) }
        }
        return (canary, stable)
    }

    private static func order(_ key: Key) -> [Int] { [key.place, key.scraper, key.variant, key.child, key.spelling] }
}

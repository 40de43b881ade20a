import BelayCore
import BelayTestSupport
import Testing

@testable import BelayAnalysis

/// Counters as stores tell them: idle, renamed, doubled, fallen, respelled. Scraped every 15 s, looked at every 15 s.
@Suite("Distorted counters")
struct DistortionTests {
    private static func moment(_ second: Int) -> Timestamp { Timestamp(milliseconds: Int64(second) * 1000) }

    /// One series whose scrapes begin at `from`.
    private static func series(_ labels: [String: String], from: Int = 0, offset: Int = 0, _ values: [Double])
        -> CounterSeries
    {
        let samples = values.enumerated().map {
            CounterSeries.Sample(at: moment(from + offset + $0 * 15), value: $1)
        }
        return CounterSeries(labels: .init(["instance": "a"].merging(labels) { $1 }), samples: samples)
    }

    private static let stable = [
        series(["code": "200"], (0...20).map { 50_000 + 900 * Double($0) }),
        series(["code": "500"], (0...20).map { 50 + Double($0) }),
    ]

    private static var query: CounterQuery {
        var query = CounterQuery(canary: "c", stable: "s")
        query.bad = [.init(label: "code", pattern: "5..")]
        return query
    }

    /// Everything read look by look, from the scrape at 60 s on, with stable at 60 requests/s beside it.
    private static func read(
        _ canary: [CounterSeries], stable: [CounterSeries] = stable, query: CounterQuery = query, until end: Int = 180
    ) -> (requests: Double, bad: Double, notes: [String], copiedBy: String?) {
        var windows = CounterWindows(query, start: moment(60))
        var result = (requests: 0.0, bad: 0.0, notes: [String]())
        for second in stride(from: 76, through: end + 1, by: 15) {
            func seen(_ all: [CounterSeries]) -> [CounterSeries] {
                all.map { one in
                    CounterSeries(
                        labels: one.labels,
                        samples: one.samples.filter { $0.at <= moment(second) && $0.at > moment(second - 76) },
                        starts: one.starts)
                }.filter { !$0.samples.isEmpty }
            }
            switch windows.next(
                canary: seen(canary), stable: seen(stable), until: moment(second), share: 0.5)
            {
            case .window(let window, let note):
                result.requests += window.canaryRequests
                result.bad += window.bad[0].canary
                if !note.isEmpty { result.notes.append(note) }
            case .noSamples(let why), .leftOut(let why), .idle(let why), .error(let why): result.notes.append(why)
            case .nothingNew: break
            }
        }
        return (result.requests, result.bad, result.notes, windows.copiedBy)
    }

    // MARK: 1, windows in which nothing happened

    @Test func `a window without a request is no data, and no yardstick for those that follow`() {
        let idle = Self.stable.map { one in
            CounterSeries(
                labels: one.labels,
                samples: one.samples.map { .init(at: $0.at, value: $0.at <= Self.moment(90) ? 0 : $0.value - 55_400) })
        }
        let canary = [
            Self.series(["code": "200"], [0, 0, 0, 0, 0, 0, 0, 300, 600, 900, 1200, 1500, 1800]),
            Self.series(["code": "500"], [0, 0, 0, 0, 0, 0, 0, 300, 600, 900, 1200, 1500, 1800]),
        ]
        let seen = Self.read(canary, stable: [idle[0]])
        #expect(seen.notes.first == "no request of either version in 16s")
        #expect(seen.bad == 1800 && seen.requests == 3600)
    }

    @Test func `no request of the canary beside stable's is data`() {
        let seen = Self.read([Self.series(["code": "200"], Array(repeating: 7, count: 13))])
        #expect(seen.notes.isEmpty && seen.requests == 0)
    }

    // MARK: 2, names

    @Test func `old errors do not come in with a new label set`() {
        let good = Self.series(["code": "200"], (0...12).map { 9000 + 300 * Double($0) })
        let before = Self.series(["code": "500"], [200, 200, 200, 200, 200, 200, 200])
        let after = Self.series(["code": "500", "team": "blue"], from: 105, [213, 213, 213, 213, 213, 213])
        let seen = Self.read([good, before, after])
        #expect(seen.bad == 0)
        // The interval in between is lost, good and bad alike.
        #expect(seen.requests == 8 * 300 - 300)
        #expect(seen.notes == ["the canary: a left out, its series changed their labels"])
    }

    @Test func `a target that comes under other labels altogether begins anew`() {
        func version(_ labels: [String: String], _ from: Int, _ first: Int, _ count: Int) -> [CounterSeries] {
            [("200", 300.0, 9000.0), ("500", 1.0, 400.0)].map { code, rate, base in
                Self.series(
                    labels.merging(["code": code]) { $1 }, from: from,
                    (first..<first + count).map { base + rate * Double($0) })
            }
        }
        let seen = Self.read(version([:], 0, 0, 7) + version(["team": "blue"], 105, 7, 6))
        #expect(seen.bad == 7 && seen.requests == 7 * 301)
        #expect(seen.notes == ["the canary: a left out, it appeared there under other labels"])
    }

    @Test func `a child born while its siblings go on counts from 0`() {
        let good = Self.series(["code": "200"], (0...12).map { 9000 + 300 * Double($0) })
        let seen = Self.read([good, Self.series(["code": "500"], from: 105, [4, 6, 6, 7, 7, 7])])
        #expect(seen.bad == 7 && seen.notes.isEmpty)
    }

    @Test func `an exporter that drops children which nobody uses goes on counting`() {
        let good = Self.series(["code": "200", "route": "/"], (0...12).map { 9000 + 300 * Double($0) })
        // Stood still for a minute, dropped, and back later at a value that goes on.
        let dropped = Self.series(["code": "200", "route": "/old"], Array(repeating: 70, count: 7))
        let back = Self.series(["code": "200", "route": "/old"], from: 150, [75, 76, 77])
        let seen = Self.read([
            good, CounterSeries(labels: dropped.labels, samples: dropped.samples + back.samples),
            Self.series(["code": "500", "route": "/"], Array(repeating: 2, count: 13)),
        ])
        #expect(seen.requests == 8 * 300 + 7 && seen.bad == 0 && seen.notes.isEmpty, "\(seen)")
    }

    // MARK: 3, copies

    @Test("the same requests under two label sets count once", arguments: ["job", "replica", "prometheus"])
    func copies(label: String) {
        func version(_ value: String, _ offset: Int) -> [CounterSeries] {
            [("200", 20.0), ("500", 1.0)].map { code, rate in
                Self.series(
                    ["code": code, label: value], offset: offset,
                    (0...12).map { 1000 + ((Double($0) * 15 + Double(offset)) * rate).rounded() })
            }
        }
        let seen = Self.read(version("x", 0) + version("y", 7))
        #expect(seen.bad == 120 && seen.requests == 120 * 21)
        #expect(seen.copiedBy == label)
        // The same values at the same times, too: one answer that was stored twice.
        let twice = Self.read(version("x", 0) + version("y", 0))
        #expect(twice.bad == 120 && twice.requests == 120 * 21 && twice.copiedBy == label)
    }

    @Test func `equal counters at two addresses are two targets, and unlike ones at one address are siblings`() {
        let values = (0...12).map { 100 + 30 * Double($0) }
        let two = Self.read(
            ["a", "b"].map { Self.series(["code": "200", "instance": $0], values) })
        #expect(two.requests == 2 * 240 && two.copiedBy == nil)
        let siblings = Self.read([
            Self.series(["code": "200", "method": "GET"], values),
            Self.series(["code": "200", "method": "POST"], values.map { $0 * 2 }),
        ])
        #expect(siblings.requests == 3 * 240 && siblings.copiedBy == nil)
    }

    // MARK: 4, falls

    @Test func `going on from a low value is a restart and counts`() {
        let good = Self.series(["code": "200"], [0, 300, 600, 900, 1200, 1500, 250, 550, 850, 1150, 1450, 1750, 2050])
        let seen = Self.read([good])
        #expect(seen.requests == 300 + 250 + 6 * 300 && seen.notes.isEmpty)
    }

    /// A process, and from a scrape on another one at every second scrape.
    private static func turns(from first: Int) -> [Double] {
        (0...12).map { (place: Int) -> Double in
            let height: Double = place >= first && place % 2 == 1 ? 90_000 : 20_000
            return height + 150 * Double(place)
        }
    }

    @Test func `being back at the old height is another process, whatever came before`() {
        let turns = Self.turns(from: 5)
        let seen = Self.read([Self.series(["code": "200"], turns)])
        #expect(seen.requests == 0)
        #expect(!seen.notes.isEmpty && seen.notes.allSatisfy { $0.contains("two processes answer there in turn") })
    }

    @Test func `a fall where two answered in turn a moment ago is no restart, though the first is not seen back`() {
        // The scrape at 150 s, which the first process answered, is missing.
        let first = Self.series(
            ["code": "200"], [90_000, 90_001, 90_002, 90_003, 90_004, 90_005, 90_006, 238, 90_008, 241])
        let last = Self.series(["code": "200"], from: 165, [249, 250])
        let seen = Self.read([CounterSeries(labels: first.labels, samples: first.samples + last.samples)], until: 225)
        // Six seen of the first process, one of the second one; what either had counted before is nobody's.
        #expect(seen.requests <= 2 + 8 + 1)
        #expect(seen.notes.contains { $0.contains("two processes answer there in turn") })
    }

    @Test func `a canary that crashes all the time counts again once its restarts explain themselves`() {
        // The fall at 105 s is back at once, as another process would be; all that follow are plain restarts.
        let falls = [300.0, 600, 900, 1200, 1500, 1800, 2100, 1750, 2120, 300, 600, 100, 400, 100, 390, 100, 380, 680]
        let stable = [Self.series(["code": "200"], (0...20).map { 50_000 + 900 * Double($0) })]
        let seen = Self.read([Self.series(["code": "200"], falls)], stable: stable, until: 270)
        // All but the two intervals around the first fall and the restart right after it.
        #expect(seen.requests == 300 + 300 + 300 + 100 + 300 + 100 + 290 + 100 + 280 + 300)
    }

    @Test func `lasting alternation is seen before the start, a restart is none`() {
        let turns = Self.turns(from: 0)
        #expect(
            CounterWindows.traffic([Self.series(["code": "200"], turns)], Self.query)?.alternating == ["a"])
        let restart: [Double] = [0, 300, 600, 900, 1200, 1500, 250, 550, 850, 1150, 1450, 1750, 2050]
        #expect(CounterWindows.traffic([Self.series(["code": "200"], restart)], Self.query)?.alternating == [])
    }

    @Test func `a canary that restarts every 20 s is counted as before`() {
        // Its age at each scrape, times 20 requests/s of which one in ten is bad.
        let ages = [15.0, 10, 5, 20, 15, 10, 5, 20, 15, 10, 5, 20, 15]
        let canary = [
            Self.series(["code": "200"], ages.map { 18 * $0 }), Self.series(["code": "500"], ages.map { 2 * $0 }),
        ]
        let seen = Self.read(canary)
        // What each scrape shows since the restart before it, and what it grew by where it hides one; the last fall waits.
        #expect(seen.bad == 2 * (10 + 5 + 15 + 15 + 10 + 5 + 15) && seen.requests == 10 * seen.bad)
    }

    @Test func `two that scrape one target count it once, though one of them met another process once`() {
        let values = (0...12).map { 50_000 + 100 * Double($0) }
        let alone = Self.read([Self.series(["code": "200", "job": "one"], values)])
        // The second job begins at 97 s, and meets a process that nobody ever meets again.
        let other = Self.series(
            ["code": "200", "job": "two"], from: 97, [31_000] + (7...12).map { 50_050 + 100 * Double($0) })
        let both = Self.read([Self.series(["code": "200", "job": "one"], values), other])
        #expect(both.requests <= alone.requests && both.requests >= alone.requests - 300)
    }

    @Test func `two that scrape within moments of each other are one, whichever of them the target answered first`() {
        // Stamped 1 s later than its twin's, and read 1 s earlier: 40 requests/s less than the time says.
        let values = (0...12).map { 50_000 + 600 * Double($0) }
        let alone = Self.read([Self.series(["code": "200", "job": "one"], values)])
        let both = Self.read([
            Self.series(["code": "200", "job": "one"], values),
            Self.series(["code": "200", "job": "two"], offset: 1, values.map { $0 - 40 }),
        ])
        #expect(both.requests == alone.requests && both.copiedBy == "job")
    }

    @Test func `two processes whose addresses were made one count both`() {
        let one = (0...12).map { 50_000 + 100 * Double($0) }
        let other = (0...12).map { 3_000 + 90 * Double($0) }
        let seen = Self.read([
            Self.series(["code": "200", "job": "one"], one),
            Self.series(["code": "200", "job": "two"], offset: 7, other),
        ])
        #expect(seen.requests > 7 * 180 && seen.copiedBy == nil)
    }

    @Test func `a process that begins in a surge counts once what follows bears it out`() {
        func began(_ values: [Double]) -> CounterSeries {
            let one = Self.series(["code": "200"], from: 105, values)
            let starts = one.samples.map { CounterSeries.Start(at: $0.at, began: Self.moment(100)) }
            return CounterSeries(labels: one.labels, samples: one.samples, starts: starts)
        }
        // With stable at 60 requests/s beside it, 5 s explain 767.
        let surge = Self.read([began([1000, 4000, 7000, 8000, 9000, 10_000])])
        #expect(surge.requests == 10_000 && surge.notes.allSatisfy { $0.hasPrefix("no samples") })
        // Of a process that was there before, under labels that did not select it, nobody knows what is new.
        func witnessed(_ values: [Double]) -> CounterSeries {
            let one = Self.series(["code": "200"], from: 120, values)
            let starts = (2...12).map { CounterSeries.Start(at: Self.moment($0 * 15), began: Self.moment(70)) }
            return CounterSeries(labels: one.labels, samples: one.samples, starts: starts)
        }
        let moved = Self.read([witnessed([20_000, 23_000, 26_000, 29_000, 32_000])])
        #expect(moved.requests <= 12_000)
        let jump = Self.read([began([40_000, 40_100, 40_200, 40_300, 40_400, 40_500])])
        #expect(jump.requests == 500)
        #expect(jump.notes.contains { $0.contains("jumped by more than the traffic explains") })
    }

    // MARK: 5, bounds

    @Test func `bounds are numbers, however they are spelt`() {
        var query = Self.query
        (query.bad, query.slowerThan) = ([], [1])
        func side(_ spelling: String, _ from: Int, _ first: Int, _ count: Int) -> CounterSeries {
            Self.series(["le": spelling], from: from, (first..<first + count).map { 90 * Double($0) })
        }
        let all = Self.series(["le": "+Inf"], (0...12).map { 100 * Double($0) })
        let seen = Self.read(
            [side("1", 0, 0, 7), side("1.0", 105, 7, 1), side("1e0", 120, 8, 5), all],
            stable: [side("1", 0, 0, 13), all],
            query: query)
        #expect(seen.requests == 800 && seen.bad == 80 && seen.notes.isEmpty)
    }

    @Test func `a window in which bad exceeds all is left out`() {
        var query = Self.query
        query.requests = [.init(label: "code", pattern: "2..")]
        let seen = Self.read(
            [
                Self.series(["code": "200"], (0...12).map { 10 * Double($0) }),
                Self.series(["code": "500"], (0...12).map { $0 < 7 ? Double($0) : 20 * Double($0) }),
            ], query: query)
        #expect(seen.requests == 20 && seen.bad == 2)
        #expect(seen.notes.allSatisfy { $0.contains("it counted more bad requests than requests") })
    }

    // MARK: Everything at once

    /// A hundred thousand in a release build: `make simulation`.
    @Test func `nothing is invented of a history that is told in many ways`() async {
        #expect(HistorySoak.playFound().broken == [])
        let outcome = await HistorySoak.run(600, firstSeed: 0)
        #expect(outcome.broken == [])
        #expect(outcome.histories == 600)
    }

    @Test("a mistaken reader is found within 5,000 histories", arguments: PlantedMistake.allCases)
    func mistakes(mistake: PlantedMistake) {
        #expect(HistorySoak.find(mistake, within: 0..<5000) != nil)
    }
}

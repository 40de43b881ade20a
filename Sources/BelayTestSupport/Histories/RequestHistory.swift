internal import BelayAnalysis
internal import BelayCore

/// What truly happened: the requests of each process, second by second, and what becomes of them on their way to the gate.
struct RequestHistory: Sendable {
    /// A process from its beginning to its end.
    struct Life: Sendable {
        let isCanary: Bool
        /// The number of the place at which it is scraped, among the places of both versions.
        let place: Int
        /// Seconds of the history; below 0 where it is older than the history.
        var begin: Int
        var end: Int
        /// What it had counted when the history began.
        var base = (requests: 0.0, bad: 0.0)
        /// How much it has counted up to the beginning of each second of the history.
        fileprivate(set) var requests: [Double] = []
        fileprivate(set) var bad: [Double] = []

        /// What its counters show at a moment of the history, in milliseconds.
        func shown(at moment: Int64) -> (requests: Double, bad: Double) {
            let second = min(max(Int(moment / 1000), 0), requests.count - 1)
            return (base.requests + requests[second], base.bad + bad[second])
        }

        func isAlive(at moment: Int64) -> Bool { moment >= Int64(begin) * 1000 && moment < Int64(end) * 1000 }
    }

    /// How many seconds of the history lie before the gate's start, and how many there are in all.
    static let start = 120
    static let length = 360

    let seed: UInt64
    let tellings: [Telling]
    let isHistogram: Bool
    let knowsStarts: Bool
    let share: Double
    /// Seconds between scrapes, and between two looks of the gate.
    let scrapeInterval: Int
    let pollInterval: Int
    let places: Int
    /// When the distortion begins and ends, where it has a time.
    let from: Int
    let to: Int
    /// The place that a distortion is about.
    let chosen: Int
    private(set) var lives: [Life] = []

    init(seed: UInt64) {
        self.seed = seed
        var random = SplitMix64(seed: seed)
        let count = random.pick([0, 1, 1, 1, 2, 2, 3])
        var tellings: [Telling] = []
        for _ in 0..<count {
            let one = random.pick(Telling.allCases)
            if !tellings.contains(where: { Self.exclude($0, one) }) { tellings.append(one) }
        }
        self.tellings = tellings
        let needsBounds = tellings.contains { [.boundsOfOneSide, .boundsOfBoth, .boundsOnce].contains($0) }
        isHistogram = needsBounds || random.once(in: 3)
        let knows = tellings.contains { [.restartWithStartTime, .twoProcessesWithStartTimes].contains($0) }
        let knowsNot = tellings.contains { [.restartWithoutStartTime, .restartsOften, .twoProcesses].contains($0) }
        knowsStarts = knows || !knowsNot && random.once(in: 2)
        share = random.pick([0.1, 0.25, 0.5])
        scrapeInterval = tellings.contains(.slowScrapes) ? 40 : random.pick([5, 10, 15])
        pollInterval = random.pick([5, 15, 30])
        let (canaries, stables) = (random.between(1, 2), random.between(1, 3))
        places = canaries + stables
        from = Self.start + random.between(40, 90)
        to = from + random.between(60, 100)
        chosen = random.below(places)
        let rate = random.pick([4.0, 20, 60, 200])
        let badShare = random.pick([0.002, 0.01, 0.05])
        let factor = random.pick([1.0, 1, 3, 10])
        for place in 0..<places {
            let isCanary = place < canaries
            let own = isCanary ? rate * share / Double(canaries) : rate * (1 - share) / Double(stables)
            addLives(place, isCanary, own, min(isCanary ? badShare * factor : badShare, 0.5), &random)
        }
    }

    /// Whether two distortions must not come together: two of one kind would make a third kind.
    private static func exclude(_ one: Telling, _ other: Telling) -> Bool {
        func family(_ telling: Telling) -> Int {
            switch telling {
            case .restartWithStartTime, .restartWithoutStartTime, .restartsOften, .twoProcesses,
                .twoProcessesWithStartTimes, .processAdded, .processLeaves:
                1
            case .relabelledWhole, .relabelledPart, .renamedAddress, .secondJob, .twoServers, .alignedCopies: 2
            case .boundsOfOneSide, .boundsOfBoth, .boundsOnce: 3
            default: 10 + (Telling.allCases.firstIndex(of: telling) ?? 0)
            }
        }
        let (left, right) = (family(one), family(other))
        // Nobody can tell a child that was never seen from one that is late.
        if one == .lateSeries || other == .lateSeries {
            return min(left, right) < 3 || one == .lateSamples || other == .lateSamples
        }
        return left == right
    }

    func tells(_ telling: Telling) -> Bool { tellings.contains(telling) }

    private mutating func addLives(
        _ place: Int, _ isCanary: Bool, _ rate: Double, _ bad: Double, _ random: inout SplitMix64
    ) {
        var spans = [(begin: -1000, end: Self.length + 1)]
        if place == chosen {
            if tells(.restartWithStartTime) || tells(.restartWithoutStartTime) {
                spans = [(-1000, from), (from + random.between(0, 3), Self.length + 1)]
            }
            if tells(.restartsOften) {
                spans = [(-1000, Self.start)]
                var second = Self.start
                while second < Self.length {
                    spans.append((second, second + 20))
                    second += 20
                }
            }
            if tells(.processAdded) { spans = [(from, Self.length + 1)] }
            if tells(.processLeaves) { spans = [(-1000, from)] }
            if tells(.twoProcesses) || tells(.twoProcessesWithStartTimes) { spans.append((-1010, Self.length + 1)) }
        }
        // The counts of two processes behind one address differ by much more than one scrape brings, or their start
        // times tell the two apart.
        let heights = [1.0, random.pick([0.02, 0.3, 3, 40])]
        let age = rate * random.pick([3_000.0, 30_000, 300_000])
        for (index, span) in spans.enumerated() {
            var life = Life(isCanary: isCanary, place: place, begin: span.begin, end: span.end)
            if span.begin < 0, !tells(.birthsFromTheStart) || spans.count > 1 {
                let requests = (age * heights[index % 2] + 40 * rate * Double(scrapeInterval)).rounded()
                life.base = (requests, (requests * bad).rounded())
            }
            fill(&life, rate / (spans.count == 2 && spans[1].begin < 0 ? 2 : 1), bad, &random)
            lives.append(life)
        }
    }

    private func fill(_ life: inout Life, _ rate: Double, _ bad: Double, _ random: inout SplitMix64) {
        var (requests, failed) = (0.0, 0.0)
        (life.requests, life.bad) = ([], [])
        life.requests.reserveCapacity(Self.length + 1)
        life.bad.reserveCapacity(Self.length + 1)
        for second in 0...Self.length {
            life.requests.append(requests)
            life.bad.append(failed)
            guard second >= life.begin, second < life.end else { continue }
            // The canary's traffic begins a little after the gate.
            if life.isCanary, second < Self.start { continue }
            if tells(.emptyFirstWindow), second < Self.start + 70 { continue }
            if tells(.pause), (from..<from + 40).contains(second) { continue }
            let surge = tells(.burst) && (from..<from + 20).contains(second) ? 3.0 : 1
            let mean = rate * surge * (0.7 + 0.6 * random.uniform())
            let now = (mean + random.uniform()).rounded(.down)
            requests += now
            failed += min((now * bad * (0.5 + random.uniform()) + random.uniform()).rounded(.down), now)
        }
    }
}

internal import BelayCore

/// The series that one scrape of a target gives, read scrape by scrape.
///
/// Between two scrapes a target is counted or left out whole, good and bad requests together. The rules, in their order:
/// a scrape that lacks a series which comes back is passed over, and the next one is read across it; a process that began
/// in between counts from 0; a fall is a restart where the low value and what follows explain it; a child that appears
/// while its siblings go on counts from 0; series that appear where others ended are the same ones renamed; more growth
/// than the traffic explains is another counter's.
struct ScrapedPage: Sendable {
    struct Entry: Hashable, Sendable {
        let id: Int
        var value: Double
    }

    /// A series that is there no more.
    struct Gone: Hashable, Sendable {
        let entry: Entry
        /// When it was last seen.
        let at: Timestamp
    }

    /// One answer of the target.
    struct Scrape: Hashable, Sendable {
        let at: Timestamp
        /// By ascending id.
        var entries: [Entry]
        /// When the process that answered began, where that is known.
        var began: Timestamp?
    }

    /// What a page is read against.
    struct Setting {
        let target: String
        let roles: CounterRoles
        /// By a series' id.
        let role: [CounterRoles.Role]
        /// What was counted up to this moment is in no piece.
        let start: Timestamp
        /// The largest part of the traffic that the version may have, 0…1.
        let share: Double
        /// The most requests per second of both versions together; nil where nothing is known of them.
        let pace: Double?
        /// Beginnings of processes of this version that are known from other pages.
        let knownStarts: [Timestamp]
        /// The address was scraped before under other labels.
        let isKnownAddress: Bool
        /// When the target's process began, at each scrape that said so; oldest scrape first.
        let starts: [CounterSeries.Start]
    }

    /// What reading has come to.
    struct Outcome {
        var pieces: [CountedPiece] = []
        var leftOut: [Distortion] = []
        /// The newest scrape is understood only beside the next one.
        var isWaiting = false
    }

    enum Step {
        /// The growth counts, from that moment on.
        case count(CounterRoles.Tally, from: Timestamp, Ground)
        /// Everything up to the scrape so many places further on is left out.
        case leaveOut(Distortion, through: Int)
        /// One series is missing here and comes back later.
        case passOver
        case wait
    }

    /// How sure a count is.
    enum Ground {
        /// One process gave both scrapes, and what is known explains the growth: later growth is compared with it.
        case continued
        /// It counts, and nothing is learnt from it.
        case unproven
        /// The process is a new one.
        case restarted
    }

    private(set) var last: Scrape?
    /// The most requests per second between two scrapes of one process, as if the version had all the traffic.
    private(set) var pace: Double?
    /// Whether the last interval had requests, and its rate where the one before it had some, too. Traffic that just begins,
    /// or ends, fills a part of its interval alone and tells little of its pace.
    private var wasBusy = false
    private var lastRate: Double?
    /// When it was first scraped, where its address was scraped before.
    private var succeedsAt: Timestamp?
    private var silentUntil = Timestamp(milliseconds: .min)
    /// Children that went away, with their last values: one that appears at such a height or above may be the same.
    private(set) var ended: [Gone] = []
    /// When two processes were last seen to answer in turn.
    private(set) var alternatedAt: Timestamp?
    /// When each series was last seen to grow, and when the page was first read.
    private var movedAt: [Int: Timestamp] = [:]
    private var firstAt: Timestamp?

    /// Beyond so many times the traffic seen so far, counts are not believed.
    static let largestSurge = 4.0
    /// How long a series may be missing before it counts as ended.
    static let patience: Duration = .seconds(20)
    /// How long after its end a series may come back under another name.
    private static let memory: Duration = .seconds(120)
    /// By how much two start times of one process may differ, since two clocks may have told them.
    static let startTolerance: Duration = .milliseconds(1500)

    /// Reads what is new.
    /// - Parameter all: Oldest first; those already read are passed over.
    mutating func read(_ all: [Scrape], _ setting: Setting) -> Outcome {
        var outcome = Outcome()
        // Parts of the newest scrapes may still be on their way into the store, and arrive when others have been read.
        let scrapes = all.filter { scrape in setting.roles.isComplete(scrape.entries.lazy.map { setting.role[$0.id] }) }
        outcome.isWaiting = scrapes.last?.at != all.last?.at
        complete(with: scrapes)
        var index = 0
        while index < scrapes.count {
            let scrape = scrapes[index]
            guard let before = last else {
                guard begin(with: scrape, scrapes[(index + 1)...], setting, &outcome) else {
                    outcome.isWaiting = true
                    return outcome
                }
                index += 1
                continue
            }
            guard scrape.at > before.at else {
                index += 1
                continue
            }
            let isPast = scrape.at <= setting.start
            switch step(from: before, scrapes[index...], setting) {
            case .wait:
                outcome.isWaiting = true
                return outcome
            case .passOver: index += 1
            case .count(let tally, let from, let ground):
                note(tally.requests, in: from.duration(to: scrape.at).inSeconds, ground, setting)
                if !isPast, from >= silentUntil {
                    outcome.pieces.append(
                        CountedPiece(
                            target: setting.target, from: from, to: scrape.at, requests: tally.requests, bad: tally.bad)
                    )
                }
                if ground == .restarted { (ended, movedAt) = ([], [:]) } else { bury(before, scrape) }
                last = scrape
                index += 1
            case .leaveOut(let distortion, let further):
                // So that a real surge is not left out for ever.
                if distortion == .jumped { pace = [pace, setting.pace].compactMap(\.self).max().map { $0 * 2 } }
                if distortion == .alternating { alternatedAt = scrape.at }
                if !isPast { outcome.leftOut.append(distortion) }
                index += further
                if distortion == .renamed || distortion == .ended { bury(before, scrapes[index]) }
                last = scrapes[index]
                index += 1
            }
        }
        return outcome
    }

    /// Takes in what of the last scrape arrived after it was read.
    private mutating func complete(with scrapes: [Scrape]) {
        guard let known = last, let again = scrapes.first(where: { $0.at == known.at }),
            again.entries.count > known.entries.count
        else { return }
        let late = again.entries.filter { known.value(of: $0.id) == nil }
        last?.entries = (known.entries + late).sorted { $0.id < $1.id }
    }

    /// The first scrape of a page is where counting begins. Its values count only where the process began after the start,
    /// or was seen at an earlier scrape without any of these series.
    /// - Returns: False where only what follows will tell whether the values count; the scrape is then read again.
    private mutating func begin(
        with scrape: Scrape, _ later: ArraySlice<Scrape>, _ setting: Setting, _ outcome: inout Outcome
    ) -> Bool {
        if scrape.at > setting.start, !setting.isKnownAddress, let (origin, isWitnessed) = origin(of: scrape, setting),
            origin >= silentUntil
        {
            let growth = scrape.entries.map { (setting.role[$0.id], $0.value) }
            switch firstStep(setting.roles.tally(growth), from: origin, isWitnessed, scrape, later, setting) {
            case .count(let tally, let from, _):
                outcome.pieces.append(
                    CountedPiece(
                        target: setting.target, from: from, to: scrape.at, requests: tally.requests, bad: tally.bad))
            case .leaveOut(let distortion, _): outcome.leftOut.append(distortion)
            case .wait, .passOver: return false
            }
        }
        if scrape.at > setting.start, setting.isKnownAddress { succeedsAt = scrape.at }
        last = scrape
        firstAt = firstAt ?? scrape.at
        return true
    }

    /// From when on the values of a page's first scrape were counted; nil where nobody knows.
    /// - Returns: Also whether the process was seen earlier without these series and did not just begin. Series that
    ///   came into the selector because a label changed look the same, so more evidence is needed for them.
    private func origin(of scrape: Scrape, _ setting: Setting) -> (Timestamp, isWitnessed: Bool)? {
        guard let began = scrape.began else { return nil }
        // The process answered so long before that nothing of it can be late, and had none of these series: they were
        // born since.
        let witness = scrape.at.advanced(by: .zero - Self.patience)
        let earlier = setting.starts.last { $0.at <= witness && Self.isSame($0.began, began) }
        if let earlier { return (earlier.at, true) }
        // A start that is known from another page is that of the same process, seen under two addresses.
        let isKnown = setting.knownStarts.contains { Self.isSame($0, began, within: .milliseconds(50)) }
        return began >= setting.start && !isKnown ? (began, false) : nil
    }

    /// Forgets a series that is not on this page any more.
    mutating func forget(_ id: Int) {
        last?.entries.removeAll { $0.id == id }
        ended.removeAll { $0.entry.id == id }
        movedAt[id] = nil
    }

    /// Counting begins anew; what is known of the traffic stays.
    /// - Parameter moment: What was counted up to then, under whatever labels, is not counted again.
    mutating func beginAnew(after moment: Timestamp) {
        (last, ended) = (nil, [])
        silence(until: moment)
    }

    /// - Parameter moment: What was counted up to then, under whatever labels, is not counted again.
    mutating func silence(until moment: Timestamp) { silentUntil = max(silentUntil, moment) }

    /// - Returns: When this page took the place of others under other labels; once.
    mutating func succession() -> Timestamp? {
        defer { succeedsAt = nil }
        return succeedsAt
    }

    /// Remembers the children that are gone.
    private mutating func bury(_ before: Scrape, _ scrape: Scrape) {
        for entry in scrape.entries where before.value(of: entry.id).map({ entry.value > $0 }) ?? true {
            movedAt[entry.id] = scrape.at
        }
        let gone = before.entries.filter { scrape.value(of: $0.id) == nil }
        ended += gone.map { Gone(entry: $0, at: before.at) }
        // A series that ended long ago is not the one that goes on under another name.
        ended.removeAll { one in
            scrape.value(of: one.entry.id) != nil || one.at.duration(to: scrape.at) > Self.memory
        }
        for one in gone { movedAt[one.id] = nil }
    }

    /// Whether a series stood still before it went: exporters drop children that nobody uses.
    func wasIdle(_ entry: Entry) -> Bool {
        guard let last, let moved = movedAt[entry.id] ?? firstAt else { return false }
        return moved.duration(to: last.at) >= Self.patience
    }

    private mutating func note(_ requests: Double, in seconds: Double, _ ground: Ground, _ setting: Setting) {
        let isBusy = requests > 0 && ground == .continued
        if isBusy, let lastRate { learn(lastRate) }
        lastRate = isBusy && wasBusy ? requests / seconds / setting.share : nil
        wasBusy = isBusy
    }

    private mutating func learn(_ rate: Double) {
        // The pace at most doubles at a time, so that no single value far beyond all others sets it.
        if rate > 0 { pace = pace.map { max($0, min(rate, $0 * 2)) } ?? rate }
    }
}

extension ScrapedPage.Scrape {
    /// The value of a series; nil where the scrape does not have it.
    func value(of id: Int) -> Double? {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].id == id { return entries[middle].value }
            if entries[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}

internal import BelayCore

/// What happened between two scrapes of a page, as far as it can be known.
extension ScrapedPage {
    func step(from before: Scrape, _ scrapes: ArraySlice<Scrape>, _ setting: Setting) -> Step {
        let scrape = scrapes.first!
        let later = scrapes.dropFirst()
        switch process(before, scrape) {
        case .another: return .leaveOut(.alternating, through: 0)
        case .restarted(let began): return restart(from: max(before.at, began), scrape, setting)
        case .same, .unknown: break
        }
        let missing = before.entries.filter { scrape.value(of: $0.id) == nil }
        let fallen = before.entries.filter { entry in scrape.value(of: entry.id).map { $0 < entry.value } ?? false }
        if !fallen.isEmpty { return fall(before, fallen, scrape, later.first, setting) }
        if !missing.isEmpty {
            if later.contains(where: { later in missing.contains { later.value(of: $0.id) != nil } }) {
                return .passOver
            }
            // The newest scrapes may still be on their way into the store.
            guard later.count > 1, scrape.at.duration(to: later.last!.at) >= Self.patience else { return .wait }
            let born = scrape.entries.filter { before.value(of: $0.id) == nil }
            if !missing.allSatisfy({ wasIdle($0) }) {
                return .leaveOut(born.isEmpty ? .ended : .renamed, through: 0)
            }
            // What stood still until it went has taken nothing along, unless it goes on under another name.
            let mayBe = born.contains { new in
                missing.contains { setting.role[$0.id] == setting.role[new.id] && $0.value <= new.value }
            }
            if mayBe { return .leaveOut(.renamed, through: 0) }
        }
        return growth(before, scrape, later, setting)
    }

    /// What the first scrape of a page shows of the time since `origin`, when all its series were at 0.
    /// - Parameters:
    ///   - tally: What it shows; nil where more of it is bad than there is.
    ///   - isWitnessed: The process is older than its series.
    func firstStep(
        _ tally: CounterRoles.Tally?, from origin: Timestamp, _ isWitnessed: Bool, _ scrape: Scrape,
        _ later: ArraySlice<Scrape>, _ setting: Setting
    ) -> Step {
        guard let tally else { return .leaveOut(.badExceedsAll, through: 0) }
        switch isPlausible(tally.requests, in: origin.duration(to: scrape.at).inSeconds, setting) {
        case true?: return .count(tally, from: origin, .restarted)
        // Series that were there before, under labels that the query does not select, count earlier requests as well.
        case nil where isWitnessed, false? where isWitnessed: return .leaveOut(.jumped, through: 0)
        case nil: return .count(tally, from: origin, .restarted)
        // A process that begins in a surge shows more than the traffic known so far explains.
        case false?: return borneOut(tally, from: origin, scrape, later, setting, needed: 1)
        }
    }

    private enum Process {
        case same, unknown, another
        case restarted(at: Timestamp)
    }

    private func process(_ before: Scrape, _ scrape: Scrape) -> Process {
        guard let began = scrape.began else { return .unknown }
        if let earlier = before.began, Self.isSame(earlier, began) { return .same }
        if began > before.at { return .restarted(at: began) }
        return before.began == nil ? .unknown : .another
    }

    static func isSame(_ one: Timestamp, _ other: Timestamp, within bound: Duration = startTolerance) -> Bool {
        let apart = one.duration(to: other)
        return apart <= bound && apart >= .zero - bound
    }

    /// What a new process has counted is what happened since it began.
    private func restart(from began: Timestamp, _ scrape: Scrape, _ setting: Setting) -> Step {
        let tally = setting.roles.tally(scrape.entries.map { (setting.role[$0.id], $0.value) })
        guard let tally else { return .leaveOut(.badExceedsAll, through: 0) }
        return .count(tally, from: began, .restarted)
    }

    /// Judges a fall where the process' beginning is not known. A counter that goes on from the low value was
    /// restarted; one that is back at its old height belongs to another process behind the same address.
    private func fall(
        _ before: Scrape, _ fallen: [Entry], _ scrape: Scrape, _ next: Scrape?, _ setting: Setting
    ) -> Step {
        guard let next else { return .wait }
        let seconds = before.at.duration(to: scrape.at).inSeconds
        let onwards = scrape.at.duration(to: next.at).inSeconds
        let isBack = fallen.allSatisfy { entry in next.value(of: entry.id).map { $0 >= entry.value } ?? false }
        guard let tally = setting.roles.tally(scrape.entries.map { (setting.role[$0.id], $0.value) }) else {
            return .leaveOut(isBack ? .alternating : .badExceedsAll, through: isBack ? 1 : 0)
        }
        let height = fallen.reduce(0) { $0 + $1.value }
        let low = fallen.reduce(0) { $0 + (scrape.value(of: $1.id) ?? 0) }
        let rise = fallen.reduce(0) { $0 + (next.value(of: $1.id) ?? 0) } - low
        if isBack, low * 2 > height { return .leaveOut(.alternating, through: 1) }
        var isExplained = isPlausible(tally.requests, in: seconds, setting)
        // Where nothing else is known of the traffic, the growth after the fall is the measure.
        if isExplained == nil, rise >= 0 {
            isExplained = tally.requests <= Self.bound(on: Self.largestSurge * rise / onwards * seconds)
        }
        let isRiseExplained = isPlausible(max(rise, 0), in: onwards, setting) ?? !isBack
        if isBack, isExplained != true || !isRiseExplained { return .leaveOut(.alternating, through: 1) }
        guard isExplained == true else { return .leaveOut(.replaced, through: 0) }
        // Two processes answered in turn a moment ago, so this is the other one again, and the scrape in which the
        // first one was back is missing.
        if let alternatedAt, alternatedAt.duration(to: scrape.at) <= Self.patience * 2 {
            return .leaveOut(.replaced, through: 0)
        }
        return .count(tally, from: before.at, .restarted)
    }

    /// Judges the growth where nothing fell and nothing is missing; new series may have appeared.
    private func growth(
        _ before: Scrape, _ scrape: Scrape, _ later: ArraySlice<Scrape>, _ setting: Setting
    ) -> Step {
        var growth: [(role: CounterRoles.Role, by: Double)] = []
        growth.reserveCapacity(scrape.entries.count)
        for entry in scrape.entries {
            let role = setting.role[entry.id]
            if let earlier = before.value(of: entry.id) {
                growth.append((role, entry.value - earlier))
            } else if let back = ended.first(where: { $0.entry.id == entry.id && $0.entry.value <= entry.value }) {
                growth.append((role, entry.value - back.entry.value))
            } else if ended.contains(where: { setting.role[$0.entry.id] == role && $0.entry.value <= entry.value }) {
                return .leaveOut(.renamed, through: 0)
            } else {
                growth.append((role, entry.value))
            }
        }
        guard let tally = setting.roles.tally(growth) else { return .leaveOut(.badExceedsAll, through: 0) }
        switch isPlausible(tally.requests, in: before.at.duration(to: scrape.at).inSeconds, setting) {
        case true?: return .count(tally, from: before.at, .continued)
        case nil:
            // No traffic is known with which the growth could be compared.
            guard tally.requests > 0 else { return .count(tally, from: before.at, .unproven) }
            return borneOut(tally, from: before.at, scrape, later, setting, needed: 3)
        case false?: return borneOut(tally, from: before.at, scrape, later, setting, needed: 1)
        }
    }

    /// Judges a growth that the known traffic does not explain: the traffic that follows has to confirm it. A surge
    /// goes on; the jump to another counter under the same name comes once.
    /// - Parameters:
    ///   - origin: From when on it was counted.
    ///   - needed: So many scrapes with traffic that do not bear it out speak against it.
    private func borneOut(
        _ tally: CounterRoles.Tally, from origin: Timestamp, _ scrape: Scrape, _ later: ArraySlice<Scrape>,
        _ setting: Setting, needed: Int
    ) -> Step {
        let seconds = origin.duration(to: scrape.at).inSeconds
        var (earlier, against) = (scrape, 0)
        for (place, next) in later.enumerated() {
            if hasFallen(from: earlier, to: next) { return .leaveOut(.alternating, through: place + 1) }
            let requests = growth(from: earlier, to: next, setting)
            let onwards = requests / earlier.at.duration(to: next.at).inSeconds
            earlier = next
            guard requests > 0 else { continue }
            if tally.requests <= Self.bound(on: Self.largestSurge * onwards * seconds) {
                return .count(tally, from: origin, .continued)
            }
            against += 1
            if against == needed { return .leaveOut(.jumped, through: 0) }
        }
        return .wait
    }

    /// The requests between two scrapes, without those of series that are new in the second one.
    private func growth(from scrape: Scrape, to next: Scrape, _ setting: Setting) -> Double {
        let grown = scrape.entries.map { (setting.role[$0.id], (next.value(of: $0.id) ?? $0.value) - $0.value) }
        return max(setting.roles.tally(grown)?.requests ?? 0, 0)
    }

    private func hasFallen(from scrape: Scrape, to next: Scrape) -> Bool {
        if case .restarted = process(scrape, next) { return false }
        return scrape.entries.contains { entry in next.value(of: entry.id).map { $0 < entry.value } ?? false }
    }

    /// Whether so many requests in so many seconds are explained by the traffic seen so far; nil where none was seen.
    func isPlausible(_ requests: Double, in seconds: Double, _ setting: Setting) -> Bool? {
        guard let pace = [pace, setting.pace].compactMap(\.self).max() else { return nil }
        return requests <= Self.bound(on: Self.largestSurge * pace * setting.share * seconds)
    }

    /// The largest count that chance explains: six standard deviations above the expected one, plus 20, which matters
    /// for small counts.
    private static func bound(on expected: Double) -> Double { expected + 6 * expected.squareRoot() + 20 }
}

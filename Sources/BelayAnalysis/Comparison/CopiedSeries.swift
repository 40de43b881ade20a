internal import BelayCore

/// Finds series that count the same requests under two label sets of one address: two servers write one store, or two
/// jobs scrape one target. Copies differ in a label, agree in every label that has a meaning, and show one counter: put
/// together in the order of their scrapes they grow like one. Series of two addresses are never copies, however much
/// they agree.
struct CopiedSeries: Sendable {
    /// The values of one label that may tell copies apart, and the series that stand under each.
    struct Split: Sendable {
        let label: String
        /// By value, in ascending order; each maps what is left of a label set to its series' id.
        let groups: [(value: String, members: [[String: String]: Int])]
    }

    /// Two values of a label.
    struct Pair: Hashable, Sendable {
        let label: String
        let one: String
        let other: String
    }

    /// A label with more values than this tells routes or users apart, not those who scrape.
    private static let mostCopies = 8

    private let splits: [Split]

    /// - Parameters:
    ///   - series: Of one address.
    ///   - meaningful: Labels that say what a series counts.
    init(_ series: [(id: Int, labels: CounterSeries.Labels)], meaningful: Set<String>) {
        let names = Set(series.flatMap(\.labels.values.keys)).subtracting(meaningful).sorted()
        splits = names.compactMap { Self.split(series, by: $0, names) }
    }

    private static func split(
        _ series: [(id: Int, labels: CounterSeries.Labels)], by label: String, _ names: [String]
    ) -> Split? {
        let groups = Dictionary(grouping: series) { $0.labels[label] ?? "" }
        guard (2...mostCopies).contains(groups.count) else { return nil }
        // A label whose value depends on this one tells the copies apart as well: a replica's name beside its server's.
        let dependent = names.filter { name in
            groups.values.allSatisfy { group in Set(group.map { $0.labels[name] ?? "" }).count == 1 }
        }
        let members = groups.mapValues { group in
            Dictionary(
                group.map { one in (one.labels.values.filter { !dependent.contains($0.key) }, one.id) },
                uniquingKeysWith: min)
        }
        let values = members.keys.sorted()
        guard
            values.contains(where: { value in values.contains { $0 != value && shares(members[value]!, members[$0]!) } }
            )
        else { return nil }
        return Split(label: label, groups: values.map { ($0, members[$0]!) })
    }

    private static func shares(_ one: [[String: String]: Int], _ other: [[String: String]: Int]) -> Bool {
        one.keys.contains { other[$0] != nil }
    }

    var isEmpty: Bool { splits.isEmpty }

    /// The series that are copies of others, and the label that tells them apart.
    /// - Parameters:
    ///   - samples: By a series' id; oldest first.
    ///   - counted: Series that count so far: their copies are the ones to set aside.
    ///   - known: Pairs that were found to be copies, and stay so whatever happens to their process.
    /// - Returns: The ids of the copies, the label that tells them apart, and whether two scrapers of the address show
    ///   different counters at every moment of these samples.
    func copies(
        _ samples: [Int: [CounterSeries.Sample]], counted: Set<Int>, known: inout Set<Pair>
    ) -> (ids: Set<Int>, label: String?, areSeveral: Bool) {
        var (ids, found, areSeveral): (Set<Int>, String?, Bool) = ([], nil, false)
        for split in splits {
            func rank(_ group: Group) -> Int {
                !counted.isDisjoint(with: group.members.values) && !isSilent(group, split, samples) ? 0 : 1
            }
            let order = split.groups.sorted { (rank($0), $0.value) < (rank($1), $1.value) }
            for (place, group) in order.enumerated() {
                let hasOriginal = order[..<place].contains { earlier in
                    guard ids.isDisjoint(with: earlier.members.values) else { return false }
                    let pair = Pair(
                        label: split.label, one: min(earlier.value, group.value), other: max(earlier.value, group.value)
                    )
                    let comparison = compare(earlier, group, samples, counted)
                    let isUnclear = comparison.agreement == .unclear
                    if known.contains(pair), comparison.isApart || comparison.agreement != .other { return true }
                    let isCopy = comparison.agreement == .moved || comparison.isApart && isUnclear
                    if isCopy { known.insert(pair) }
                    areSeveral =
                        areSeveral
                        || comparison.isApart && comparison.agreement == .other
                            && differAlways(earlier, group, samples)
                    return isCopy
                }
                guard hasOriginal else { continue }
                ids.formUnion(group.members.values)
                found = found ?? split.label
            }
        }
        return (ids, found, areSeveral)
    }

    private typealias Group = (value: String, members: [[String: String]: Int])

    /// Whether the scrapes of this group have stopped while those of another group go on.
    private func isSilent(_ group: Group, _ split: Split, _ samples: [Int: [CounterSeries.Sample]]) -> Bool {
        func newest(_ group: Group) -> Timestamp? { group.members.values.compactMap { samples[$0]?.last?.at }.max() }
        guard let own = newest(group) else { return true }
        guard let other = split.groups.compactMap({ newest($0) }).max(), other > own else { return false }
        // Two of its scrapes are missing.
        let times = group.members.values.compactMap { samples[$0] }.max { $0.count < $1.count } ?? []
        guard times.count > 1 else { return true }
        let gap = times[times.count - 2].at.duration(to: times[times.count - 1].at)
        return own.duration(to: other) > gap * 2
    }

    /// Whether two groups show the same counters: all that they share agrees, something of it moved, and what only one
    /// of them has was never there while the other was scraped. Groups that never have a scrape in common (`isApart`)
    /// are scraped by two servers.
    private func compare(
        _ one: Group, _ other: Group, _ samples: [Int: [CounterSeries.Sample]], _ counted: Set<Int>
    ) -> (agreement: Agreement, isApart: Bool) {
        func told(by group: Group) -> [[CounterSeries.Sample]] { group.members.values.compactMap { samples[$0] } }
        let (ours, theirs) = (told(by: one), told(by: other))
        let (ourTimes, theirTimes) = (Set(ours.joined().map(\.at)), Set(theirs.joined().map(\.at)))
        let isApart = ourTimes.isDisjoint(with: theirTimes)
        guard let ourFirst = ourTimes.min(), let ourLast = ourTimes.max(), let theirFirst = theirTimes.min(),
            let theirLast = theirTimes.max(), max(ourFirst, theirFirst) <= min(ourLast, theirLast)
        else { return (.none, isApart) }
        let falls = (ours + theirs).contains { zip($0, $0.dropFirst()).contains { $0.value > $1.value } }
        let areNew = counted.isDisjoint(with: one.members.values) && counted.isDisjoint(with: other.members.values)
        var found = Agreement.still
        for (labels, id) in one.members {
            guard let twin = other.members[labels], let ours = samples[id], let theirs = samples[twin] else { continue }
            switch Self.agreement(
                ours, theirs,
                areNew: areNew
                    || ours.first.map { $0.at > ourFirst } ?? false && theirs.first.map { $0.at > theirFirst } ?? false)
            {
            case .other where falls: found = .unclear
            case .unclear: found = .unclear
            case .other, .none: return (.other, isApart)
            case .moved: found = found == .unclear ? .unclear : .moved
            case .still: break
            }
        }
        // What two servers scrape at one address is the same counter, even where it does not move.
        if isApart, found == .still { found = .moved }
        guard isLate(one, beside: other, samples), isLate(other, beside: one, samples) else {
            return (found == .unclear ? .unclear : .none, isApart)
        }
        return (found, isApart)
    }

    /// Whether at every moment a series that both groups have shows that they are two counters. A single agreement
    /// speaks against it: where two processes answer in turn, two scrapers sometimes see the same process.
    private func differAlways(_ one: Group, _ other: Group, _ samples: [Int: [CounterSeries.Sample]]) -> Bool {
        var agreesAt: [Timestamp: Bool] = [:]
        for (labels, id) in one.members {
            guard let twin = other.members[labels], let ours = samples[id], let theirs = samples[twin] else { continue }
            for (own, others) in [(ours, theirs), (theirs, ours)] {
                for sample in own {
                    guard let after = others.firstIndex(where: { $0.at > sample.at }), after > 0 else { continue }
                    let isBetween = others[after - 1].value <= sample.value && sample.value <= others[after].value
                    agreesAt[sample.at, default: true] = agreesAt[sample.at, default: true] && isBetween
                }
            }
        }
        return !agreesAt.isEmpty && !agreesAt.values.contains(true)
    }

    private func isLate(_ one: Group, beside other: Group, _ samples: [Int: [CounterSeries.Sample]]) -> Bool {
        let newest = other.members.values.compactMap { samples[$0]?.last?.at }.max()
        let oldest = other.members.values.compactMap { samples[$0]?.first?.at }.min()
        guard let newest, let oldest else { return false }
        return one.members.allSatisfy { labels, id in
            if let twin = other.members[labels], samples[twin]?.isEmpty == false { return true }
            return (samples[id] ?? []).allSatisfy { $0.at > newest || $0.at < oldest }
        }
    }

    private enum Agreement {
        /// There is nothing to compare.
        case none
        /// Two counters that have nothing to do with each other.
        case other
        /// They disagree, and one of them falls: two processes may answer both in turn.
        case unclear
        /// Nothing moved that could tell.
        case still
        case moved
    }

    /// Whether a lower value may be the same counter, read a moment before the other one's, whatever the times say: a server
    /// stamps a scrape when it begins, and the target may answer one of two at once and the other later.
    private static func isReadEarlier(
        _ sample: CounterSeries.Sample, than other: CounterSeries.Sample?, own: ArraySlice<CounterSeries.Sample>,
        twin: [CounterSeries.Sample]
    ) -> Bool {
        guard let other, ScrapedPage.isSame(other.at, sample.at),
            own.dropLast().last.map({ $0.value <= sample.value }) ?? true
        else { return false }
        let fastest =
            [Array(own), twin].flatMap { zip($0, $0.dropFirst()) }.map { earlier, later in
                (later.value - earlier.value) / max(earlier.at.duration(to: later.at).inSeconds, 0.001)
            }.max() ?? 0
        return other.value - sample.value <= fastest * 2 * ScrapedPage.startTolerance.inSeconds
    }

    /// Puts two series together in the order of their scrapes: one counter never falls unless both do.
    /// - Parameter areNew: Nothing was counted of either yet, or both were just born.
    private static func agreement(
        _ one: [CounterSeries.Sample], _ other: [CounterSeries.Sample], areNew: Bool
    ) -> Agreement {
        let isTogether = one.contains { sample in other.contains { $0.at == sample.at } }
        var (i, j) = (0, 0)
        var value: Double?
        var (hasMoved, haveMovedAlike) = (false, false)
        // Two counters that have nothing to do with each other disagree from the beginning; what goes well for a while and
        // then does not is one counter to which something happened.
        var disagreement: Agreement { hasMoved && i > 1 && j > 1 ? .unclear : .other }
        while i < one.count || j < other.count {
            if i < one.count, j < other.count, one[i].at == other[j].at {
                if one[i].value != other[j].value { return disagreement }
                // Both changed by the same; or nothing was counted of them yet, and they have the same history; or one of
                // them came later and has it, too.
                let isNew = i == 0 && j > 0 || j == 0 && i > 0
                haveMovedAlike = haveMovedAlike || isNew && one[i].value >= 10 || areNew && one[i].value > 0
                if i > 0, j > 0, one[i - 1].value == other[j - 1].value, one[i].value != one[i - 1].value {
                    haveMovedAlike = true
                }
                hasMoved = hasMoved || value.map { one[i].value > $0 } ?? false
                value = one[i].value
                (i, j) = (i + 1, j + 1)
                continue
            }
            let isOurs = j == other.count || i < one.count && one[i].at < other[j].at
            let (own, twin) = isOurs ? (one[..<(i + 1)], other) : (other[..<(j + 1)], one)
            let next = isOurs ? j : i
            let sample = own.last!
            let isEarlier = isReadEarlier(sample, than: next > 0 ? twin[next - 1] : nil, own: own, twin: twin)
            if let value, sample.value < value, !isEarlier {
                // One counter may be lower here only if this series fell itself, or begins here, and if its twin falls,
                // too.
                if own.count > 1, sample.value >= own[own.count - 2].value { return disagreement }
                if next > 0, next < twin.count, twin[next - 1].value > sample.value,
                    twin[next].value >= twin[next - 1].value
                {
                    return disagreement
                }
            }
            // A movement counts only once both have been seen: else it could be that of another counter.
            hasMoved = hasMoved || value.map { sample.value > $0 } ?? false && i > 0 && j > 0
            value = isEarlier ? max(value ?? sample.value, sample.value) : sample.value
            if isOurs { i += 1 } else { j += 1 }
        }
        return hasMoved && one.count + other.count > 3 && !isTogether || haveMovedAlike ? .moved : .still
    }
}

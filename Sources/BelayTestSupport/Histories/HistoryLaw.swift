internal import BelayAnalysis
internal import BelayCore

/// Tells a history to a reader, and checks that what the reader counted truly happened.
///
/// The law: A counted window holds at most what happened between its oldest sample and its end. A target is counted or
/// left out whole, good and bad requests together. Nothing counts twice. What is left out has a reason. Where a telling
/// loses nothing, everything is counted. After a distortion has ended, counting resumes within two scrapes and one
/// look. Harm is declared only where the true numbers of the same windows declare it, too.
package struct HistoryLaw {
    /// What a reader has got wrong about a history.
    package struct Broken: Error, Sendable {
        package let message: String
    }

    /// What became of one history.
    package struct Result: Sendable {
        package var windows = 0
        package var silent = 0
        /// Requests after the gate's start: all, and those that were counted.
        package var truth = 0.0
        package var counted = 0.0
        package var isHarmful = false
    }

    private let history: RequestHistory
    private let store: ToldStore
    private var result = Result()
    /// The times for which the requests of each life have been counted.
    private var counted: [Int: [(from: Timestamp, to: Timestamp)]] = [:]
    private var pieces: [String: [CountedPiece]] = [:]
    /// For each window from which something was left out: why.
    private var leftOut: [[Distortion]] = []
    private var process: (counted: ComparisonProcess, truth: ComparisonProcess)

    private init(_ history: RequestHistory) {
        self.history = history
        store = ToldStore(history)
        let empty = ComparisonProcess(Comparison(), kinds: 1, steps: 1)
        process = (empty, empty)
    }

    /// Tells history number `seed`.
    /// - Throws: ``Broken`` where the law does not hold.
    package static func check(seed: UInt64, mistake: PlantedMistake? = nil) throws(Broken) -> (Result, [Telling]) {
        let history = RequestHistory(seed: seed)
        var law = HistoryLaw(history)
        let start = ToldStore.moment(Int64(RequestHistory.start) * 1000)
        var reader: any HistoryReader =
            mistake?.reader(law.store.query, start: start) ?? CounterWindows(law.store.query, start: start)
        do throws(Broken) {
            try law.tell(to: &reader)
            try law.checkWhole()
        } catch {
            throw Broken(
                message: "seed \(seed) (\(history.tellings.map(\.rawValue).joined(separator: ", "))): \(error.message)")
        }
        return (law.result, history.tellings)
    }

    /// What was told and read of one history, look by look.
    package static func trace(seed: UInt64) -> String {
        let history = RequestHistory(seed: seed)
        let store = ToldStore(history)
        func at(_ moment: Timestamp) -> String { "\(Double(moment.milliseconds - ToldStore.epoch) / 1000)" }
        var lines = history.tellings.map(\.rawValue)
        lines.append("distorted from \(history.from) to \(history.to), place \(history.chosen), share \(history.share)")
        for kept in store.answer(at: .max / 4, back: .max / 2, poll: -1).map({ $0.canary + $0.stable }) ?? [] {
            let labels = kept.labels.values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            let samples = kept.samples.map { "\(at($0.at)):\(Int($0.value))" }
            lines.append("\(labels.joined(separator: " ")) | \(samples.joined(separator: " "))")
        }
        var reader = CounterWindows(
            store.query, start: ToldStore.moment(Int64(RequestHistory.start) * 1000), fastest: nil)
        var now = Int64(RequestHistory.start) * 1000
        var (poll, counted) = (0, now)
        while now < Int64(RequestHistory.length) * 1000 {
            now += Int64(history.pollInterval) * 1000
            poll += 1
            let back = store.query.lookback.wholeMilliseconds + now - counted
            guard let answer = store.answer(at: now, back: back, poll: poll) else { continue }
            let next = reader.next(
                canary: answer.canary, stable: answer.stable, until: ToldStore.moment(now), share: history.share)
            switch next {
            case .window(_, let note):
                counted = now
                let pieces = (reader.pieces.canary + reader.pieces.stable).map {
                    "\($0.target) \(at($0.from))-\(at($0.to)): \($0.bad[0])/\($0.requests)"
                }
                lines.append("\(now / 1000) \(note): \(pieces.joined(separator: ", "))")
            case .noSamples(let why): lines.append("\(now / 1000) no data: \(why)")
            case .leftOut(let why), .idle(let why):
                counted = now
                lines.append("\(now / 1000) no data: \(why)")
            case .nothingNew(let why): lines.append("\(now / 1000) nothing new \(why)")
            case .error(let why): lines.append("\(now / 1000) ERROR \(why)")
            }
        }
        return lines.joined(separator: "\n")
    }

    private mutating func tell(to reader: inout any HistoryReader) throws(Broken) {
        var now = Int64(RequestHistory.start) * 1000
        var counted = now
        var poll = 0
        while now < Int64(RequestHistory.length) * 1000 {
            now += Int64(history.pollInterval) * 1000
            poll += 1
            let back = store.query.lookback.wholeMilliseconds + now - counted
            guard let answer = store.answer(at: now, back: back, poll: poll) else {
                result.silent += 1
                continue
            }
            let next = reader.next(
                canary: answer.canary, stable: answer.stable, until: ToldStore.moment(now), share: history.share)
            switch next {
            case .window(let window, _):
                counted = now
                try check(window, reader.pieces, reader.distortions)
            case .noSamples(let why):
                // Nothing could be read, and the next window is longer.
                if why.isEmpty { throw Broken(message: "no data without a reason") }
                result.silent += 1
            case .leftOut(let why):
                if why.isEmpty { throw Broken(message: "no data without a reason") }
                result.silent += 1
                counted = now
                leftOut.append(reader.distortions)
            case .idle:
                result.silent += 1
                counted = now
                for piece in reader.pieces.canary + reader.pieces.stable {
                    _ = try check(piece)
                    pieces[piece.target, default: []].append(piece)
                }
            case .nothingNew: break
            case .error(let why): throw Broken(message: "an error: \(why)")
            }
        }
    }

    // MARK: A window

    private mutating func check(
        _ window: CountWindow, _ parts: (canary: [CountedPiece], stable: [CountedPiece]),
        _ distortions: [Distortion]
    ) throws(Broken) {
        result.windows += 1
        if !distortions.isEmpty { leftOut.append(distortions) }
        guard window.canaryRequests + window.stableRequests > 0 else {
            throw Broken(message: "a window without a request")
        }
        var truth = WindowCounts(bad: [.init(canary: 0, stable: 0)], canaryRequests: 0, stableRequests: 0)
        for (isCanary, pieces) in [(true, parts.canary), (false, parts.stable)] {
            for piece in pieces {
                let happened = try check(piece)
                if isCanary {
                    truth.canaryRequests += happened.requests
                    truth.bad[0].canary += happened.bad
                } else {
                    truth.stableRequests += happened.requests
                    truth.bad[0].stable += happened.bad
                }
                if piece.from < window.since { throw Broken(message: "a piece is older than its window says") }
                result.counted += piece.requests
                self.pieces[piece.target, default: []].append(piece)
            }
            let sum = pieces.map(\.requests).reduce(0, +)
            if sum != (isCanary ? window.canaryRequests : window.stableRequests) {
                throw Broken(message: "a window is not the sum of its pieces")
            }
        }
        process.counted.add(WindowCounts(window), isWhole: true)
        process.truth.add(truth, isWhole: true)
        let limit = 4.605  // The logarithm of 100.
        if process.counted.logHarm >= limit {
            result.isHarmful = true
            if process.truth.logHarm < limit, hasExactLives {
                throw Broken(message: "harm was declared that the truth does not declare")
            }
        }
    }

    /// Whether every telling of the history is exact. What a process did between its last scrape and its end is never
    /// seen even then; it shows in the truth alone.
    private var hasExactLives: Bool { !history.tellings.contains { !$0.isExact } }

    /// - Returns: What truly happened at that address in that time.
    private mutating func check(_ piece: CountedPiece) throws(Broken) -> (requests: Double, bad: Double) {
        let (from, to) = (piece.from.milliseconds - ToldStore.epoch, piece.to.milliseconds - ToldStore.epoch)
        var all = (requests: 0.0, bad: 0.0)
        var fits: Int?
        for index in store.livesOfAddress[piece.target] ?? [] {
            let life = history.lives[index]
            let (before, after) = (life.shown(at: from), life.shown(at: to))
            let grown = (requests: after.requests - before.requests, bad: after.bad - before.bad)
            all.requests += grown.requests
            all.bad += grown.bad
            // A restart that no start time tells may hide behind a higher value: then the difference is a lower bound.
            let isLess = piece.requests <= grown.requests && piece.bad[0] <= grown.bad
            let isWhole = piece.requests == grown.requests && piece.bad[0] == grown.bad
            if isWhole || mayHideRestart && isLess, life.isAlive(at: to) || life.isAlive(at: from) { fits = index }
        }
        let said =
            "\(piece.target) from \(from) to \(to): \(piece.bad[0])/\(piece.requests), it was \(all.bad)/\(all.requests)"
        guard piece.requests <= all.requests, piece.bad[0] <= all.bad else {
            throw Broken(message: "more was counted than happened: \(said)")
        }
        guard let fits else { throw Broken(message: "good and bad are not counted together: \(said)") }
        if piece.requests > 0, (counted[fits] ?? []).contains(where: { $0.from < piece.to && piece.from < $0.to }) {
            throw Broken(message: "counted twice: \(said)")
        }
        if piece.requests > 0 { counted[fits, default: []].append((piece.from, piece.to)) }
        return all
    }

    private var mayHideRestart: Bool {
        history.tells(.restartsOften) || history.tells(.restartWithoutStartTime)
    }

    // MARK: The whole history

    private mutating func checkWhole() throws(Broken) {
        let start = Int64(RequestHistory.start) * 1000
        let lengthMilliseconds = Int64(RequestHistory.length) * 1000
        for life in history.lives {
            result.truth += life.shown(at: lengthMilliseconds).requests - life.shown(at: start).requests
        }
        if hasExactLives { try checkExact() } else { try checkResumed() }
    }

    /// Checks that each piece begins where the one before ended, and that nothing is missing that any scrape shows.
    private func checkExact() throws(Broken) {
        // What appears under other labels may come from a second scraper; leaving it out loses nothing of the first
        // one's.
        let odd = leftOut.filter { !$0.contains(.appeared) }
        if let reason = odd.first { throw Broken(message: "something was left out: \(reason)") }
        for (address, pieces) in pieces {
            let lives = (store.livesOfAddress[address] ?? []).map { history.lives[$0] }
            for (before, after) in zip(pieces, pieces.dropFirst()) where before.to != after.from {
                let from = after.from.milliseconds - ToldStore.epoch
                guard lives.contains(where: { Int64($0.begin) * 1000 == from }) else {
                    throw Broken(message: "\(address): nothing was counted from \(before.to) to \(after.from)")
                }
            }
        }
    }

    private func checkResumed() throws(Broken) {
        let steady: Set<Telling> = [
            .processLeaves, .missedScrapes, .lateSamples, .lateSeries, .slowScrapes, .partialAnswers, .emptyFirstWindow,
        ]
        guard steady.isDisjoint(with: history.tellings), !history.tells(.restartsOften) else { return }
        let isAlternating = history.tells(.twoProcesses) || history.tells(.twoProcessesWithStartTimes)
        // The look in whose time the distortion ended may leave the other version's counts out as well.
        let end = Int64((isAlternating ? history.to : history.from + 4) + history.pollInterval) * 1000
        for (address, scrapes) in store.scrapes {
            // What was scraped well before the last look.
            let after = scrapes.filter { $0 >= end && $0 < Int64(RequestHistory.length - 75) * 1000 }
            guard after.count >= 6 else { continue }
            let late = ToldStore.moment(after[2])
            guard let pieces = pieces[address], pieces.contains(where: { $0.from <= late && $0.to > late }) else {
                throw Broken(message: "\(address): counting had not begun again at \(after[2]): \(leftOut.suffix(2))")
            }
        }
    }
}

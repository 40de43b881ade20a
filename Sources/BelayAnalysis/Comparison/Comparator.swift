package import BelayCore

/// Compares canary and stable for one metric of a rollout under way.
///
/// It is a fold of the journaled windows, in their order. It can be built again from them, as a takeover and
/// `belay show --evidence` do, and its size does not grow with their number.
package struct Comparator: Sendable {
    private let metric: Int
    private let comparison: Comparison
    private let query: CounterQuery
    /// The place of each step of the plan among those in which both versions have traffic.
    private let concurrent: [Int: Int]
    private let shares: [Weight]
    private var process: ComparisonProcess
    private var windows: CounterWindows?
    /// The machine's `comparesFrom` for which the present windows are cut, by the driver's clock.
    private var cutSince: Timestamp?
    /// The step of the last window that was folded, its end by the server's clock, and the largest rate so far, 1/s.
    private var present: Int?
    private var end: Timestamp?
    private var fastest: Double?

    /// - Returns: nil where the metric compares nothing.
    package init?(_ index: Int, of plan: Plan) {
        let metric = plan.metrics[index]
        guard let comparison = metric.comparison, let query = metric.counters
        else { return nil }
        let steps = plan.steps.indices.filter { plan.isConcurrent(step: $0) }
        self.metric = index
        self.comparison = comparison
        self.query = query
        shares = plan.steps.map(\.weight)
        concurrent = Dictionary(uniqueKeysWithValues: steps.enumerated().map { ($1, $0) })
        process = ComparisonProcess(comparison, kinds: query.kinds, steps: steps.count)
    }

    /// How far back samples are asked for.
    /// - Parameter counted: Up to when windows have been counted, by the driver's clock.
    static func reach(_ query: CounterQuery, from counted: Timestamp, to now: Timestamp) -> Duration {
        // Samples older than this are not needed: the difference of a counter can be taken across the gap.
        query.lookback + min(max(counted.duration(to: now), .zero), max(query.lookback * 4, .seconds(600)))
    }

    /// What the server's answer says, as a measurement for the machine to judge.
    package mutating func measure(
        _ answer: CounterAnswer, _ sight: ComparisonSight?, startedAt: Timestamp, finishedAt: Timestamp
    ) -> Measurement {
        func result(
            _ phase: MeasurementPhase, _ value: String = "", _ message: String = "", _ evidence: Evidence? = nil,
            isIdle: Bool = false
        )
            -> Measurement
        {
            Measurement(
                metric: metric, phase: phase, value: value, message: message, startedAt: startedAt,
                finishedAt: finishedAt, isIdle: isIdle, evidence: evidence)
        }
        switch answer {
        case .noData(let message): return result(.noData, "", message)
        case .error(let message): return result(.error, "", message)
        case .samples(let canary, let stable, let server):
            guard let sight else { return result(.noData, "", "no step is under way") }
            // Samples bear the server's time; the machine's moments are the driver's.
            let took = startedAt.duration(to: finishedAt)
            let offset = startedAt.advanced(by: took / 2).duration(to: server)
            cut(from: sight.comparesFrom.advanced(by: offset), beganAt: sight.comparesFrom)
            let until = server.advanced(by: .zero - query.lag)
            let before = present.map { shares[$0] } ?? .zero
            switch windows!.next(
                canary: canary, stable: stable, until: until,
                share: sight.share == .full ? 1 : Double(max(sight.share, before).basisPoints) / 10_000)
            {
            case .noSamples(let message), .leftOut(let message): return result(.noData, "", message)
            case .idle(let message): return result(.noData, "", message, isIdle: true)
            case .error(let message): return result(.error, "", message)
            case .nothingNew(let why):
                return result(.successful, sight.lastValue, why.isEmpty ? "no new sample yet" : why)
            case .window(let window, let note):
                let evidence = evidence(of: window, sight, offset)
                return result(.successful, Self.text(evidence), note, evidence)
            }
        }
    }

    /// The measurement of a window that was counted elsewhere, by the driver's own clock, as in a simulation.
    package func measure(_ window: CountWindow, _ sight: ComparisonSight, at now: Timestamp) -> Measurement {
        Measurement(
            metric: metric, phase: .successful, value: "", startedAt: now, finishedAt: now,
            evidence: evidence(of: window, sight, .zero))
    }

    /// Begins to cut windows, at the last one's end or where the canary's traffic began anew.
    private mutating func cut(from start: Timestamp, beganAt moment: Timestamp) {
        if windows != nil, cutSince == moment { return }
        windows = CounterWindows(query, start: max(end ?? start, start), fastest: fastest)
        cutSince = moment
    }

    private func evidence(of window: CountWindow, _ sight: ComparisonSight, _ offset: Duration) -> Evidence {
        let isWhole = sight.isInForce && window.since >= sight.verifiedAt.advanced(by: offset)
        let test: Evidence.Test
        if sight.watchingSince.advanced(by: offset).duration(to: window.from) < comparison.warmUp {
            test = .warmUp
        } else if isWhole, sight.share == .full {
            test = .absolute
        } else {
            test = .ratio
        }
        var unknown = Evidence(
            test: test, window: window, step: sight.step, isWhole: isWhole, harm: 1, harmLimit: 1, promotion: 1,
            requests: 0, reference: 0)
        unknown.beginsAnew = isWhole && sight.beginsAnew
        var trial = self  // The window counts once it is journaled.
        return trial.fold(unknown)
    }

    /// Adds a window to those before it and computes its evidence, from nothing but its counts.
    package mutating func fold(_ window: Evidence) -> Evidence {
        var evidence = window
        let counts = WindowCounts(evidence.window)
        if present != evidence.step || evidence.beginsAnew {
            process.begin(step: concurrent[evidence.step] ?? concurrent.count)
        }
        present = evidence.step
        end = max(end ?? evidence.window.to, evidence.window.to)
        fastest = max(fastest ?? 0, (counts.canaryRequests + counts.stableRequests) / evidence.window.seconds)
        switch evidence.test {
        case .warmUp:
            process.addWarmUp(counts)
            evidence.harm = query.slowerThan.isEmpty ? Evidence.value(process.logGuardian) : 1
            evidence.harmLimit = Comparison.strictLimit
        case .ratio:
            process.add(counts, isWhole: evidence.isWhole)
            evidence.harm = Evidence.value(process.logHarm)
            evidence.harmLimit = comparison.harmLimit
            evidence.promotion = Evidence.value(process.logPromotion)
            evidence.reference = process.stableRequests
        case .absolute:
            process.addAlone(counts)
            evidence.harm = Evidence.value(process.logAbsoluteHarm)
            evidence.harmLimit = Comparison.strictLimit
            evidence.promotion = Evidence.value(process.logAbsolutePromotion)
            evidence.reference = process.absoluteReference
        }
        evidence.requests = process.requests
        return evidence
    }

    /// Compares without a rollout: it takes the last stretch of time window by window, as a step would have seen it.
    package static func glance(
        _ answer: CounterAnswer, _ comparison: Comparison, _ query: CounterQuery, interval: Duration, back: Duration
    ) -> (MeasurementPhase, value: String, message: String) {
        switch answer {
        case .noData(let message): return (.noData, "-", message)
        case .error(let message): return (.error, "-", message)
        case .samples(let canary, let stable, let server):
            let until = server.advanced(by: .zero - query.lag)
            let start = until.advanced(by: .zero - back)
            var windows = CounterWindows(query, start: start)
            var process = ComparisonProcess(comparison, kinds: query.kinds, steps: 1)
            process.begin(step: 0)
            var total: CountWindow?
            var end = start
            while end < until {
                end = min(end.advanced(by: interval), until)
                // Early windows may have no samples yet; what is missing at the end is no data.
                switch windows.next(canary: canary, stable: stable, until: end, share: 0.999) {
                case .noSamples(let message) where end == until, .leftOut(let message) where end == until:
                    return (.noData, "-", message)
                case .error(let message): return (.error, "-", message)
                case .noSamples, .leftOut, .idle, .nothingNew: continue
                case .window(let window, _):
                    process.add(WindowCounts(window), isWhole: true)
                    total = total.map { $0 + window } ?? window
                }
            }
            guard let total else { return (.noData, "-", "fewer than two samples in \(back.text)") }
            return verdict(total, process, comparison)
        }
    }

    private static func verdict(
        _ total: CountWindow, _ process: ComparisonProcess, _ comparison: Comparison
    ) -> (MeasurementPhase, value: String, message: String) {
        let evidence = Evidence(
            test: .ratio, window: total, step: 0, isWhole: true, harm: Evidence.value(process.logHarm),
            harmLimit: comparison.harmLimit, promotion: Evidence.value(process.logPromotion),
            requests: total.canaryRequests, reference: total.stableRequests)
        let text = text(evidence)
        guard total.canaryRequests >= Double(comparison.minRequests), total.stableRequests > 0 else {
            let seen = "\(short(total.canaryRequests)) of the canary, \(short(total.stableRequests)) of stable"
            return (.noData, text, "too few requests: \(seen); minRequests \(comparison.minRequests)")
        }
        if evidence.harm >= comparison.harmLimit { return (.failed, text, "worse than stable") }
        if evidence.harm >= comparison.suspicion { return (.inconclusive, text, "suspicious") }
        let isShown = evidence.promotion >= comparison.promotionLimit
        return (.successful, text, isShown ? "shown to be no worse" : "nothing shown against it")
    }

    /// `3/1480 against 12/13400, evidence 0.41 (taken back at 100)`.
    package static func text(_ evidence: Evidence) -> String {
        let window = evidence.window
        func share(_ bad: [Double], _ requests: Double) -> String {
            bad.map(short).joined(separator: "+") + "/\(short(requests))"
        }
        let canary = share(window.bad.map(\.canary), window.canaryRequests)
        let stable = share(window.bad.map(\.stable), window.stableRequests)
        let against = evidence.test == .absolute ? "" : " against \(stable)"
        return "\(canary)\(against), evidence \(short(evidence.harm)) (taken back at \(short(evidence.harmLimit)))"
    }

    /// A short text for people: from 10 on the number is rounded to a whole one, from 0.1 on to two decimals, else to
    /// four.
    package static func short(_ number: Double) -> String {
        guard number.isFinite, abs(number) < 1e15 else { return number >= 1e15 ? "over 1e15" : "\(number)" }
        let scale = abs(number) >= 10 ? 1.0 : (abs(number) >= 0.1 ? 100 : 10_000)
        let rounded = (number * scale).rounded() / scale
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }
}

extension CountWindow {
    fileprivate static func + (left: CountWindow, right: CountWindow) -> CountWindow {
        CountWindow(
            from: left.from, to: right.to, since: left.since,
            canaryRequests: left.canaryRequests + right.canaryRequests,
            stableRequests: left.stableRequests + right.stableRequests,
            bad: zip(left.bad, right.bad).map {
                .init(canary: $0.canary + $1.canary, stable: $0.stable + $1.stable)
            })
    }
}

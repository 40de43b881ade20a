package import BelayCore

/// Compares canary and stable for one metric of a rollout under way.
///
/// The windows in the machine's state are the only truth; what is kept here can be had again from them, which is how a
/// takeover and `belay show --evidence` do it.
package struct Comparator: Sendable {
    private let metric: Int
    private let name: String
    private let comparison: Comparison
    private let query: CounterQuery
    /// The place of each step of the plan among those in which both versions have traffic.
    private let concurrent: [Int: Int]
    private var process: ComparisonProcess
    private var folded = 0
    private var windows: CounterWindows?
    private var present: Int?

    /// - Returns: nil where the metric compares nothing.
    package init?(_ index: Int, of plan: Plan) {
        let metric = plan.metrics[index]
        guard let comparison = metric.comparison, case .counters(let query) = metric.query.question
        else { return nil }
        let steps = plan.steps.indices.filter { plan.share(ofStep: $0) > .zero && plan.share(ofStep: $0) < .full }
        self.metric = index
        self.name = metric.name
        self.comparison = comparison
        self.query = query
        concurrent = Dictionary(uniqueKeysWithValues: steps.enumerated().map { ($1, $0) })
        process = ComparisonProcess(comparison, kinds: query.kinds, steps: steps.count)
    }

    /// The moment that is asked for and how far back, given what has been counted; nil where nothing is compared.
    package static func span(of index: Int, at now: Timestamp, _ machine: RolloutMachine) -> CounterSpan? {
        guard case .counters(let query) = machine.plan.metrics[index].query.question else { return nil }
        let until = now.advanced(by: .zero - query.lag)
        let start = machine.state.metrics[index].evidence.last?.window.to ?? machine.state.watchingSince ?? until
        return CounterSpan(until: until, back: query.lookback + max(start.duration(to: until), .zero))
    }

    /// What the server's answer says, as a measurement for the machine to judge.
    package mutating func measure(
        _ answer: CounterAnswer, until: Timestamp, _ machine: RolloutMachine, startedAt: Timestamp,
        finishedAt: Timestamp
    ) -> Measurement {
        let seen = machine.state.metrics[metric].evidence
        catchUp(with: seen)
        func result(
            _ phase: MeasurementPhase, _ value: String = "", _ message: String = "", _ evidence: Evidence? = nil
        )
            -> Measurement
        {
            Measurement(
                metric: metric, phase: phase, value: value, message: message, startedAt: startedAt,
                finishedAt: finishedAt, evidence: evidence)
        }
        guard let step = machine.state.step, let since = machine.state.watchingSince else {
            return result(.noData, "", "no step is under way")
        }
        switch answer {
        case .noData(let message): return result(.noData, "", message)
        case .error(let message): return result(.error, "", message)
        case .samples(let canary, let stable):
            if windows == nil {
                let fastest = seen.map { ($0.window.canaryRequests + $0.window.stableRequests) / $0.window.seconds }
                windows = CounterWindows(query, start: seen.last?.window.to ?? since, fastest: fastest.max())
            }
            let isAlone = machine.plan.share(ofStep: step) == .full
            let next = windows!.next(canary: canary, stable: stable, until: until, needsStable: !isAlone)
            switch next {
            case .noData(let message): return result(.noData, "", message)
            case .nothingNew: return result(.successful, machine.state.metrics[metric].lastValue, "no new sample yet")
            case .window(let window):
                let evidence = evidence(of: window, step: step, machine)
                return result(.successful, Self.text(evidence), "", evidence)
            }
        }
    }

    private func evidence(of window: CountWindow, step: Int, _ machine: RolloutMachine) -> Evidence {
        let isWhole =
            machine.state.confirmed == machine.plan.share(ofStep: step) && window.since >= machine.verifiedAt
        let began = machine.state.watchingSince ?? window.from
        let test: Evidence.Test
        if began.duration(to: window.to) <= comparison.warmUp {
            test = .warmUp
        } else if isWhole, machine.plan.share(ofStep: step) == .full {
            test = .absolute
        } else {
            test = .ratio
        }
        var evidence = Evidence(
            test: test, window: window, step: step, isWhole: isWhole, harm: 1, harmLimit: 1, promotion: 1, requests: 0)
        var process = process
        evaluate(&evidence, &process)
        return evidence
    }

    private mutating func catchUp(with seen: [Evidence]) {
        for evidence in seen.dropFirst(folded) {
            var known = evidence
            evaluate(&known, &process)
        }
        folded = seen.count
    }

    /// Folds the window in and fills in what is known with it.
    private func evaluate(_ evidence: inout Evidence, _ process: inout ComparisonProcess) {
        let counts = Counts(evidence.window)
        let place = concurrent[evidence.step] ?? concurrent.count
        if process.step != place { process.begin(step: place) }
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
        case .absolute:
            process.addAlone(counts)
            evidence.harm = Evidence.value(process.logAbsoluteHarm)
            evidence.harmLimit = Comparison.strictLimit
            evidence.promotion = Evidence.value(process.logAbsolutePromotion)
        }
        evidence.requests = process.requests
    }

    /// What journaled windows come to, computed again from nothing but them.
    package func replay(_ seen: [Evidence]) -> [Evidence] {
        var process = process
        return seen.map { evidence in
            var again = evidence
            evaluate(&again, &process)
            return again
        }
    }

    /// `3/1480 against 12/13400, harm 0.41 of 100, promotion 3.1 of 20`.
    package static func text(_ evidence: Evidence) -> String {
        let window = evidence.window
        func share(_ bad: [Double], _ requests: Double) -> String {
            bad.map { "\(Int($0))" }.joined(separator: "+") + "/\(Int(requests))"
        }
        let canary = share(window.bad.map(\.canary), window.canaryRequests)
        let stable = share(window.bad.map(\.stable), window.stableRequests)
        let against = evidence.test == .absolute ? "" : " against \(stable)"
        return "\(canary)\(against), harm \(short(evidence.harm)) of \(short(evidence.harmLimit))"
    }

    /// Two or three significant digits.
    package static func short(_ number: Double) -> String {
        guard number.isFinite, abs(number) < 1e15 else { return number >= 1e15 ? "over 1e15" : "\(number)" }
        let scale = abs(number) >= 10 ? 1.0 : (abs(number) >= 0.1 ? 100 : 10_000)
        let rounded = (number * scale).rounded() / scale
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }
}

package import BelayCore

/// A plan played against modelled traffic by the same machine that drives real rollouts. The router obeys at once; what is
/// simulated is what the traffic looks like to the gates, and what they make of it. Approvals are given at once.
package struct SimulatedRollout: Sendable {
    package let plan: Plan
    package let model: TrafficModel
    /// What each metric reads, by its place in the plan.
    package let readings: [ModelledValue]
    /// Seconds after which it ends in any case.
    package let horizon: Double
    private let evaluators: [Evaluator?]
    private let scales: [Double]
    /// Which metrics answer with one number, and not with a list of them.
    private let areScalar: [Bool]
    private let comparators: Comparators
    /// The length of one interval, s.
    package let length: Double
    /// Whether comparisons read the traffic from counters, scraped once an interval, as real ones do. Of errors only; the
    /// query's `lag` has to be the model's.
    package var isReadFromCounters = false
    /// Answer times that are asked for, s; nil: none.
    private let bounds: [Double]?

    package init(plan: Plan, model: TrafficModel, readings: [ModelledValue], horizon: Double) {
        let length = Self.length(of: plan, lag: model.lag)
        var plan = plan
        for index in plan.steps.indices { plan.steps[index].approval = nil }
        for index in plan.metrics.indices {
            plan.metrics[index].interval = max(plan.metrics[index].interval, .milliseconds(Int64(length * 1000)))
        }
        self.plan = plan
        self.model = model
        self.readings = readings
        self.horizon = horizon
        self.length = length
        evaluators = plan.metrics.map { try? Evaluator($0) }
        scales = zip(plan.metrics, readings).map { $1.scale(of: $0.prometheus?.text ?? "") }
        areScalar = plan.metrics.map { $0.prometheus.map { PromQL.shape(of: $0.text) == .scalar } ?? true }
        comparators = Comparators(plan)
        let isTimed = plan.metrics.indices.contains { index in
            readings[index].isLatency || !(plan.metrics[index].counters?.slowerThan.isEmpty ?? true)
        }
        bounds = isTimed ? plan.metrics.flatMap { $0.counters?.slowerThan ?? [] } : nil
    }

    /// The longest interval of which all rhythms of the plan are multiples, 1…15 s. A hold without metrics is watched
    /// by the machine itself, every 5 s.
    package static func length(of plan: Plan, lag: Double) -> Double {
        func common(_ a: Int64, _ b: Int64) -> Int64 { b == 0 ? a : common(b, a % b) }
        let spans =
            plan.metrics.map(\.interval) + plan.metrics.compactMap { $0.judge?.step }
            + plan.steps.flatMap { [$0.hold.min, $0.hold.max] }
        let isAlwaysMeasured =
            plan.steps.allSatisfy { $0.weight > .zero }
            && plan.metrics.contains {
                $0.scope == .always && !$0.isDryRun && $0.judge == nil
            }
        let rhythms = spans.map(\.wholeMilliseconds) + [Int64(lag * 1000), isAlwaysMeasured ? 15_000 : 5000]
        let whole = rhythms.filter { $0 > 0 }.reduce(15_000, common)
        return Double(max(whole, 1000)) / 1000
    }

    /// One course; the same seed gives the same one.
    package func play(seed: UInt64) -> Played {
        var run = Run(self, seed: seed)
        return run.play()
    }

    private struct Run {
        let simulation: SimulatedRollout
        var machine: RolloutMachine
        var traffic: SimulatedTraffic
        var comparators: Comparators
        /// Up to when each comparison has counted, s.
        var counted: [Double]
        var share = Weight.zero
        var played = Played()

        init(_ simulation: SimulatedRollout, seed: UInt64) {
            self.simulation = simulation
            machine = RolloutMachine(
                .init(plan: simulation.plan, original: "0", actor: Actor(name: "simulation")), at: Self.epoch)
            traffic = SimulatedTraffic(
                simulation.model, length: simulation.length, seed: seed, bounds: simulation.bounds)
            comparators = simulation.comparators
            counted = simulation.plan.metrics.map { _ in 0 }
        }

        private static let epoch = Timestamp(milliseconds: 1_000_000_000)

        private var now: Timestamp { Self.epoch.advanced(by: .milliseconds(Int64(traffic.now * 1000))) }

        private func reading(_ share: Weight) -> Reading {
            Reading(instances: [.init(running: share, startsWith: share, incarnation: "1")], startedAt: now)
        }

        private mutating func tell(_ input: Input) {
            guard case .events(let events) = machine.decide(input, at: now) else { return }
            for event in events {
                if case .wayBackBegan(let cause) = event, played.rolledBackAt == nil {
                    played.rolledBackAt = traffic.now
                    played.end = .rolledBack(cause.kind)
                }
                machine.apply(event, at: max(now, machine.state.lastEventAt))
                comparators.apply(event)
            }
        }

        mutating func play() -> Played {
            tell(.tookOver(epoch: 1, holder: "simulation"))
            while true {
                settle()
                if played.isRolledBack || traffic.now >= simulation.horizon { break }
                traffic.advance(share: Double(share.basisPoints) / 10_000)
                tell(.tick)
            }
            if case .finished(.promoted) = machine.state.phase {
                played.end = .promoted
            } else if machine.state.pause != nil, !played.isRolledBack {
                played.end = .waiting
            }
            played.excessBad = traffic.excessBad
            return played
        }

        /// Everything that is due now.
        private mutating func settle() {
            for _ in 0..<64 {
                if machine.state.isFinished || played.isRolledBack { return }
                let work = machine.work(at: now)
                if let write = work.traffic {
                    share = write.share
                    if share == .full, played.fullAt == nil { played.fullAt = traffic.now }
                    tell(.wrote(write, reading(write.share), .done))
                } else if let action = work.action {
                    // Programs are taken to do their work at once.
                    let isClaim = action.run.kind == .claim
                    tell(.acted(action.run, isClaim ? .claimed(.ours(reading(share))) : .ended(error: nil)))
                } else if !work.measurements.isEmpty {
                    for index in work.measurements where machine.activeMetrics.contains(index) {
                        tell(.measured(measure(index)))
                    }
                } else if let next = work.next, next <= now.advanced(by: .milliseconds(1)) {
                    tell(.tick)
                } else {
                    return
                }
            }
            tell(.tick)
        }

        // MARK: What the gates see

        /// What has arrived by now, s.
        private var seen: Double { max(traffic.now - simulation.model.lag, 0) }

        private mutating func measure(_ index: Int) -> Measurement {
            let metric = simulation.plan.metrics[index]
            func result(_ phase: MeasurementPhase, _ value: String = "") -> Measurement {
                Measurement(metric: index, phase: phase, value: value, startedAt: now, finishedAt: now)
            }
            if metric.comparison != nil, metric.counters != nil { return compare(index) ?? result(.successful) }
            if let judge = metric.judge {
                return result(judge.judge(.pairs(pairs(judge, window: metric.window.inSeconds))).0)
            }
            let reading = simulation.readings[index]
            if reading == .nothing { return result(.successful) }
            let window = max(metric.window.inSeconds, simulation.length)
            let counts = traffic.sum(upTo: seen, seconds: window)
            let value = read(reading, counts) * simulation.scales[index]
            let phase = simulation.evaluators[index]?.phase(
                of: simulation.areScalar[index] ? .scalar(value) : .list([value]),
                requests: .scalar(reading == .split ? counts.canary + counts.stable : counts.canary),
                asked: machine.shareDuringWindow(of: index, at: now).map { Double($0.basisPoints) / 10_000 })
            return Measurement(
                metric: index, phase: phase?.0 ?? .error, value: "", startedAt: now, finishedAt: now,
                requests: counts.canary)
        }

        private func read(_ reading: ModelledValue, _ counts: SimulatedTraffic.Interval) -> Double {
            let (requests, all) = (counts.canary, counts.canary + counts.stable)
            return switch reading {
            case .errorRatio: requests > 0 ? counts.canaryBad / requests : .nan
            case .successRatio: requests > 0 ? 1 - counts.canaryBad / requests : .nan
            case .latencyQuantile(let quantile): traffic.quantile(quantile, counts.canaryBands)
            case .latencyMean: traffic.mean(counts.canaryBands)
            case .split: all > 0 ? requests / all : .nan
            case .nothing: 0
            }
        }

        /// The window since the last one; nil where nothing new has arrived.
        private mutating func compare(_ index: Int) -> Measurement? {
            guard let query = simulation.plan.metrics[index].counters,
                let began = machine.state.metrics[index].comparesFrom
            else { return nil }
            let start = max(counted[index], Self.epoch.duration(to: began).inSeconds)
            guard seen > start else { return nil }
            if simulation.isReadFromCounters { return read(index, query, from: start) }
            let counts = traffic.sum(upTo: seen, seconds: seen - start)
            let bad: [CountWindow.Bad] =
                query.slowerThan.isEmpty
                ? [.init(canary: counts.canaryBad, stable: counts.stableBad)]
                : query.slowerThan.map {
                    .init(
                        canary: traffic.slower(than: $0, counts.canaryBands),
                        stable: traffic.slower(than: $0, counts.stableBands))
                }
            // Answer times are drawn as a stream of their own, so their total counts here.
            let isTimed = !query.slowerThan.isEmpty
            let requests = (
                canary: isTimed ? counts.canaryBands.reduce(0, +) : counts.canary,
                stable: isTimed ? counts.stableBands.reduce(0, +) : counts.stable
            )
            counted[index] = seen
            func moment(_ second: Double) -> Timestamp { Self.epoch.advanced(by: .milliseconds(Int64(second * 1000))) }
            let window = CountWindow(
                from: moment(start), to: moment(seen), since: moment(start), canaryRequests: requests.canary,
                stableRequests: requests.stable, bad: bad)
            return machine.sight(of: index).flatMap { comparators.measure(index, window, $0, at: now) }
        }

        /// The same window by way of the reader of counters.
        private mutating func read(_ index: Int, _ query: CounterQuery, from start: Double) -> Measurement? {
            func moment(_ second: Double) -> Timestamp { Self.epoch.advanced(by: .milliseconds(Int64(second * 1000))) }
            let length = simulation.length
            let first = ((start - query.lookback.inSeconds) / length).rounded(.up) * length
            var samples: [[CounterSeries.Sample]] = [[], [], [], []]
            for second in stride(from: first, through: seen, by: length) {
                let all = traffic.sum(upTo: second, seconds: max(second, 0))
                // Stable served before the release, too.
                let earlier = 1e9 + min(second, 0) * simulation.model.requests
                let values = [
                    all.canary - all.canaryBad, all.canaryBad, earlier.rounded() + all.stable - all.stableBad,
                    all.stableBad,
                ]
                for (place, value) in values.enumerated() {
                    samples[place].append(.init(at: moment(second), value: value))
                }
            }
            func series(_ place: Int) -> CounterSeries {
                CounterSeries(
                    labels: .init(["instance": "a", "code": place % 2 == 0 ? "200" : "500"]), samples: samples[place])
            }
            counted[index] = seen
            let answer = CounterAnswer.samples(
                canary: [series(0), series(1)], stable: [series(2), series(3)], at: now)
            return comparators.measure(index, answer, machine.sight(of: index), startedAt: now, finishedAt: now)
        }

        private func pairs(_ judge: Judge, window: Double) -> [SeriesAnswer.Pair] {
            let step = judge.step.inSeconds
            let back = judge.reach(at: now, machine, window: .milliseconds(Int64(window * 1000))).inSeconds
            var (canary, stable): ([Double], [Double]) = ([], [])
            var end = seen
            while end - step >= traffic.now - back - 0.001, end - step >= 0 {
                let counts = traffic.sum(upTo: end, seconds: step)
                if counts.canary > 0 { canary.append(counts.canaryBad / counts.canary * 100) }
                if counts.stable > 0 { stable.append(counts.stableBad / counts.stable * 100) }
                end -= step
            }
            func series(_ values: [Double]) -> [TimeSeries] {
                values.isEmpty ? [] : [TimeSeries(labels: [:], values: values)]
            }
            return judge.series.map { _ in SeriesAnswer.Pair(canary: series(canary), stable: series(stable)) }
        }
    }
}

internal import BelayAnalysis
internal import BelayCore

extension SimulatedWorld {
    /// How far the store of a metric is behind, drawn from a generator of its own. Zero for a comparison, which looks
    /// at the times of its samples itself.
    private func age(of metric: Int) -> Duration {
        var fork = SplitMix64(seed: seed &* 31 &+ UInt64(metric))
        guard plan.metrics[metric].comparison == nil, fork.once(in: 4) else { return .zero }
        census.note(.storeBehind)
        return .seconds(fork.between(5, 40))
    }

    func measure(_ metric: Int, _ taskIndex: Int, of index: Int) throws(LawBroken) {
        let task = drivers[index].tasks[taskIndex]
        if bug == .routerErrorHidesVerdict, !router.instances.indices.allSatisfy({ router.answers($0, at: now) }) {
            drivers[index].tasks.remove(at: taskIndex)
            _ = drivers[index].driver.ended(task.attempt, nil, at: drivers[index].clock(now))
            laws.noteMeasurement(
                metric, phase(of: metricMood[metric]), task, age: .zero, epoch: drivers[index].epoch, self)
            return settle(index)
        }
        var phase = phase(of: metricMood[metric])
        var told = task
        if metricMood[metric] == .stale {  // An answer that was asked for long ago.
            census.note(.metricStale)
            let age = Duration.seconds(-random.between(30, 300))
            (told.startedAt, told.trueStart) = (told.startedAt.advanced(by: age), told.trueStart.advanced(by: age))
        }
        let age = age(of: metric)
        // While an append is unanswered, a measurement is judged only where it begins the way back. The engine judges
        // it again later; this world does not.
        if !drivers[index].driver.owesAnswer {
            laws.noteMeasurement(metric, phase, told, age: age, epoch: drivers[index].epoch, self)
        }
        if bug == .noDataIsSuccess, phase == .noData { phase = .successful }
        let finished = drivers[index].clock(now)
        if bug == .holdCountedThroughGap, let last = drivers[index].driver.machine.state.metrics[metric].coveredTo {
            // The planted bug: it counts as if the metric had been measured in between.
            let gap = last.duration(to: finished)
            if gap > plan.metrics[metric].interval * 2, gap < .seconds(600) {
                var between = last
                while between.duration(to: finished) > plan.metrics[metric].interval {
                    between = between.advanced(by: plan.metrics[metric].interval)
                    try give(
                        .measured(
                            Measurement(
                                metric: metric, phase: phase, value: "0", startedAt: between, finishedAt: between)),
                        to: index)
                    guard drivers.indices.contains(index), drivers[index].tasks.indices.contains(taskIndex) else {
                        return
                    }
                }
            }
        }
        let evidence = evidence(of: metric, phase, askedAt: told.startedAt, drivers[index].driver.machine)
        if evidence != nil { phase = .successful }  // A comparison's verdict is its evidence.
        let measurement = Measurement(
            metric: metric, phase: phase, value: phase == .failed ? "1" : "0", startedAt: told.startedAt,
            finishedAt: finished,
            sampledAt: age > .zero && bug != .ageIgnored ? told.startedAt.advanced(by: .zero - age) : nil,
            evidence: evidence)
        if random.once(in: 700) {
            census.note(.unreadableEvent)
            try unreadable(index)
            guard drivers.indices.contains(index), drivers[index].tasks.indices.contains(taskIndex) else { return }
        }
        try end(taskIndex, of: index, .measured(measurement))
    }

    /// Adds an event that this version cannot read, as if a newer binary had driven for a while, and ends the driver.
    private func unreadable(_ index: Int) throws(LawBroken) {
        guard drivers[index].epoch == storeEpoch, journalFailsUntil <= now, drivers[index].driver.unwritten.isEmpty
        else { return }
        let at = max(stored.state.lastEventAt, drivers[index].clock(now))
        journal.append(.init(event: .unreadable(name: "from.the-future"), at: at))
        stored.apply(.unreadable(name: "from.the-future"), at: at)
        crash(index)
    }

    private func phase(of mood: Mood) -> MeasurementPhase {
        switch mood {
        case .good, .hung, .stale: return .successful
        case .bad:
            census.note(.metricFailed)
            return .failed
        case .empty:
            census.note(.metricEmpty)
            return .noData
        case .error:
            census.note(.metricError)
            return .error
        case .undecided:
            census.note(.metricInconclusive)
            return .inconclusive
        }
    }

    /// What a comparison would have seen: harm where the metric is bad, suspicion where nobody can tell.
    private func evidence(
        of metric: Int, _ phase: MeasurementPhase, askedAt: Timestamp, _ machine: RolloutMachine
    ) -> Evidence? {
        guard plan.metrics[metric].comparison != nil, phase.hasData, let step = machine.state.step else { return nil }
        let since = askedAt.advanced(by: .zero - plan.metrics[metric].interval)
        let isWhole = machine.state.confirmed == machine.wantedShare && since >= machine.verifiedAt
        let harm: Double
        switch phase {
        case .failed:
            census.note(.harmShown)
            harm = 5000
        case .inconclusive:
            census.note(.suspicious)
            harm = bug == .suspicionIgnored ? 1 : 20
        case .successful, .error, .noData: harm = 1
        }
        let window = CountWindow(
            from: since, to: askedAt, since: since, canaryRequests: 50, stableRequests: 450,
            bad: [.init(canary: 0, stable: 1)])
        return Evidence(
            test: .ratio, window: window, step: step, isWhole: isWhole, harm: harm, harmLimit: 100,
            promotion: Double(random.between(1, 40)), requests: Double(random.pick([50, 1000])), reference: 450)
    }
}

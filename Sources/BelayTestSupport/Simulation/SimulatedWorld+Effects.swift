internal import BelayAnalysis
internal import BelayCore

extension SimulatedWorld {
    func begin(_ job: Driver.Job, of index: Int) {
        var task = SimulatedDriver.Task(
            job: job, due: now.advanced(by: .milliseconds(random.between(0, 20))), startedAt: drivers[index].clock(now),
            trueStart: now)
        task.outsideChangesAtStart = laws.outsideChanges
        task.versions = Array(repeating: nil, count: router.instances.count)
        if case .measure(let metric) = job, metricMood[metric] == .hung {
            census.note(.metricHung)
            task.due = now.advanced(by: .seconds(random.between(5, 900)))
        }
        drivers[index].tasks.append(task)
    }

    /// One effect of one job.
    func perform(_ taskIndex: Int, of index: Int) throws(LawBroken) {
        let task = drivers[index].tasks[taskIndex]
        switch task.job {
        case .read:
            let reading = router.read(at: now, startedAt: task.startedAt)
            try end(taskIndex, of: index, .read(bug == .outsideHandOverwritten ? hidingOutsideHands(reading) : reading))
        case .measure(let metric): try measure(metric, taskIndex, of: index)
        case .action(.claim): try claim(taskIndex, of: index)
        case .action(.release): try release(taskIndex, of: index)
        case .traffic(let write): try advance(write, taskIndex, of: index)
        }
    }

    private func end(_ taskIndex: Int, of index: Int, _ input: Input) throws(LawBroken) {
        let task = drivers[index].tasks.remove(at: taskIndex)
        drivers[index].driver.ended(task.job, at: drivers[index].clock(now))
        try give(input, to: index)
    }

    /// The next effect of that job, a little later; sometimes the process dies in between, sometimes the answer is slow.
    private func goOn(_ taskIndex: Int, of index: Int, crash situation: Census.Situation) {
        drivers[index].tasks[taskIndex].stage += 1
        let isLate = !isCalm && random.once(in: 40)
        if isLate { census.note(.answerLate) }
        drivers[index].tasks[taskIndex].due = now.advanced(
            by: .milliseconds(isLate ? random.between(500, 4000) : random.between(0, 5)))
        if !isCalm, random.once(in: 25) {
            census.note(situation)
            crash(index)
        }
    }

    // MARK: Writes

    private func advance(_ write: TrafficWrite, _ taskIndex: Int, of index: Int) throws(LawBroken) {
        switch write.kind {
        case .forward: try raise(write, taskIndex, of: index)
        case .wayBack: try takeBack(write, taskIndex, of: index)
        }
    }

    private func raise(_ write: TrafficWrite, _ taskIndex: Int, of index: Int) throws(LawBroken) {
        let task = drivers[index].tasks[taskIndex]
        switch task.stage {
        case 0:  // prepare map
            for instance in router.instances.indices {
                guard router.answers(instance, at: now) else {
                    return try fail(write, "out of reach", taskIndex, of: index)
                }
                let share =
                    bug == .moreThanAsked
                    ? Weight(basisPoints: min(10_000, write.share.basisPoints + 100))! : write.share
                drivers[index].tasks[taskIndex].versions[instance] = router.prepare(
                    instance, share, epoch: drivers[index].epoch)
            }
            goOn(taskIndex, of: index, crash: .crashElsewhere)
        case 1:  // the last look: what is there now, and whose the lease is
            let found = router.read(at: now, startedAt: task.startedAt).instances.compactMap(\.running)
            if bug != .outsideHandOverwritten, let foreign = found.first(where: { !write.expecting.contains($0) }) {
                return try fail(write, "\(foreign.text) was found", taskIndex, of: index)
            }
            drivers[index].tasks[taskIndex].outsideChangesAtStart = laws.outsideChanges
            let isOurs = drivers[index].epoch == storeEpoch && journalFailsUntil <= now
            guard isOurs || bug == .epochNotChecked || bug == .lateCommitNotFenced else {
                return try fail(write, "the lease is another driver's", taskIndex, of: index)
            }
            goOn(taskIndex, of: index, crash: .crashElsewhere)
        case 2:  // commit map @N, instance by instance
            if let error = try commit(write, task, of: index) { return try fail(write, error, taskIndex, of: index) }
            sleepBeforeFile(index)
            goOn(taskIndex, of: index, crash: .crashBetweenRuntimeAndFile)
        case 3:  // the file, while the mark is this driver's
            guard router.markEpoch == drivers[index].epoch || bug == .lateFileWrite else {
                return try fail(write, "the mark is another driver's", taskIndex, of: index)
            }
            writeFile(write.share, taskIndex, of: index)
            goOn(taskIndex, of: index, crash: .crashBeforeReadBack)
        default:
            let reading = router.read(at: now, startedAt: task.startedAt)
            try end(taskIndex, of: index, .wrote(write, reading, error: task.error))
        }
    }

    /// A driver that is stopped between the runtime and the file, and another one that takes over meanwhile. Elsewhere that
    /// comes seldom; here the planted bug has to be met. Always on, it breaks law 3 where the new driver cannot write its mark
    /// (seed 19768): the fence of the file is the mark alone, until each write has a number of its own.
    private func sleepBeforeFile(_ index: Int) {
        var fork = SplitMix64(seed: seed ^ UInt64(bitPattern: now.milliseconds))
        guard bug == .lateFileWrite, !isCalm, drivers.count < 2, fork.once(in: 25) else { return }
        drivers[index].asleepUntil = now.advanced(by: .seconds(fork.between(5, 90)))
        startDriver(isForced: true)
    }

    private func commit(_ write: TrafficWrite, _ task: SimulatedDriver.Task, of index: Int) throws(LawBroken) -> String?
    {
        for instance in router.instances.indices {
            guard router.answers(instance, at: now), let version = task.versions[instance] else {
                return "out of reach"
            }
            if !isCalm, random.once(in: 200) {
                census.note(.acknowledgedWithoutEffect)
                continue
            }
            let before = router.instances[instance].share
            guard let staged = router.commit(instance, version: version, ignoringVersions: bug == .lateCommitNotFenced)
            else {
                census.note(.lateCommitRefused)
                return "Version number out of range."
            }
            try laws.checkRaise(staged.share, before: before, task, epoch: staged.epoch, self)
            if instance == 0, router.instances.count > 1, !isCalm, random.once(in: 60) {
                census.note(.crashBetweenInstances)
                return "the process died here"
            }
        }
        return nil
    }

    private func takeBack(_ write: TrafficWrite, _ taskIndex: Int, of index: Int) throws(LawBroken) {
        let task = drivers[index].tasks[taskIndex]
        if bug == .abortWithoutConfirmation {
            let right = router.instances.map {
                Reading.Instance(running: .zero, startsWith: .zero, process: $0.process)
            }
            return try end(
                taskIndex, of: index, .wrote(write, Reading(instances: right, startedAt: task.startedAt), error: nil))
        }
        switch task.stage {
        case 0:  // set map, on all at once
            for instance in router.instances.indices where router.answers(instance, at: now) {
                if !isCalm, random.once(in: 100) {
                    census.note(.acknowledgedWithoutEffect)
                } else {
                    router.instances[instance].share = .zero
                }
            }
            laws.noteReturn(self)
            goOn(taskIndex, of: index, crash: .crashInWayBack)
        case 1:  // a commit of its own, against a late writer
            for instance in router.instances.indices where router.answers(instance, at: now) {
                _ = router.commit(instance, version: router.prepare(instance, .zero, epoch: drivers[index].epoch))
            }
            goOn(taskIndex, of: index, crash: .crashInWayBack)
        case 2:
            writeFile(.zero, taskIndex, of: index)
            goOn(taskIndex, of: index, crash: .crashInWayBack)
        default:
            try end(
                taskIndex, of: index, .wrote(write, router.read(at: now, startedAt: task.startedAt), error: task.error))
        }
    }

    private func writeFile(_ share: Weight, _ taskIndex: Int, of index: Int) {
        if router.fileCanBeWritten {
            router.file = share
        } else {
            census.note(.fileNotWritten)
            drivers[index].tasks[taskIndex].error = "the map's file: no space left"
        }
    }

    private func fail(_ write: TrafficWrite, _ error: String, _ taskIndex: Int, of index: Int) throws(LawBroken) {
        let started = drivers[index].tasks[taskIndex].startedAt
        try end(taskIndex, of: index, .wrote(write, router.read(at: now, startedAt: started), error: error))
    }

    /// A commit whose process is gone: it lands later, or is refused.
    func orphan(_ task: SimulatedDriver.Task, of driver: SimulatedDriver) {
        guard case .traffic(let write) = task.job else { return }
        pendingCommits.append(
            PendingCommit(
                write: write, task: task, driver: driver, due: now.advanced(by: .milliseconds(random.between(0, 3000))))
        )
    }

    func landLateCommits() throws(LawBroken) {
        while let index = pendingCommits.firstIndex(where: { $0.due <= now }) {
            let late = pendingCommits.remove(at: index)
            for instance in router.instances.indices where router.answers(instance, at: now) {
                guard let version = late.task.versions[instance] else { continue }
                let before = router.instances[instance].share
                if let staged = router.commit(instance, version: version, ignoringVersions: bug == .lateCommitNotFenced)
                {
                    census.note(.lateCommitLanded)
                    try laws.checkRaise(staged.share, before: before, late.task, epoch: staged.epoch, self)
                } else {
                    census.note(.lateCommitRefused)
                }
            }
        }
    }

    // MARK: The mark

    private func claim(_ taskIndex: Int, of index: Int) throws(LawBroken) {
        let task = drivers[index].tasks[taskIndex]
        let epoch = drivers[index].epoch
        switch task.stage {
        case 0:
            if let mark = router.markEpoch, mark > epoch {
                return try end(taskIndex, of: index, .claimed(.taken(by: "epoch \(mark)")))
            }
            guard router.markCanBeWritten else {
                census.note(.markNotWritten)
                return try end(taskIndex, of: index, .claimed(.failed("the mark: no space left")))
            }
            router.markEpoch = epoch
            goOn(taskIndex, of: index, crash: .crashInTakeover)
        default:
            // Commits what it found, so that an earlier driver's late commit is refused.
            var isFenced = true
            for instance in router.instances.indices {
                guard router.answers(instance, at: now) else {
                    isFenced = false
                    continue
                }
                _ = router.commit(
                    instance, version: router.prepare(instance, router.instances[instance].share, epoch: epoch))
            }
            if isFenced { router.fencedEpoch = max(router.fencedEpoch, epoch) }
            let reading = router.read(at: now, startedAt: task.startedAt)
            try end(
                taskIndex, of: index,
                .claimed(.ours(bug == .outsideHandOverwritten ? hidingOutsideHands(reading) : reading)))
        }
    }

    private func release(_ taskIndex: Int, of index: Int) throws(LawBroken) {
        guard router.markCanBeWritten else {
            census.note(.markNotWritten)
            return try end(taskIndex, of: index, .released(error: "the mark cannot be removed"))
        }
        if let mark = router.markEpoch, mark <= drivers[index].epoch { router.markEpoch = nil }
        try end(taskIndex, of: index, .released(error: nil))
    }

    private func hidingOutsideHands(_ reading: Reading) -> Reading {
        var hidden = reading
        for index in hidden.instances.indices where hidden.instances[index].running != nil {
            hidden.instances[index].running = stored.state.expected.first ?? stored.wantedShare ?? .zero
            hidden.instances[index].process = router.instances[index].process + Int64(random.below(2))
        }
        return hidden
    }

    // MARK: Metrics

    /// How far the store of a metric is behind. Drawn from a generator of its own, as above; comparisons look at the times of
    /// their samples themselves.
    private func age(of metric: Int) -> Duration {
        var fork = SplitMix64(seed: seed &* 31 &+ UInt64(metric))
        guard plan.metrics[metric].comparison == nil, fork.once(in: 4) else { return .zero }
        census.note(.storeBehind)
        return .seconds(fork.between(5, 40))
    }

    private func measure(_ metric: Int, _ taskIndex: Int, of index: Int) throws(LawBroken) {
        let task = drivers[index].tasks[taskIndex]
        if bug == .routerErrorHidesVerdict, !router.instances.indices.allSatisfy({ router.answers($0, at: now) }) {
            drivers[index].tasks.remove(at: taskIndex)
            drivers[index].driver.ended(task.job, at: drivers[index].clock(now))
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
        laws.noteMeasurement(metric, phase, told, age: age, epoch: drivers[index].epoch, self)
        if bug == .noDataIsSuccess, phase == .noData { phase = .successful }
        let finished = drivers[index].clock(now)
        if bug == .holdCountedThroughGap, let last = drivers[index].driver.machine.state.metrics[metric].coveredTo {
            // As if it had been measured in between.
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

    /// As if a newer binary had driven for a while: an event that this one cannot read.
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

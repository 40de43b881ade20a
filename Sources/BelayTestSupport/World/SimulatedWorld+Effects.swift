internal import BelayAnalysis
internal import BelayCore

extension SimulatedWorld {
    func begin(_ attempt: Driver.Attempt, of index: Int) {
        let job = attempt.job
        var task = SimulatedDriver.Task(
            attempt: attempt, due: now.advanced(by: .milliseconds(random.between(0, 20))),
            startedAt: drivers[index].clock(now),
            trueStart: now)
        task.outsideChangesAtStart = laws.outsideChanges
        task.versions = Array(repeating: nil, count: router.instances.count)
        if isFollowing && attempt.isWrite || isLateWatch(job) {
            task.before = router.read(
                at: now, startedAt: task.startedAt, ignoresEndpoints: bug == .patchTakenForEndpoints)
        }
        if case .measure(let metric) = job, metricMood[metric] == .hung {
            census.note(.metricHung)
            task.due = now.advanced(by: .seconds(random.between(5, 900)))
        }
        drivers[index].tasks.append(task)
    }

    /// Lets the next effect of one job happen.
    func perform(_ taskIndex: Int, of index: Int) throws(LawBroken) {
        let task = drivers[index].tasks[taskIndex]
        switch task.job {
        case .read:
            let reading = task.before ?? read(startedAt: task.startedAt)
            try end(taskIndex, of: index, .read(bug == .outsideHandOverwritten ? hidingOutsideHands(reading) : reading))
        case .measure(let metric): try measure(metric, taskIndex, of: index)
        case .action(let action): try perform(action, taskIndex, of: index)
        case .traffic(let write): try advance(write, taskIndex, of: index)
        }
    }

    func end(_ taskIndex: Int, of index: Int, _ input: Input) throws(LawBroken) {
        let task = drivers[index].tasks.remove(at: taskIndex)
        if router.lock == lock(of: task, drivers[index]) { router.lock = nil }
        if drivers[index].isLeaving {
            if drivers[index].tasks.isEmpty { drivers.remove(at: index) }
            return
        }
        try give(ending: task.attempt, input, to: index)
    }

    func lock(of task: SimulatedDriver.Task, _ driver: SimulatedDriver) -> SimulatedRouter.Lock {
        SimulatedRouter.Lock(epoch: driver.epoch, number: task.attempt.number)
    }

    /// Plans the next effect of that job for a little later. Sometimes the answer is slow, and sometimes the process
    /// dies in between.
    func goOn(_ taskIndex: Int, of index: Int, crash situation: Census.Situation) {
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

    /// The stage in which a forward write takes effect.
    static let commitStage = 2

    private func raise(_ write: TrafficWrite, _ taskIndex: Int, of index: Int) throws(LawBroken) {
        let task = drivers[index].tasks[taskIndex]
        // A cancelled write stops before its next effect. In stages 2 and 4 it has passed its last check, and the
        // effect happens whatever has come meanwhile.
        let asks = task.stage != Self.commitStage && task.stage != 4
        if task.isCancelled, asks, bug != .supersededWriteForgotten {
            return try fail(write, "superseded", taskIndex, of: index)
        }
        switch task.stage {
        case 0:  // prepare map
            for instance in router.instances.indices {
                guard router.answers(instance, at: now) else {
                    return try fail(write, "out of reach", taskIndex, of: index)
                }
                let share =
                    bug == .moreThanAsked && write.share > .zero
                    ? Weight(basisPoints: min(10_000, write.share.basisPoints + 100))! : write.share
                drivers[index].tasks[taskIndex].versions[instance] = router.prepare(
                    instance, share, epoch: drivers[index].epoch)
            }
            goOn(taskIndex, of: index, crash: .crashElsewhere)
        case 1:  // the last look: what is there now, whose the lease is, and whose mark the target bears
            let reading = router.read(at: now, startedAt: task.startedAt).instances
            let found = reading.compactMap(\.running) + reading.compactMap(\.startsWith)
            if bug != .outsideHandOverwritten, let foreign = found.first(where: { !write.expecting.contains($0) }) {
                return try fail(write, "\(foreign.text) was found", taskIndex, of: index)
            }
            drivers[index].tasks[taskIndex].outsideChangesAtStart = laws.outsideChanges
            let isOurs =
                drivers[index].epoch == storeEpoch && journalFailsUntil <= now
                && router.markEpoch == drivers[index].epoch
            guard isOurs || bug == .epochNotChecked || bug == .lateCommitNotFenced else {
                return try fail(write, "the lease or the mark is another driver's", taskIndex, of: index)
            }
            goOn(taskIndex, of: index, crash: .crashElsewhere)
        case Self.commitStage:  // commit map @N, instance by instance
            if isRefusedByServer() { return try fail(write, "422: a test failed", taskIndex, of: index) }
            if let error = try commit(write, task, of: index) { return try fail(write, error, taskIndex, of: index) }
            sleepBeforeFile(index)
            goOn(taskIndex, of: index, crash: .crashBetweenRuntimeAndFile)
        case 3:  // the file's lock, while the mark is this driver's
            guard router.lock == nil else { return try fail(write, "the lock is held", taskIndex, of: index) }
            guard router.markEpoch == drivers[index].epoch || bug == .lateFileWrite else {
                return try fail(write, "the mark is another driver's", taskIndex, of: index)
            }
            router.lock = lock(of: task, drivers[index])
            sleepBeforeFile(index)
            goOn(taskIndex, of: index, crash: .crashBetweenRuntimeAndFile)
        case 4:  // the file
            writeFile(write.share, taskIndex, of: index)
            router.lock = nil
            goOn(taskIndex, of: index, crash: .crashBeforeReadBack)
        default:
            try answer(write, taskIndex, of: index)
        }
    }

    /// Sometimes lets a driver sleep before it writes the file, or while it holds the file's lock, and another one take
    /// over meanwhile. Drawn from a generator of its own.
    private func sleepBeforeFile(_ index: Int) {
        var fork = SplitMix64(seed: seed ^ UInt64(bitPattern: now.milliseconds))
        guard !isCalm, drivers.count < 2, fork.once(in: bug == .lateFileWrite ? 25 : 40) else { return }
        census.note(.stoppedBeforeFile)
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
            guard let staged = router.commit(instance, version, ignoringVersions: bug == .lateCommitNotFenced) else {
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
                Reading.Instance(running: .zero, startsWith: .zero, incarnation: "\($0.process)")
            }
            return try end(
                taskIndex, of: index, .wrote(write, Reading(instances: right, startedAt: task.startedAt), .done))
        }
        switch task.stage {
        case 0:  // set map, on all at once
            if isRefusedByServer() { return try fail(write, "409: the object has been modified", taskIndex, of: index) }
            let before = router.instances.map(\.share)
            for instance in router.instances.indices where router.answers(instance, at: now) {
                if !isCalm, random.once(in: 100) {
                    census.note(.acknowledgedWithoutEffect)
                } else {
                    router.instances[instance].share = .zero
                }
            }
            // Stable's own version is put back together with the traffic, by whoever knows what it was.
            if drivers[index].knowsOriginals { stableHasNewVersion = false }
            laws.noteReturn(self, hasMoved: router.instances.map(\.share) != before)
            goOn(taskIndex, of: index, crash: .crashInWayBack)
        case 1:  // a commit of its own, against a late writer
            for instance in router.instances.indices where router.answers(instance, at: now) {
                _ = router.commit(instance, router.prepare(instance, .zero, epoch: drivers[index].epoch))
            }
            goOn(taskIndex, of: index, crash: .crashInWayBack)
        case 2:
            writeFile(.zero, taskIndex, of: index)
            goOn(taskIndex, of: index, crash: .crashInWayBack)
        default:
            try answer(write, taskIndex, of: index)
        }
    }

    /// A target that follows in its own time answers with what it showed before: only a later reading can confirm.
    private func answer(_ write: TrafficWrite, _ taskIndex: Int, of index: Int) throws(LawBroken) {
        let task = drivers[index].tasks[taskIndex]
        if isCutOff() {
            let unknown = router.instances.map { _ in Reading.Instance(running: nil, start: .unknown, incarnation: nil)
            }
            let reading = Reading(instances: unknown, startedAt: task.startedAt)
            return try end(taskIndex, of: index, .wrote(write, reading, .refused("the connection was reset")))
        }
        if isFollowing, task.error == nil, let before = task.before {
            census.note(.writeAccepted)
            if bug == .acceptedTakenForConfirmed {
                let believed = router.instances.map {
                    Reading.Instance(running: write.share, startsWith: write.share, incarnation: "\($0.process)")
                }
                let reading = Reading(instances: believed, startedAt: task.startedAt)
                return try end(taskIndex, of: index, .wrote(write, reading, .done))
            }
            return try end(taskIndex, of: index, .wrote(write, before, .accepted))
        }
        let reading = read(startedAt: task.startedAt)
        let isAccepted = isSlow && task.error == nil && !reading.confirms(write)
        try end(
            taskIndex, of: index, .wrote(write, reading, isAccepted ? .accepted : WriteResult(error: task.error)))
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
        try end(taskIndex, of: index, .wrote(write, router.read(at: now, startedAt: started), .refused(error)))
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
                if let staged = router.commit(instance, version, ignoringVersions: bug == .lateCommitNotFenced) {
                    census.note(.lateCommitLanded)
                    try laws.checkRaise(staged.share, before: before, late.task, epoch: staged.epoch, self)
                } else {
                    census.note(.lateCommitRefused)
                }
            }
        }
    }

    // MARK: Actions

    private func perform(_ action: Work.Action, _ taskIndex: Int, of index: Int) throws(LawBroken) {
        switch action.deed {
        case .claim(_, let kind, _):
            guard let claim = claim(kind, taskIndex, of: index) else { return }
            try end(taskIndex, of: index, .acted(action.run, .claimed(claim)))
        case .handOver: try end(taskIndex, of: index, .acted(action.run, .ended(error: handOver(by: index))))
        case .drain:
            if drivers[index].tasks[taskIndex].stage == 0, !isCalm {  // It takes a while.
                return goOn(taskIndex, of: index, crash: .crashInWayBack)
            }
            try end(taskIndex, of: index, .acted(action.run, .ended(error: nil)))
        case .release(let ending):
            try end(taskIndex, of: index, .acted(action.run, .ended(error: release(ending, taskIndex, of: index))))
        case .command(let command): try run(command.timeout, action.run, taskIndex, of: index)
        case .own(_, let limit): try run(limit, action.run, taskIndex, of: index)
        }
    }

    /// - Returns: What went wrong, or nil.
    private func handOver(by index: Int) -> String? {
        if router.lock != nil { return "the lock is held" }
        if !router.markCanBeWritten { return "the mark: no space left" }
        if router.read(at: now, startedAt: now).departs(from: .full) { return "not all of the traffic is there" }
        return router.markEpoch == drivers[index].epoch ? nil : "the mark is another driver's"
    }

    /// - Returns: nil while it goes on.
    private func claim(_ kind: Work.ClaimKind, _ taskIndex: Int, of index: Int) -> Claim? {
        let task = drivers[index].tasks[taskIndex]
        let epoch = drivers[index].epoch
        switch task.stage {
        case 0:
            if let mark = router.markEpoch, mark > epoch {
                return .taken(by: "epoch \(mark)")
            }
            guard router.lock == nil else {
                census.note(.lockHeld)
                return .failed("the lock is held")
            }
            guard router.markCanBeWritten else {
                census.note(.markNotWritten)
                return .failed("the mark: no space left")
            }
            drivers[index].tasks[taskIndex].wasMarked = router.markEpoch != nil || kind == .first
            // Noted in the mark itself, for whoever comes after a crash between the mark and the record.
            if router.markEpoch == nil { router.markIsAfterRescue = kind == .takeover }
            if kind != .closing || router.markEpoch != nil { router.markEpoch = epoch }
            goOn(taskIndex, of: index, crash: .crashInTakeover)
            return nil
        default:
            // Commits what it found, so that an earlier driver's late commit is refused.
            var isFenced = true
            for instance in router.instances.indices {
                guard router.answers(instance, at: now) else {
                    isFenced = false
                    continue
                }
                _ = router.commit(
                    instance, router.prepare(instance, router.instances[instance].share, epoch: epoch))
            }
            if isFenced { router.fencedEpoch = max(router.fencedEpoch, epoch) }
            let reading = read(startedAt: task.startedAt)
            return .ours(
                bug == .outsideHandOverwritten ? hidingOutsideHands(reading) : reading,
                wasMarked: task.wasMarked && !router.markIsAfterRescue)
        }
    }

    /// - Returns: What went wrong, or nil.
    private func release(_ ending: Work.Ending, _ taskIndex: Int, of index: Int) -> String? {
        let task = drivers[index].tasks[taskIndex]
        // With the planted bug nobody looks once more.
        guard router.lock == nil || bug == .supersededWriteForgotten else {
            census.note(.lockHeld)
            return "the lock is held"
        }
        let reading = read(startedAt: task.startedAt)
        let isRight =
            switch ending {
            case .wayBack: reading.confirms(TrafficWrite(share: .zero, kind: .wayBack))
            case .adoption: !reading.departs(from: plan.comesHome ? .zero : .full)
            }
        guard isRight || bug == .supersededWriteForgotten else {
            return "the last look did not show it"
        }
        guard router.markCanBeWritten else {
            census.note(.markNotWritten)
            return "the mark cannot be removed"
        }
        if let mark = router.markEpoch, mark <= drivers[index].epoch { router.markEpoch = nil }
        return nil
    }

    private func hidingOutsideHands(_ reading: Reading) -> Reading {
        var hidden = reading
        for index in hidden.instances.indices where hidden.instances[index].running != nil {
            hidden.instances[index].running = stored.state.expected.first ?? stored.wantedShare ?? .zero
            hidden.instances[index].incarnation = "\(router.instances[index].process + Int64(random.below(2)))"
        }
        return hidden
    }
}

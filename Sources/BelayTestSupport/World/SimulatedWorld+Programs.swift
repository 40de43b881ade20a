internal import BelayAnalysis
internal import BelayCore

/// The user's programs: they take their time, fail, and run on where their driver dies. What a target does by itself takes its time
/// and fails, too, and ends with its driver.
extension SimulatedWorld {
    /// The two moments of what takes long: when it begins, and when it has ended.
    func run(_ limit: Duration, _ run: ActionRun, _ taskIndex: Int, of index: Int) throws(LawBroken) {
        let task = drivers[index].tasks[taskIndex]
        if task.stage == 2 { return try waitForHome(limit, run, taskIndex, of: index) }
        if task.stage == 0 {
            if task.isCancelled { return try end(taskIndex, of: index, .acted(run, .ended(error: "it was not begun"))) }
            // The last check before the program begins: another driver may have taken over while this one slept.
            guard drivers[index].epoch == storeEpoch, journalFailsUntil <= now || isCalm else {
                return try end(taskIndex, of: index, .acted(run, .ended(error: "the lease is another driver's")))
            }
            // Nobody's program runs beside another driver's.
            if !plan.isOwn(run), let busy = busyUntil(besideDriver: index) {
                census.note(.programWaited)
                drivers[index].tasks[taskIndex].due = busy.advanced(by: .milliseconds(1))
                return
            }
            census.note(.programRan)
            if plan.isOwn(run) { census.note(.ownWork) }
            if bug == .canaryLeftBehind, plan.isOwn(run), run.kind == .retire {
                return try end(taskIndex, of: index, .acted(run, .ended(error: nil)))
            }
            try laws.noteProgram(run, drivenPlan.command(for: run), self)
            if plan.isOwn(run), run.kind == .adopt { stableHasNewVersion = true }
            if bug == .homeBeforeReady, plan.comesHome, run.kind == .adopt { try comeHome(by: index) }
            drivers[index].tasks[taskIndex].stage = 1
            let longest = Int(limit.wholeMilliseconds)
            drivers[index].tasks[taskIndex].due = now.advanced(
                by: .milliseconds(isCalm ? 50 : random.between(1, random.once(in: 3) ? longest : 500)))
            if !isCalm, random.once(in: 12) {
                census.note(.crashInProgram)
                crash(index)
            } else if plan.isOwn(run), run.kind == .handOver {
                sleepInHandOver(index)
            }
            return
        }
        if stored.state.isReturning, !run.list.isClosing { census.note(.programBesideWayBack) }
        var fails = !isCalm && random.once(in: 12)
        if plan.isOwn(run), run.kind == .handOver {
            // A driver that came late is refused by the target; one that fails may have moved the traffic all the same.
            let canReach = router.instances.indices.allSatisfy { router.answers($0, at: now) }
            let isLate = drivers[index].epoch != storeEpoch || router.markEpoch != drivers[index].epoch
            if !canReach || isLate && bug != .writeWithoutEpoch {
                fails = true
            } else if !fails || random.once(in: 2) {
                try comeHome(by: index)
            }
        }
        // A version that does not become ready is taken away from stable again.
        if fails, plan.isOwn(run), run.kind == .adopt, drivers[index].epoch == storeEpoch {
            stableHasNewVersion = false
        }
        if !fails, isSlow, run.kind == .handOver, !router.isFollowed {
            (drivers[index].tasks[taskIndex].stage, drivers[index].tasks[taskIndex].due) = (
                2, now.advanced(by: .milliseconds(300))
            )
            return
        }
        if fails { census.note(.programFailed) }
        try end(taskIndex, of: index, .acted(run, .ended(error: fails ? "status 1" : nil)))
    }

    /// The traffic is home once the endpoints say so.
    private func waitForHome(_ limit: Duration, _ run: ActionRun, _ taskIndex: Int, of index: Int) throws(LawBroken) {
        let task = drivers[index].tasks[taskIndex]
        if router.isFollowed { return try end(taskIndex, of: index, .acted(run, .ended(error: nil))) }
        guard !task.isCancelled, task.trueStart.duration(to: now) < limit || isCalm else {
            return try end(taskIndex, of: index, .acted(run, .ended(error: "the endpoints are not stable's yet")))
        }
        drivers[index].tasks[taskIndex].due = now.advanced(by: .milliseconds(300))
    }

    /// Sometimes lets a driver sleep while it brings the traffic home, and another one take over meanwhile. Drawn from a generator of
    /// its own.
    private func sleepInHandOver(_ index: Int) {
        var fork = SplitMix64(seed: seed ^ UInt64(bitPattern: now.milliseconds))
        guard !isCalm, drivers.count < 2, fork.once(in: bug == .writeWithoutEpoch ? 3 : 4) else { return }
        drivers[index].asleepUntil = now.advanced(by: .seconds(fork.between(5, 90)))
        startDriver(isForced: true)
    }

    /// All traffic goes back to the stable side, which has the new version now.
    private func comeHome(by index: Int) throws(LawBroken) {
        census.note(.cameHome)
        try laws.checkHome(self, by: drivers[index])
        for instance in router.instances.indices { router.instances[instance].share = .zero }
        router.file = .zero
    }

    private func busyUntil(besideDriver index: Int) -> Timestamp? {
        var moments = [orphanUntil]
        for (other, driver) in drivers.enumerated() where other != index {
            for task in driver.tasks where task.isProgramUnderWay { moments.append(task.due) }
        }
        return moments.filter { $0 > now }.max()
    }

    /// Notes the programs that a driver has begun before it goes away: they run on.
    func abandonPrograms(of index: Int) {
        for task in drivers[index].tasks where task.isProgramUnderWay { orphanUntil = max(orphanUntil, task.due) }
    }

    /// Sometimes lets a person answer the question that the rollout asks.
    func answerQuestion() throws(LawBroken) {
        if case .closing(.forward) = stored.state.phase, stored.state.attention != nil, random.once(in: 50) {
            // Another hand has sent traffic to a stable version that is stopped: only a person can say where it belongs.
            let reading = router.read(at: now, startedAt: now)
            if let share = stored.wantedShare, reading.departs(from: share), router.lock == nil {
                for index in router.instances.indices { router.instances[index].share = share }
                router.file = share
                laws.noteOutsideHand(self)
            }
        }
        guard stored.openQuestion != nil, let index = drivers.indices.last, random.once(in: 50) else { return }
        commandCount += 1
        let command = Command(
            id: "command \(commandCount)", verb: random.once(in: 2) ? .rerun : .promote(full: false),
            actor: Actor(name: "alice"), reason: "I looked", aimedAt: stored.position)
        laws.noteAim(command.id, stored.position)
        try give(.command(command), to: index)
    }
}

extension SimulatedDriver.Task {
    fileprivate var isProgramUnderWay: Bool {
        // What the target does by itself dies with its driver.
        guard case .action(let action) = job, case .command = action.deed else { return false }
        return stage == 1
    }
}

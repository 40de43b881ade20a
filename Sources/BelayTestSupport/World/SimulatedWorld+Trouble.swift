internal import BelayAnalysis
internal import BelayCore

extension SimulatedWorld {
    /// A commit on its way after its process died.
    struct PendingCommit {
        let write: TrafficWrite
        let task: SimulatedDriver.Task
        let driver: SimulatedDriver
        let due: Timestamp
    }

    /// Something happens that nobody asked for.
    func disturb() throws(LawBroken) {
        switch random.below(100) {
        case 0..<22: for index in metricMood.indices { metricMood[index] = mood() }
        case 22..<30: disturbRouter()
        case 30..<36: repairRouter()
        case 36..<40: try disturbShare()
        case 40..<46:
            if !drivers.isEmpty {
                census.note(.crashElsewhere)
                crash(random.below(drivers.count))
            }
        case 46..<50: startAnotherDriver()
        case 50..<54:
            if !drivers.isEmpty {
                let index = random.below(drivers.count)
                drivers[index].asleepUntil = now.advanced(by: .seconds(random.between(1, 120)))
                if drivers.count < 2, random.once(in: 2) { startDriver(isForced: true) }
            }
        case 54..<57: journalFailsUntil = now.advanced(by: .seconds(random.between(1, 40)))
        case 57..<61: router.fileCanBeWritten = random.once(in: 3) ? false : true
        case 61..<63: router.markCanBeWritten = random.once(in: 3) ? false : true
        case 63..<86: try operate()
        case 86..<90: try jumpClock()
        case 90..<92:
            if !drivers.isEmpty {
                census.note(.cancelled)
                try give(.cancelled("SIGTERM"), to: random.below(drivers.count))
            }
        default: now = now.advanced(by: .milliseconds(random.between(1, 3000)))
        }
    }

    /// From here on nothing goes wrong any more.
    func calmDown() {
        isCalm = true
        router.fileCanBeWritten = true
        router.markCanBeWritten = true
        for index in router.instances.indices {
            if !router.instances[index].isUp { router.restart(index) }
            router.instances[index].isUp = true
            router.instances[index].hungUntil = Timestamp(milliseconds: 0)
        }
        journalFailsUntil = Timestamp(milliseconds: 0)
        for index in metricMood.indices where metricMood[index] != .bad { metricMood[index] = .good }
        for index in drivers.indices where drivers[index].asleepUntil > now.advanced(by: .seconds(30)) {
            drivers[index].asleepUntil = now.advanced(by: .seconds(30))
        }
    }

    private func mood() -> Mood {
        // Mostly good, or nothing would ever be promoted.
        if !random.once(in: 5) { return .good }
        return random.pick([.bad, .empty, .error, .undecided, .hung, .stale])
    }

    private func disturbRouter() {
        // This planted bug shows only where gates fail while the router fails, which is rare by itself.
        if bug == .routerErrorHidesVerdict { for metric in metricMood.indices { metricMood[metric] = .bad } }
        let index = random.below(router.instances.count)
        switch random.below(4) {
        case 0:
            census.note(.instanceDown)
            router.instances[index].isUp = false
        case 1:
            census.note(.instanceHung)
            router.instances[index].hungUntil = now.advanced(by: .seconds(random.between(1, 30)))
        default:
            guard router.instances[index].isUp else { return }
            census.note(.reload)
            if router.file != router.instances[index].share {
                census.note(.reloadFoundOlderShare)
                laws.noteReload(self)
            }
            router.restart(index)
        }
    }

    private func repairRouter() {
        for index in router.instances.indices where !router.instances[index].isUp && random.once(in: 2) {
            if router.file != router.instances[index].share { laws.noteReload(self) }
            router.restart(index)
            router.instances[index].isUp = true
        }
    }

    /// Another hand changes the share of one instance, or the file that all instances start with. Where nobody drives,
    /// it may instead return everything and take the mark of the last driver away.
    func disturbShare() throws(LawBroken) {
        guard drivers.isEmpty || random.once(in: 3) else { return }
        if drivers.isEmpty, random.once(in: 3) { return rescue() }
        let index = random.below(router.instances.count)
        guard router.answers(index, at: now) else { return }
        let share = random.once(in: 2) ? Weight.zero : Weight(basisPoints: random.below(10_001))!
        if random.once(in: 4) {
            guard share != router.file else { return }
            census.note(.outsideHandInFile)
            router.file = share
        } else {
            guard share != router.instances[index].share else { return }
            census.note(share == .zero ? .outsideHandToZero : .outsideHand)
            router.instances[index].share = share
        }
        if drivers.isEmpty { census.note(.outsideHandBetweenDrivers) }
        laws.noteOutsideHand(self)
    }

    /// A person's `rescue`: all traffic goes to stable, and the target is nobody's any more.
    private func rescue() {
        guard router.instances.indices.allSatisfy({ router.answers($0, at: now) }), router.lock == nil else { return }
        census.note(.rescued)
        for index in router.instances.indices { _ = router.commit(index, router.prepare(index, .zero, epoch: 0)) }
        router.file = .zero
        if router.markEpoch != nil { laws.noteRescue(self) }
        router.markEpoch = nil
        laws.noteOutsideHand(self)
    }

    private func startAnotherDriver() {
        let isExpired = leaseUntil <= now
        let isForced = random.once(in: 3)
        if drivers.count < 2, isExpired || isForced { startDriver(isForced: isForced && !isExpired) }
    }

    private func jumpClock() throws(LawBroken) {
        let isForward = random.once(in: 2)
        census.note(isForward ? .clockJumpedForward : .clockJumpedBack)
        let jump = Int64(random.between(6_000, 3_600_000)) * (isForward ? 1 : -1)
        wallOffset += jump
        for index in drivers.indices.reversed() where drivers.indices.contains(index) {
            try give(.clockJumped(milliseconds: jump), to: index)
        }
    }

    // MARK: Operators

    private func operate() throws(LawBroken) {
        guard let index = drivers.indices.last else { return }
        if random.once(in: 6), let last = lastCommand {
            census.note(.commandTwice)
            var again = last
            if bug == .commandObeyedTwice {
                again = Command(
                    id: last.id + "'", verb: last.verb, actor: last.actor, reason: last.reason, aimedAt: nil)
            }
            laws.noteRepeat(of: last, as: again)
            return try give(.command(again), to: index)
        }
        var verb = random.pick(Self.verbs(plan))
        if stored.openQuestion != nil, random.once(in: 2) {  // People answer what they are asked.
            verb = random.once(in: 2) ? .rerun : .promote(full: false)
        }
        let aim = random.once(in: 3) ? random.below(stored.position + 1) : stored.position
        commandCount += 1
        let actor = Actor(name: random.pick(["alice", "bob", "carol"]))
        let command = Command(
            id: "command \(commandCount)", verb: verb, actor: actor, reason: "because",
            aimedAt: bug == .promoteAimIgnored ? nil : aim)
        laws.noteAim(command.id, aim)
        lastCommand = command
        if verb == .abort, bug == .abortWaitsForRouter,
            !router.instances.indices.allSatisfy({ router.answers($0, at: now) })
        {
            laws.noteAbort(self)
            return
        }
        let before = stored.position
        try give(.command(command), to: index)
        if stored.position > before { note(verb) }
    }

    private static func verbs(_ plan: Plan) -> [Command.Verb] {
        [
            .pause, .resume, .resume, .promote(full: false), .promote(full: false), .promote(full: true), .approve,
            .approve,
            .approve, .deny, .deny, .skip(metric: plan.metrics.first?.name ?? "none"), .abort,
        ]
    }

    private func note(_ verb: Command.Verb) {
        switch verb {
        case .pause: census.note(.paused)
        case .resume, .rerun: break
        case .promote(let isFull): census.note(isFull ? .promotedFull : .promoted)
        case .approve: census.note(.approved)
        case .deny: census.note(.denied)
        case .skip: census.note(.skipped)
        case .abort:
            census.note(.aborted)
            laws.noteAbort(self)
        }
    }
}

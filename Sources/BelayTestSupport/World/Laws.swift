internal import BelayCore

/// Checks the laws of the design page on the simulated world's own truth, and not on what the machine believes.
struct Laws {
    private let plan: Plan
    private var step: (index: Int, share: Weight, position: Int, at: Timestamp)?
    private var wayBackAt: Timestamp?
    private var isReturnConfirmed = false
    private var returnedAt: Timestamp?
    /// How often another hand moved the share, and whether that is still to be noticed.
    private(set) var outsideChanges = 0
    /// When the last of them happened.
    private var outsideAt = Timestamp(milliseconds: -3_600_000)
    private var outsideSinceReturn = false
    private var hasUnnoticedHand = false
    private var isRescued = false
    /// When the share in force was last confirmed by a reading.
    private var confirmedAt = Timestamp(milliseconds: 0)
    /// When the share in force last changed anywhere.
    private var changedAt = Timestamp(milliseconds: 0)
    private var last: [(trueStart: Timestamp, at: Timestamp, phase: MeasurementPhase)?]
    private var lastGood: [Timestamp?]
    /// For each metric, the longest time for which it can have been watched in the present hold.
    private var credit: [Duration]
    private var aims: [String: Int] = [:]
    private var firstNames: [String: String] = [:]
    private var obeyed: Set<String> = []
    private var due: (epoch: Int, at: Timestamp, law: Int, what: String)?
    private var lastRecordAt = Timestamp(milliseconds: 0)
    private var pauseUntil: Timestamp?
    var programs = ProgramLaws()

    init(plan: Plan) {
        self.plan = plan
        last = plan.metrics.map { _ in nil }
        lastGood = plan.metrics.map { _ in nil }
        credit = plan.metrics.map { _ in .zero }
    }

    // MARK: What happened

    mutating func noteOutsideHand(_ world: SimulatedWorld) {
        (outsideChanges, outsideAt) = (outsideChanges + 1, world.now)
        hasUnnoticedHand = true
        outsideSinceReturn = true
    }

    mutating func noteReload(_ world: SimulatedWorld) {
        (outsideChanges, outsideAt) = (outsideChanges + 1, world.now)
        hasUnnoticedHand = true
        outsideSinceReturn = true
    }

    /// What serves has come to what was written.
    mutating func noteServed(_ world: SimulatedWorld) { changedAt = world.now }

    mutating func noteReturn(_ world: SimulatedWorld, hasMoved: Bool) {
        if hasMoved { changedAt = world.now }
        returnedAt = world.now
        outsideSinceReturn = false
    }

    /// Notes a rescue: traffic that a person has returned must not be raised again.
    mutating func noteRescue(_ world: SimulatedWorld) {
        if world.stored.state.claimedEpoch != nil { isRescued = true }
    }

    mutating func noteAim(_ id: String, _ aim: Int) { aims[id] = aim }

    mutating func noteRepeat(of first: Command, as again: Command) {
        firstNames[again.id] = firstNames[first.id] ?? first.id
        aims[again.id] = aims[first.id]
    }

    mutating func noteAbort(_ world: SimulatedWorld) {
        expect(3, "the abort", world)
    }

    mutating func noteMeasurement(
        _ metric: Int, _ phase: MeasurementPhase, _ task: SimulatedDriver.Task, age: Duration, epoch: Int,
        _ world: SimulatedWorld
    ) {
        let spec = plan.metrics[metric]
        // An answer to a driver that was fenced out binds nobody. One that was asked for long ago counts where it is about a later
        // time than the one before.
        let start = task.trueStart.advanced(by: .zero - age)
        let isNewer = world.metricMood[metric] != .stale || last[metric].map { start > $0.trueStart } ?? true
        if isNewer, epoch == world.storeEpoch { last[metric] = (start, world.now, phase) }
        if phase == .failed, spec.isDryRun { world.census.note(.dryRunFailed) }
        if phase == .failed, !spec.isDryRun, spec.limits.failure == 0, spec.scope == .always,
            !world.stored.state.metrics[metric].isSkipped,
            world.stored.activeMetrics.contains(metric), epoch == world.storeEpoch,
            // A measurement from before the canary's first request says nothing about the canary.
            let since = world.stored.state.watchingSince, task.startedAt.advanced(by: .zero - age) >= since
        {
            expect(4, "a failed verdict of \(spec.name)", world)
        }
        guard phase.hasData else { return }
        let floor = step?.at ?? world.now
        // The watched time reaches back to the last answer, or to the question to this one, but only where that is no
        // longer ago than two intervals.
        let limit = spec.interval * 2 + .milliseconds(200)
        let starts = [lastGood[metric], task.trueStart].compactMap(\.self).filter {
            $0.duration(to: world.now) <= limit
        }
        if let start = starts.min() { credit[metric] += max(start, floor).duration(to: world.now) }
        lastGood[metric] = world.now
    }

    /// Notes that the present driver has been told of something after which the way back has to begin within three
    /// seconds.
    private mutating func expect(_ law: Int, _ what: String, _ world: SimulatedWorld) {
        guard due == nil, let driver = world.drivers.last, driver.epoch == world.storeEpoch else { return }
        switch world.stored.state.phase {
        case .opening(.acting(0)), .closing, .finished: break
        case .opening, .step: due = (driver.epoch, world.now, law, what)
        }
    }

    mutating func note(_ record: Driver.Record, _ world: SimulatedWorld) {
        switch record.event {
        case .stepStarted(let index, let share):
            step = (index, share, world.journal.count, world.now)
            credit = credit.map { _ in .zero }
        case .wayBackBegan(let cause):
            if cause.kind == .deadline, let pauseUntil, record.at >= pauseUntil { world.census.note(.pauseRanOut) }
            wayBackAt = world.now
            hasUnnoticedHand = false
            due = nil
        case .trafficConfirmed(let share, _):
            confirmedAt = world.now
            if share == .zero, wayBackAt != nil { isReturnConfirmed = true }
        case .actionBegan, .actionEnded: programs.note(record.event, world)
        case .routerReloaded: hasUnnoticedHand = false
        case .paused(_, let until):
            pauseUntil = until
            // Where no command, verdict or action led to the pause, its reason is doubt about a comparison.
            let last = world.lastAppend?.records.map(\.event).last { $0 != record.event }
            let isDoubt =
                switch last {
                case .obeyed, .verdict, .actionEnded: false
                default: world.stored.gates.contains { world.stored.doubt(about: $0) != nil }
                }
            if isDoubt { world.census.note(.pausedOnDoubt) }
        case .stepPassed(let step):
            let compares = plan.metrics.contains { $0.comparison != nil }
            if compares, world.stored.state.watched < plan.steps[step].hold.max { world.census.note(.endedOnEvidence) }
        case .approvalTimedOut: world.census.note(.approvalRanOut)
        case .attentionNeeded: world.census.note(.attention)
        case .obeyed(let command):
            if command.verb != .pause { pauseUntil = nil }
            programs.note(record.event, world)
            obeyed.insert(firstNames[command.id] ?? command.id)
        case .finished(let outcome): note(outcome, world)
        default: break
        }
    }

    private func note(_ outcome: Outcome, _ world: SimulatedWorld) {
        guard case .rolledBack(let cause) = outcome else {
            if outcome == .promoted { world.census.note(.endedPromoted) }
            return
        }
        switch cause.kind {
        case .gate: world.census.note(.endedByGate)
        case .action: world.census.note(.endedByAction)
        case .deadline:
            world.census.note(.endedByDeadline)
        case .blind: world.census.note(.endedBlind)
        case .person: world.census.note(.endedByPerson)
        case .outsideChange: world.census.note(.endedByOutsideHand)
        case .cancelled: world.census.note(.endedCancelled)
        case .journal: world.census.note(.endedByJournal)
        }
    }

    // MARK: What must hold

    func checkAppend(_ append: Driver.Append, by driver: SimulatedDriver, _ world: SimulatedWorld) throws(LawBroken) {
        world.lastAppend = append
        if driver.epoch != world.storeEpoch {
            throw broken(6, "epoch \(driver.epoch) appended, the lease is epoch \(world.storeEpoch)'s")
        }
        for record in append.records { try check(record.event, in: append, world) }
        // A record that had to wait for the journal was true when it was made, so only new records are checked.
        for record in append.records where record.at >= driver.clock(world.now) {
            if case .trafficConfirmed(.zero, _) = record.event, wayBackAt != nil, !world.router.isAllStable,
                !outsideSinceReturn
            {
                throw broken(3, "the way back was taken for confirmed, but the router is not at stable 100 %")
            }
            if case .trafficConfirmed(let share, _) = record.event, wayBackAt == nil {
                try checkInForce(share, world)
            }
        }
    }

    /// A share that was confirmed is in force somewhere, where nobody else has had a hand in it lately.
    private func checkInForce(_ share: Weight, _ world: SimulatedWorld) throws(LawBroken) {
        let up = world.router.instances.filter(\.isUp)
        guard !up.isEmpty, outsideAt.duration(to: world.now) > .seconds(60) else { return }
        if up.allSatisfy({ $0.served != share }) {
            throw broken(5, "\(share.text) was confirmed, and no router has it")
        }
    }

    mutating func checkTime(of record: Timestamp) throws(LawBroken) {
        if record < lastRecordAt { throw broken(10, "an event lies before the last one") }
        lastRecordAt = record
    }

    private func check(_ event: Event, in append: Driver.Append, _ world: SimulatedWorld) throws(LawBroken) {
        switch event {
        case .obeyed(let command):
            if obeyed.contains(firstNames[command.id] ?? command.id) {
                throw broken(9, "\(command.id) was obeyed twice")
            }
            let isAimed: Bool =
                switch command.verb {
                case .promote, .approve, .deny: true
                case .pause, .resume, .rerun, .skip, .abort: false
                }
            if isAimed, let aim = aims[command.id], let step, aim < step.position {
                throw broken(9, "\(command.id) was aimed at an earlier step")
            }
        case .stepStarted(let index, let share):
            if share != plan.steps[index].weight { throw broken(2, "step \(index) asks for \(share.text)") }
            if wayBackAt != nil { throw broken(3, "a step began after the way back") }
        case .verdict(let metric, _, _):
            if plan.metrics[metric].isDryRun { throw broken(4, "a dry run gave a verdict") }
        case .finished(.rolledBack) where plan.comesHome && world.stableHasNewVersion && !outsideSinceReturn:
            throw broken(7, "the release was taken back, and stable has the new version")
        case .finished(.promoted):
            if let why = programs.objectionToPromotion(plan) ?? programs.objectionToEnd(plan) { throw broken(7, why) }
        case .adopted: if wayBackAt != nil { throw broken(3, "adopted after the way back") }
        case .stepPassed(let index):
            let isConfirmedNow = append.records.contains {
                if case .trafficConfirmed = $0.event { true } else { false }
            }
            try checkPassed(index, append, since: isConfirmedNow ? world.now : max(confirmedAt, changedAt), world)
        case .finished(.rolledBack):
            if !world.router.isAllStable, !outsideSinceReturn {
                throw broken(3, "rolled back, but the router is not at stable 100 %")
            }
            if !isRescued, let why = programs.objectionToEnd(plan) { throw broken(7, why) }
        default: break
        }
    }

    private func checkPassed(
        _ index: Int, _ append: Driver.Append, since confirmed: Timestamp, _ world: SimulatedWorld
    ) throws(LawBroken) {
        let isPromoted =
            world.stored.state.isHoldEnded
            || append.records.contains {
                if case .obeyed(let command) = $0.event, case .promote = command.verb { true } else { false }
            }
        if isPromoted || hasUnnoticedHand { return }
        let skipped = append.records.compactMap { record -> String? in
            if case .obeyed(let command) = record.event, case .skip(let name) = command.verb { name } else { nil }
        }
        var watched = world.stored.state.watched
        for record in append.records {
            if case .measured(let measured) = record.event { watched = measured.watched }
        }
        for metric in plan.metrics.indices {
            let spec = plan.metrics[metric]
            if spec.isDryRun || world.stored.state.metrics[metric].isSkipped || skipped.contains(spec.name) { continue }
            if case .step(let other) = spec.scope, other != index { continue }
            guard let last = last[metric], last.phase == .successful else {
                throw broken(5, "step \(index) passed and \(spec.name) was not successful")
            }
            if last.trueStart < confirmed.advanced(by: spec.window) {
                throw broken(
                    5,
                    "step \(index) passed on a window of \(spec.name) that reaches before the confirmation: it began at "
                        + "\(last.trueStart.milliseconds), confirmed at \(confirmed.milliseconds), changed at \(changedAt.milliseconds)"
                )
            }
            if watched > credit[metric] + .milliseconds(500) {
                throw broken(
                    4,
                    "the hold of step \(index) counts \(watched.text), \(spec.name) was watched \(credit[metric].text)")
            }
        }
    }

    /// A forward write has just taken effect on one instance.
    mutating func checkRaise(
        _ share: Weight, before: Weight, _ task: SimulatedDriver.Task, epoch: Int, _ world: SimulatedWorld
    ) throws(LawBroken) {
        if before != share { changedAt = world.now }
        if share > .zero {
            if isRescued { throw broken(8, "\(share.text) took effect after a person had returned the traffic") }
            if isReturnConfirmed { throw broken(3, "\(share.text) took effect after the way back was confirmed") }
            guard let step else { throw broken(1, "\(share.text) took effect before any step's intent was durable") }
            if let why = programs.objection(toStep: step.index, share, plan) { throw broken(2, why) }
            if share > step.share {
                throw broken(
                    share == nextShare ? 1 : 2, "\(share.text) took effect, the step's share is \(step.share.text)")
            }
        }
        if epoch < world.router.fencedEpoch {
            throw broken(6, "epoch \(epoch) wrote after epoch \(world.router.fencedEpoch) had fenced it out")
        }
        let isKnown = before == share || world.stored.state.asked.contains(before)
        if !isKnown, task.outsideChangesAtStart == outsideChanges {
            throw broken(8, "\(before.text), set by another hand, was overwritten with \(share.text)")
        }
    }

    private var nextShare: Weight? {
        let next = step.map { $0.index + 1 } ?? 0
        return plan.steps.indices.contains(next) ? plan.steps[next].weight : nil
    }

    /// A program of the user's begins.
    mutating func noteProgram(
        _ run: ActionRun, _ command: CommandAction?, _ world: SimulatedWorld
    ) throws(LawBroken) {
        let (router, phase) = (world.router, world.stored.state.phase)
        // What another hand has moved since the last reading nobody can know.
        let isElsewhere = hasUnnoticedHand || outsideSinceReturn
        let seen = ProgramLaws.Seen(
            isAdopted: phase.isForward, isReturning: wayBackAt != nil,
            isAllStable: router.isAllStable || isElsewhere, isAllCanary: router.isAllCanary || isElsewhere,
            ownWords: plan.isOwn(run)
                ? [run.kind.rawValue, plan.idle(after: run.list) == plan.stable ? "stable" : "canary"] : [])
        if let (law, why) = programs.begin(run, command, seen) {
            throw broken(law, why)
        }
    }

    /// The traffic is about to come home.
    mutating func checkHome(_ world: SimulatedWorld, by driver: SimulatedDriver) throws(LawBroken) {
        if driver.epoch != world.storeEpoch { throw broken(6, "a driver that was succeeded brought the traffic home") }
        if !programs.isAdopted { throw broken(2, "the traffic came home before stable had the new version") }
        if wayBackAt != nil { throw broken(3, "the traffic came home after the way back had begun") }
        changedAt = world.now
    }

    /// Recovery is the fold and nothing else.
    func checkFold(_ machine: RolloutMachine, _ stored: RolloutMachine) throws(LawBroken) {
        if machine != stored { throw broken(7, "the driver's state is not the fold of the journal") }
    }

    /// After every step.
    mutating func check(_ world: SimulatedWorld) throws(LawBroken) {
        if let wayBackAt, world.stored.state.isReturning {
            for driver in world.drivers where driver.epoch == world.storeEpoch {
                for task in driver.tasks where task.trueStart > wayBackAt {
                    if case .traffic(let write) = task.job, write.kind == .forward {
                        throw broken(3, "a forward write was started after the way back had begun")
                    }
                }
            }
        }
        guard let due else { return }
        let driver = world.drivers.first { $0.epoch == due.epoch }
        guard let driver, due.epoch == world.storeEpoch, driver.asleepUntil <= world.now,
            !driver.driver.machine.state.isClosing,
            !driver.driver.machine.state.isFinished
        else {
            self.due = nil
            return
        }
        if due.at.duration(to: world.now) > .seconds(3) {
            throw broken(due.law, "\(due.what) was not followed by the way back")
        }
    }

    func checkEnd(_ world: SimulatedWorld) throws(LawBroken) {
        let folded = RolloutMachine(replaying: world.journal.lazy.map { ($0.event, $0.at) })
        if folded != world.stored { throw broken(7, "the journal does not fold into the recorded state") }
        guard case .finished(.rolledBack) = world.stored.state.phase else { return }
        if !world.router.isAllStable, !outsideSinceReturn {
            throw broken(3, "at the end the router is not at stable 100 %")
        }
    }

    private func broken(_ law: Int, _ message: String) -> LawBroken { LawBroken(law: law, message: message) }
}

extension MachineState.Phase {
    fileprivate var isForward: Bool {
        switch self {
        case .closing(.forward): true
        case .opening, .step, .closing(.returning), .closing(.back), .finished: false
        }
    }
}

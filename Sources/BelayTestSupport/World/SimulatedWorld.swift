internal import BelayAnalysis
internal import BelayCore

/// Everything around the driver, seeded: a router that fails, hangs, answers late, acknowledges without effect and
/// reloads; metrics that fail, err, go empty and stale; operators and outside hands; clock jumps; crashes between any two
/// effects; a second driver that wakes up late; a journal that cannot be written. The clock skips to whatever is due.
package final class SimulatedWorld {
    package let seed: UInt64
    /// Whether the target accepts writes and follows in its own time. Drawn from a generator of its own.
    let isFollowing: Bool
    /// Whether what serves follows what is written in its own time, as the endpoints of a Service do. Drawn from the same generator as
    /// all that happens in such a cluster.
    let isSlow: Bool
    var slowness: SplitMix64
    package internal(set) var census = Census()

    let bug: PlantedBug?
    var random: SplitMix64
    var now = Timestamp(milliseconds: 1_700_000_000_000)
    /// How far the system's wall clock is ahead of the world's, in milliseconds; jumps change it.
    var wallOffset: Int64 = 0
    var router: SimulatedRouter
    let plan: Plan
    /// What the drivers are given; another one only where a bug is planted.
    let drivenPlan: Plan

    // The store.
    var journal: [Driver.Record] = []
    /// The fold of what is stored, kept beside it.
    var stored: RolloutMachine
    var storeEpoch = 0
    var leaseUntil = Timestamp(milliseconds: 0)
    var journalFailsUntil = Timestamp(milliseconds: 0)
    var hasReserve = true

    var drivers: [SimulatedDriver] = []
    /// Stable's own version is the one that is released, or on its way to it.
    var stableHasNewVersion = false
    /// Until when a program runs whose driver is gone.
    var orphanUntil = Timestamp(milliseconds: 0)
    var pendingCommits: [PendingCommit] = []
    /// From here on nothing goes wrong any more, and the rollout must end.
    var isCalm = false
    var laws: Laws
    var metricMood: [Mood]
    /// One step in this many brings trouble. That must not be too often, or nothing would ever be promoted.
    let trouble: Int
    var commandCount = 0
    var lastCommand: Command?
    /// For the story of a broken law.
    var lastAppend: Driver.Append?

    enum Mood: Int, CaseIterable {
        case good, bad, empty, error, undecided, hung, stale
    }

    package init(seed: UInt64, bug: PlantedBug? = nil) {
        self.seed = seed
        var fork = SplitMix64(seed: seed ^ 0xF011_0E5)
        isFollowing = fork.once(in: 4)
        self.bug = bug
        var random = SplitMix64(seed: seed)
        var plan = SimulatedPlan.make(&random)
        var programs = SplitMix64(seed: seed ^ 0xAC7_1045)
        SimulatedPlan.addPrograms(to: &plan, &programs)
        if bug == .suspicionIgnored { SimulatedPlan.compareAll(&plan, &programs) }
        self.plan = plan
        var driven = plan
        if bug == .staleMeasurementAccepted {
            for index in driven.metrics.indices { driven.metrics[index].window = .zero }
        }
        if bug == .dryRunJudged { for index in driven.metrics.indices { driven.metrics[index].isDryRun = false } }
        if bug == .hookRunTwice { driven.updateCommands { $0.onCrash = .rerun } }
        if bug == .retireBeforeLastHold, let retire = plan.target.workload.command?.retire {
            driven.steps[driven.steps.count - 1].run = retire
        }
        drivenPlan = driven
        var slowness = SplitMix64(seed: seed ^ 0xC1A5_7E8)
        isSlow = slowness.once(in: plan.target.workload.managed != nil ? 2 : 8)
        self.slowness = slowness
        router = SimulatedRouter(instances: random.between(1, 2))
        for index in router.instances.indices { router.instances[index].isSlow = isSlow }
        metricMood = plan.metrics.map { _ in .good }
        laws = Laws(plan: plan)
        trouble = random.pick([8, 15, 30, 60, 120])
        let settles = random.once(in: 6)
        if settles { census.note(.settled) }
        let started = Event.Started(
            plan: driven, original: "0", settleUntil: settles ? now.advanced(by: .seconds(random.between(1, 60))) : nil,
            deadline: random.once(in: 8) ? now.advanced(by: .seconds(random.between(60, 1800))) : nil,
            actor: Actor(name: "founder"))
        stored = RolloutMachine(started, at: now)
        journal = [.init(event: .started(started), at: now)]
        self.random = random
    }

    /// Runs the rollout to its end.
    /// - Parameter limit: How many steps may bring trouble; then comes calm, in which the rollout must end.
    /// - Throws: ``LawBroken``.
    package func run(steps limit: Int = 600) throws(LawBroken) {
        census.rollouts += 1
        startDriver()
        var calmSteps = 0
        while !stored.state.isFinished || !drivers.isEmpty {
            if !isCalm, census.steps >= limit || stored.state.isFinished { calmDown() }
            if isCalm {
                calmSteps += 1
                try answerQuestion()
            }
            guard calmSteps < 60_000 else {
                throw LawBroken(
                    law: 7, message: "the rollout does not end once nothing goes wrong: \(stored.state.phase)")
            }
            try step()
        }
        try laws.checkEnd(self)
    }

    /// The journal and the router as they stand, for a person who looks at a seed.
    package var story: [String] {
        let zero = journal[0].at.milliseconds
        return journal.suffix(60).map { "\($0.at.milliseconds - zero) \($0.event)" }
            + [
                "router \(router.instances.map { "\($0.share.text) up \($0.isUp) hung until \($0.hungUntil.milliseconds - zero)" }) file \(router.file.text)",
                "now \(now.milliseconds - zero)",
                "last append by one of \(drivers.map(\.epoch)), lease \(storeEpoch): \((lastAppend?.records ?? []).map { "\($0.event)" })",
            ]
    }

    private func step() throws(LawBroken) {
        census.steps += 1
        if !isCalm, random.once(in: trouble) { try disturb() } else { try proceed() }
        if !pendingCommits.isEmpty { try landLateCommits() }
        if isSlow { beSlow() }
        try laws.check(self)
    }

    /// Whatever is due next.
    private func proceed() throws(LawBroken) {
        guard !drivers.isEmpty else {
            now = now.advanced(by: .milliseconds(random.between(1, isCalm ? 2000 : 8000)))
            if !isCalm, random.once(in: 40) { try disturbShare() }
            return startDriver()
        }
        var (best, driverIndex, taskIndex) = (Timestamp(milliseconds: .max), 0, Int?.none)
        for (index, driver) in drivers.enumerated() {
            let floor = driver.asleepUntil
            for (task, item) in driver.tasks.enumerated() where max(item.due, floor) < best {
                (best, driverIndex, taskIndex) = (max(item.due, floor), index, task)
            }
            for due in [driver.wakesAt, driver.renewsAt, driver.answerDue ?? Self.never] where max(due, floor) < best {
                (best, driverIndex, taskIndex) = (max(due, floor), index, nil)
            }
        }
        now = max(now, best)
        if isSlow { follow() }
        if drivers[driverIndex].asleepUntil > Timestamp(milliseconds: 0), drivers[driverIndex].asleepUntil <= now {
            drivers[driverIndex].asleepUntil = Timestamp(milliseconds: 0)
            if drivers[driverIndex].epoch < storeEpoch { census.note(.lateDriverWoke) }
        }
        if let due = drivers[driverIndex].answerDue, due <= now {
            answerLate(driverIndex)
        } else if let taskIndex {
            try perform(taskIndex, of: driverIndex)
        } else if drivers[driverIndex].renewsAt <= now {
            try renew(driverIndex)
        } else {
            try wake(driverIndex)
        }
    }

    // MARK: Drivers

    /// A new process: takes the lease, folds the journal, drives.
    func startDriver(isForced: Bool = false) {
        if stored.state.isFinished { return }
        guard journalFailsUntil <= now else { return }  // It could not take the lease.
        storeEpoch += 1
        if storeEpoch > 1 { census.note(isForced ? .forcedTakeover : .takeover) }
        var records = journal[...]
        if bug == .eventForgottenInRecovery, records.count > 3 { records = records.dropLast() }
        let machine = RolloutMachine(replaying: records.lazy.map { ($0.event, $0.at) })!
        // The process's clock: the system's, but never before the last event.
        let wall = now.milliseconds + wallOffset
        let floor = bug == .clockRunsBack ? wall : max(wall, machine.state.lastEventAt.milliseconds)
        let offset = floor - now.milliseconds
        let clock = Timestamp(milliseconds: floor)
        leaseUntil = now.advanced(by: .seconds(30))
        var driver = SimulatedDriver(
            driver: Driver(
                machine: machine, epoch: storeEpoch, holder: "driver \(storeEpoch)",
                leaseUntil: clock.advanced(by: .seconds(30)), at: clock),
            epoch: storeEpoch,
            offset: offset, wakesAt: now, renewsAt: now.advanced(by: .seconds(5)),
            asleepUntil: Timestamp(milliseconds: 0))
        driver.knowsOriginals = bug != .originalsLost || storeEpoch == 1
        drivers.append(driver)
    }

    func wake(_ index: Int) throws(LawBroken) {
        let clock = drivers[index].clock(now)
        if drivers[index].driver.isLeaseShort(at: clock) {
            let epoch = drivers[index].epoch
            try renew(index)
            guard drivers.indices.contains(index), drivers[index].epoch == epoch else { return }
        }
        if drivers[index].driver.mustReturn(at: clock) {
            return try give(.journalLost("the lease could not be renewed"), to: index)
        }
        try give(.tick, to: index)
    }

    private func renew(_ index: Int) throws(LawBroken) {
        drivers[index].renewsAt = now.advanced(by: .seconds(5))
        guard journalFailsUntil <= now else { return }
        if drivers[index].epoch == storeEpoch {
            leaseUntil = now.advanced(by: .seconds(30))
            drivers[index].driver.leaseRenewed(until: drivers[index].clock(leaseUntil))
        } else if bug != .epochNotChecked {
            drivers[index].driver.leaseLost(to: "driver \(storeEpoch)")
            settle(index)
        }
    }

    /// Gives a driver an input: decide, append, adopt, in the engine's order.
    func give(_ input: Input, to index: Int) throws(LawBroken) {
        let clock = drivers[index].clock(now)
        try follow(drivers[index].driver.take(input, at: clock), input, index, clock)
    }

    /// Gives a driver the end of a job, in the engine's order.
    func give(ending attempt: Driver.Attempt, _ input: Input, to index: Int) throws(LawBroken) {
        let clock = drivers[index].clock(now)
        try follow(drivers[index].driver.ended(attempt, input, at: clock), input, index, clock)
    }

    private func follow(
        _ taken: Driver.Taken, _ input: Input, _ index: Int, _ clock: Timestamp
    ) throws(LawBroken) {
        switch taken {
        case .nothing: break
        case .refused: if case .command = input { census.note(.staleCommandRefused) }
        case .append(let append): if try store(append, of: index, clock) { return }
        }
        // The engine takes all messages that have come before it starts new work: another input may be there already.
        if !isCalm, random.once(in: 25) {
            census.note(.batched)
            for attempt in drivers[index].driver.withdraw() { cancel(attempt, of: index) }
            drivers[index].wakesAt = now.advanced(by: .milliseconds(random.between(1, 5)))
        } else {
            settle(index)
        }
    }

    /// - Returns: true where the process died of it.
    private func store(_ append: Driver.Append, of index: Int, _ clock: Timestamp) throws(LawBroken) -> Bool {
        let isCurrent = drivers[index].epoch == storeEpoch
        if !isCurrent, bug != .epochNotChecked {
            census.note(.lateAppendRefused)
            drivers[index].driver.appendFailed(append, .fenced("driver \(storeEpoch)"), at: clock)
            return false
        }
        if drivers[index].driver.owesAnswer {
            drivers[index].driver.keep(append, at: clock)
            return false
        }
        var fails = journalFailsUntil > now
        if fails, append.isWayBack, hasReserve {
            census.note(.reserveUsed)
            (hasReserve, fails) = (false, false)
        }
        if fails {
            census.note(.journalUnavailable)
            if bug == .failedAppendTakenForWritten {
                drivers[index].driver.appended(append)
                return false
            }
            drivers[index].driver.appendFailed(append, .unavailable("disk full"), at: clock)
            return false
        }
        if bug == .weightBeforeIntent, let task = drivers[index].tasks.first {
            for case .stepStarted(_, let share) in append.records.map(\.event) {
                try laws.checkRaise(share, before: .zero, task, epoch: drivers[index].epoch, self)
            }
        }
        if bug == .actionBeforeItsBeginning {
            for case .actionBegan(let run) in append.records.map(\.event) where plan.command(for: run) != nil {
                try laws.noteProgram(run, drivenPlan.command(for: run), self)
            }
        }
        try laws.checkAppend(append, by: drivers[index], self)
        if !isCalm, random.once(in: 300) {
            census.note(.appendUnanswered)
            drivers[index].answerDue = now.advanced(by: .milliseconds(random.between(1, 15_000)))
            drivers[index].answersWell = !random.once(in: 4)
            if drivers[index].answersWell { for record in append.records { try keep(record, rawClock: clock) } }
            drivers[index].driver.unanswered(append, at: clock)
            return false
        }
        for record in append.records { try keep(record, rawClock: clock) }
        if !isCalm, random.once(in: 150) {
            census.note(.crashAfterAppend)
            crash(index)
            return true
        }
        drivers[index].driver.appended(append)
        try laws.checkFold(drivers[index].driver.machine, stored)
        return false
    }

    /// The journal answers an append that had counted as unwritten.
    private func answerLate(_ index: Int) {
        drivers[index].answerDue = nil
        guard !drivers[index].isLeaving else { return }
        let clock = drivers[index].clock(now)
        if drivers[index].answersWell {
            census.note(.appendFoundLater)
            drivers[index].driver.answered(nil, at: clock)
        } else {
            drivers[index].driver.answered(.unavailable("disk full"), at: clock)
        }
        settle(index)
    }

    private func keep(_ record: Driver.Record, rawClock: Timestamp) throws(LawBroken) {
        try laws.checkTime(of: bug == .clockRunsBack ? rawClock : record.at)
        journal.append(record)
        stored.apply(record.event, at: record.at)
        laws.note(record, self)
        if case .wayBackBegan(let cause) = record.event, cause.kind == .journal { census.note(.returnedWithoutJournal) }
    }

    func crash(_ index: Int) {
        abandonPrograms(of: index)
        // What was on its way may still land: a commit later, in the process that prepared it; a renaming at once or never.
        for task in drivers[index].tasks {
            guard case .traffic(let write) = task.job, write.kind == .forward else { continue }
            if task.stage == Self.commitStage, random.once(in: 2) { orphan(task, of: drivers[index]) }
            if router.lock == lock(of: task, drivers[index]) {
                router.lock = nil
                if random.once(in: 2) { router.file = write.share }
            }
        }
        drivers.remove(at: index)
    }

    /// Starts the jobs that are wanted, cancels the others, and ends a driver that has nothing to do and nothing on its
    /// way.
    func settle(_ index: Int) {
        let clock = drivers[index].clock(now)
        let (started, cancelled) = drivers[index].driver.start(at: clock)
        for attempt in cancelled { cancel(attempt, of: index) }
        for attempt in started { begin(attempt, of: index) }
        drivers[index].wakesAt = Timestamp(
            milliseconds: max(
                now.milliseconds + 1, drivers[index].driver.wakes(at: clock).milliseconds - drivers[index].offset))
        if drivers[index].driver.end(at: clock) != nil, !drivers[index].isLeaving {
            if case .needsAttention = drivers[index].driver.end(at: clock) { census.note(.leaseRanOut) }
            drivers[index].isLeaving = true
            abandonPrograms(of: index)
            drivers[index].tasks.removeAll { !$0.attempt.isWrite }
            (drivers[index].wakesAt, drivers[index].renewsAt) = (Self.never, Self.never)
            if drivers[index].tasks.isEmpty { drivers.remove(at: index) }
        }
    }

    private static let never = Timestamp(milliseconds: .max)

    /// Tells a job to stop. A write that has passed its last check is on its way all the same, for as long as that
    /// takes.
    private func cancel(_ attempt: Driver.Attempt, of index: Int) {
        guard let task = drivers[index].tasks.firstIndex(where: { $0.attempt == attempt }) else { return }
        if attempt.isProgram {
            drivers[index].tasks[task].isCancelled = true
            return
        }
        census.note(.writeSuperseded)
        drivers[index].tasks[task].isCancelled = true
        // The planted bug is about writes that are late, so there they all are.
        if !isCalm, bug == .supersededWriteForgotten || random.once(in: 2) {
            drivers[index].tasks[task].due = now.advanced(by: .milliseconds(random.between(0, 5000)))
        }
        // The planted bug forgets it: nobody waits for its end.
        if bug == .supersededWriteForgotten {
            _ = drivers[index].driver.ended(attempt, nil, at: drivers[index].clock(now))
        }
    }
}

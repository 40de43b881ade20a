package import BelayAnalysis
package import BelayCore
internal import BelayPlatform

/// Drives one rollout to its end: starts what is pending, waits for the first result, decides, appends, adopts, goes on.
/// All judgement is the machine's, all order the `Driver`'s.
package final class Engine: Sendable {
    /// What one drive works with.
    package struct Setup: Sendable {
        package var journal: any RolloutJournal
        package var router: any TrafficRouter
        package var actions: any ActionRunner
        package var provider: any MetricProvider
        package var clock: any EngineClock
        package var lease: Lease
        package var mark: OwnerMark
        /// Rollouts of this journal that are over: their marks at the target may be replaced.
        package var superseding: [String] = []
        /// Told of every event once it is durable, or on the way back without a journal.
        package var report: @Sendable (Event, Timestamp, _ machine: RolloutMachine) -> Void = { _, _, _ in }
        /// Called with a warning that is no event, such as a journal that cannot be written.
        package var warn: @Sendable (String) -> Void = { _ in }

        package init(
            journal: any RolloutJournal, router: any TrafficRouter, actions: any ActionRunner,
            provider: any MetricProvider, clock: any EngineClock, lease: Lease, mark: OwnerMark
        ) {
            self.journal = journal
            self.router = router
            self.actions = actions
            self.provider = provider
            self.clock = clock
            self.lease = lease
            self.mark = mark
        }
    }

    /// How a drive ended.
    package enum Result: Hashable, Sendable {
        case ended(Driver.End)
        /// Left on purpose, with the rollout as it is.
        case left
    }

    enum Message: Sendable {
        case wake
        case input(Input)
        case result(Driver.Attempt, Input)
        /// Counter samples. They become a measurement only together with what was counted before them.
        case counted(Driver.Attempt, Counted)
        /// An append that had counted as unwritten has its answer.
        case appendAnswered(Driver.AppendFailure?)
        case leaseRenewed(Timestamp)
        case leaseLost(String)
        case leave
    }

    struct Counted: Sendable {
        let metric: Int
        let answer: CounterAnswer
        let startedAt: Timestamp
        let finishedAt: Timestamp
    }

    /// What changes in the course of one drive.
    struct Drive {
        var driver: Driver
        var jobs: [Int: Task<Void, Never>] = [:]
        /// Fed with every event once it is durable.
        var comparators: Comparators
        /// Measurements that came while an append was unanswered. They are judged again once it is answered.
        var deferred: [Input] = []
        /// What was said to each command, so that none is judged twice.
        var judged: [String: String?] = [:]
    }

    let setup: Setup
    let inbox: Inbox<Message>
    let disk: Disk
    let metrics: [Metric]
    let gauges: [Gauge]
    /// Commands that were taken from the journal's inbox and are not answered there yet.
    let told = Locked<Set<String>>([])

    /// How long the end of a drive waits for writes that are still on their way to the router.
    static let lastPatience: Duration = RolloutMachine.givesUpAfter

    package init(_ setup: Setup, plan: Plan) {
        self.setup = setup
        inbox = Inbox(setup.clock)
        disk = Disk(setup.clock)
        metrics = plan.metrics
        gauges = plan.metrics.map(Gauge.init)
    }

    /// SIGINT, SIGTERM or SIGHUP with `--on-cancel rollback`; an operator's command given in this process.
    package func send(_ input: Input) { inbox.post(.input(input)) }

    /// SIGINT, SIGTERM or SIGHUP with `--on-cancel leave`.
    package func leave() { inbox.post(.leave) }

    /// Drives the rollout until the driver has nothing more to do, or is told to leave.
    /// - Parameters:
    ///   - machine: The rollout's state, folded from the journal.
    ///   - comparators: Fed with the same record; nil where the record has only its first event.
    package func drive(_ machine: RolloutMachine, comparators: Comparators? = nil) async -> Result {
        var drive = Drive(
            driver: Driver(
                machine: machine, epoch: setup.lease.epoch, holder: setup.mark.process.text,
                leaseUntil: setup.lease.until, at: setup.clock.now),
            comparators: comparators ?? Comparators(machine.plan))
        let keepers = [
            setup.clock.spawn { await self.keepLease() }, setup.clock.spawn { await self.pollInbox() },
            setup.clock.spawn { await self.watchClock() },
        ]
        await take(.tick, into: &drive)  // The driver first records that it has taken over.
        var result: Result?
        var lookedAt = setup.clock.now
        while result == nil {
            if drive.driver.isLeaseShort(at: setup.clock.now) { await renew(&drive) }
            begin(&drive)
            if let end = drive.driver.end(at: setup.clock.now) {
                result = .ended(end)
                break
            }
            let messages = await next(until: drive.driver.wakes(at: setup.clock.now))
            if drive.driver.isLeaseShort(at: setup.clock.now) { await renew(&drive) }
            for message in messages where result == nil {
                if case .leave = message { result = .left } else { await take(message, &drive) }
            }
            // What falls due by time alone is looked at once a second, also where messages come all the time.
            if result == nil, lookedAt.duration(to: setup.clock.now) >= .seconds(1) {
                lookedAt = setup.clock.now
                await take(.wake, &drive)
            }
        }
        await awaitWrites(&drive, after: result)
        for task in keepers { task.cancel() }
        return result ?? .left
    }

    /// Starts the jobs that are due, and cancels those that nobody wants any more.
    private func begin(_ drive: inout Drive) {
        let now = setup.clock.now
        let (started, cancelled) = drive.driver.start(at: now)
        for attempt in cancelled { drive.jobs[attempt.number]?.cancel() }
        for attempt in started {
            var (back, asked): (Duration?, Double?)
            if case .measure(let index) = attempt.job {
                back = drive.comparators.reach(of: index, at: now, drive.driver.machine)
                asked = drive.driver.machine.shareDuringWindow(of: index, at: now).map(\.fraction)
            }
            drive.jobs[attempt.number] = setup.clock.spawn { [back, asked] in
                await self.perform(attempt, back: back, asked: asked, at: now)
            }
        }
    }

    private func next(until moment: Timestamp) async -> [Message] {
        let wake = setup.clock.spawn { [clock = setup.clock, inbox] in
            if (try? await clock.sleep(until: moment)) != nil { inbox.post(.wake) }
        }
        let messages = await inbox.next()
        wake.cancel()
        return messages
    }

    /// Waits until none of this process's writes is on its way to the router, so that the lease can be given up. It
    /// waits ten minutes at most, and only five seconds where the driver gave up (no lease, no journal, or ten minutes
    /// without an end): then the next driver is kept out no longer.
    private func awaitWrites(_ drive: inout Drive, after result: Result?) async {
        for case .action(let action) in drive.driver.running.map(\.job) {
            guard case .command = action.deed else { continue }
            setup.warn(
                "\(drive.driver.machine.plan.words(for: action.run)) runs on; whoever drives next finds it interrupted")
        }
        for task in drive.jobs.values { task.cancel() }
        let gaveUp = if case .ended(.needsAttention) = result { true } else { false }
        let end = setup.clock.now.advanced(by: gaveUp ? .seconds(5) : Self.lastPatience)
        while drive.driver.running.contains(where: \.isAtRouter), setup.clock.now < end {
            for message in await next(until: setup.clock.now.advanced(by: .seconds(1))) {
                switch message {
                case .result(let attempt, _), .counted(let attempt, _):
                    _ = drive.driver.ended(attempt, nil, at: setup.clock.now)
                case .wake, .input, .appendAnswered, .leaseRenewed, .leaseLost, .leave: break
                }
            }
        }
    }

    private func take(_ message: Message, _ drive: inout Drive) async {
        let now = setup.clock.now
        switch message {
        case .wake:
            let why = drive.driver.owesAnswer ? "the journal does not answer" : "the lease could not be renewed"
            await take(drive.driver.mustReturn(at: now) ? .journalLost(why) : .tick, into: &drive)
        case .input(.command(let command)): await obey(command, &drive)
        case .input(let input): await take(input, into: &drive)
        case .result(let attempt, let input): await end(attempt, input, &drive)
        case .counted(let attempt, let counted):
            let measurement = drive.comparators.measure(
                counted.metric, counted.answer, drive.driver.machine.sight(of: counted.metric),
                startedAt: counted.startedAt, finishedAt: counted.finishedAt)
            await end(attempt, measurement.map { .measured($0) }, &drive)
        case .appendAnswered(let failure): await answered(failure, &drive)
        case .leaseRenewed(let until): drive.driver.leaseRenewed(until: until)
        case .leaseLost(let holder): drive.driver.leaseLost(to: holder)
        case .leave: break
        }
    }

    private func end(_ attempt: Driver.Attempt, _ input: Input?, _ drive: inout Drive) async {
        drive.jobs[attempt.number] = nil
        if drive.driver.owesAnswer, case .measured(let measurement)? = input {
            drive.deferred.append(.measured(measurement))
        }
        _ = await follow(drive.driver.ended(attempt, input, at: setup.clock.now), &drive)
    }

    func take(_ input: Input, into drive: inout Drive) async {
        _ = await follow(drive.driver.take(input, at: setup.clock.now), &drive)
    }

    /// Judges a command once; one that comes again, because the answer to it was not written, is answered again.
    private func obey(_ command: Command, _ drive: inout Drive) async {
        if drive.driver.owesAnswer, drive.judged[command.id] == nil, !command.verb.endsInWayBack {
            _ = told.withLock { $0.remove(command.id) }  // It stays in the journal's inbox until the journal answers.
            return
        }
        if drive.judged[command.id] == nil {
            var refusal = await follow(drive.driver.take(.command(command), at: setup.clock.now), &drive)
            if refusal == nil, drive.driver.isWithoutJournal, command.verb != .abort {
                refusal = "the journal cannot be written; traffic goes back to stable"
            }
            drive.judged[command.id] = .some(refusal)
            // Nobody waits for an answer to a command that came with the takeover, so its refusal is shown here.
            if let refusal, !told.withLock({ $0.contains(command.id) }) { setup.warn("refused: \(refusal)") }
        }
        let refusal = drive.judged[command.id] ?? nil
        disk.post { [journal = setup.journal, told] in
            try? journal.answer(command.id, refusal: refusal)
            _ = told.withLock { $0.remove(command.id) }
        }
    }

    /// Appends the events that follow from an input; once they are durable the driver adopts them.
    /// - Returns: Why the input was refused; nil where it was not.
    private func follow(_ taken: Driver.Taken, _ drive: inout Drive) async -> String? {
        switch taken {
        case .nothing: return nil
        case .refused(let reason): return reason
        case .append(let append):
            await self.append(append, &drive)
            return nil
        }
    }
}

extension Command.Verb {
    fileprivate var endsInWayBack: Bool {
        switch self {
        case .abort, .deny: true
        case .pause, .resume, .rerun, .promote, .approve, .skip: false
        }
    }
}

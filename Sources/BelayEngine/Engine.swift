internal import BelayAnalysis
package import BelayCore

/// Drives one rollout to its end: starts what is pending, waits for the first result, decides, appends, adopts, goes on.
/// All judgement is the machine's, all order the `Driver`'s.
package final class Engine: Sendable {
    package struct Setup: Sendable {
        package var journal: any RolloutJournal
        package var router: any TrafficRouter
        package var provider: any MetricProvider
        package var clock: WallClock
        package var lease: Lease
        package var mark: OwnerMark
        /// Rollouts of this journal that are over: their marks at the target may be replaced.
        package var superseding: [String] = []
        /// Told of every event once it is durable, or on the way back without a journal.
        package var report: @Sendable (Event, Timestamp, _ machine: RolloutMachine) -> Void = { _, _, _ in }
        /// Told what is not an event: a journal that cannot be written.
        package var warn: @Sendable (String) -> Void = { _ in }

        package init(
            journal: any RolloutJournal, router: any TrafficRouter, provider: any MetricProvider, clock: WallClock,
            lease: Lease, mark: OwnerMark
        ) {
            self.journal = journal
            self.router = router
            self.provider = provider
            self.clock = clock
            self.lease = lease
            self.mark = mark
        }
    }

    package enum Result: Hashable, Sendable {
        case ended(Driver.End)
        /// Left on purpose, with the rollout as it is.
        case left
    }

    private enum Message: Sendable {
        case wake
        case input(Input)
        case result(Driver.Job, Input)
        /// Samples that become a measurement only beside what was counted before.
        case counted(Driver.Job, Counted)
        case leaseRenewed(Timestamp)
        case leaseLost(String)
        case leave
    }

    private struct Counted: Sendable {
        let metric: Int
        let answer: CounterAnswer
        let startedAt: Timestamp
        let finishedAt: Timestamp
    }

    private let setup: Setup
    private let inbox = Inbox<Message>()
    private let disk = Blocking("belay.journal")
    private let metrics: [Metric]
    private let gauges: [Gauge]
    private let commandIDs = Locked<Set<String>>([])

    package init(_ setup: Setup, plan: Plan) {
        self.setup = setup
        metrics = plan.metrics
        gauges = plan.metrics.map(Gauge.init)
    }

    /// SIGINT, SIGTERM or SIGHUP with `--on-cancel rollback`; an operator's command given in this process.
    package func send(_ input: Input) { inbox.post(.input(input)) }

    /// SIGINT, SIGTERM or SIGHUP with `--on-cancel leave`.
    package func leave() { inbox.post(.leave) }

    /// Drives until the end.
    /// - Parameter machine: As the journal says.
    package func drive(_ machine: RolloutMachine) async -> Result {
        var driver = Driver(machine: machine, leaseUntil: setup.lease.until, at: setup.clock.now)
        let keepers = [Task { await keepLease() }, Task { await pollInbox() }, Task { await watchClock() }]
        var jobs: [Driver.Job: Task<Void, Never>] = [:]
        var comparators = metrics.indices.map { Comparator($0, of: machine.plan) }
        var result: Result?
        if let taken = await take(.tookOver(epoch: setup.lease.epoch, holder: setup.mark.process.text), into: &driver) {
            result = taken
        }
        while result == nil {
            if driver.isLeaseShort(at: setup.clock.now) { await renew(&driver) }
            let now = setup.clock.now
            let (started, cancelled) = driver.start(at: now)
            for job in cancelled { jobs.removeValue(forKey: job)?.cancel() }
            for job in started {
                let (back, asked) = (reach(of: job, at: now, driver.machine), asked(of: job, at: now, driver.machine))
                jobs[job] = Task { await perform(job, back: back, asked: asked, at: now) }
            }
            if let end = driver.end(at: now) {
                result = .ended(end)
                break
            }
            let wake = Task { [clock = setup.clock, inbox, moment = driver.wakes(at: now)] in
                if (try? await clock.sleep(until: moment)) != nil { inbox.post(.wake) }
            }
            let messages = await inbox.next()
            wake.cancel()
            if driver.isLeaseShort(at: setup.clock.now) { await renew(&driver) }
            for message in messages where result == nil {
                result = await take(message, into: &driver, jobs: &jobs, comparators: &comparators)
            }
        }
        for task in keepers + jobs.values { task.cancel() }
        for task in keepers { await task.value }
        return result ?? .left
    }

    private func take(
        _ message: Message, into driver: inout Driver, jobs: inout [Driver.Job: Task<Void, Never>],
        comparators: inout [Comparator?]
    ) async -> Result? {
        switch message {
        case .wake:
            if driver.mustReturn(at: setup.clock.now) {
                return await take(.journalLost("the lease could not be renewed"), into: &driver)
            }
            return await take(.tick, into: &driver)
        case .input(let input): return await take(input, into: &driver)
        case .result(let job, let input):
            driver.ended(job, at: setup.clock.now)
            jobs[job] = nil
            return await take(input, into: &driver)
        case .counted(let job, let counted):
            driver.ended(job, at: setup.clock.now)
            jobs[job] = nil
            let measurement = comparators[counted.metric]?.measure(
                counted.answer, driver.machine, startedAt: counted.startedAt,
                finishedAt: counted.finishedAt)
            if let measurement { return await take(.measured(measurement), into: &driver) }
        case .leaseRenewed(let until): driver.leaseRenewed(until: until)
        case .leaseLost(let holder): driver.leaseLost(to: holder)
        case .leave: return .left
        }
        return nil
    }

    /// Decide, append, adopt.
    private func take(_ input: Input, into driver: inout Driver) async -> Result? {
        let now = setup.clock.now
        var refusal: String?
        switch driver.take(input, at: now) {
        case .nothing: break
        case .refused(let reason): refusal = reason
        case .append(let append): await self.append(append, into: &driver)
        }
        if case .command(let command) = input {
            if refusal == nil, driver.isWithoutJournal, command.verb != .abort {
                refusal = "the journal cannot be written; traffic goes back to stable"
            }
            _ = await disk.run { [journal = setup.journal, refusal] in try? journal.answer(command.id, refusal: refusal)
            }
            commandIDs.withLock { _ = $0.remove(command.id) }
        }
        return nil
    }

    private func append(_ append: Driver.Append, into driver: inout Driver) async {
        let known = driver.unwritten.count
        let failure = await disk.run { [setup] in Self.append(append, setup) }
        let new = append.records.dropFirst(known)
        if let failure {
            let wasWithoutJournal = driver.isWithoutJournal
            driver.appendFailed(append, failure, at: setup.clock.now)
            if case .unavailable(let reason) = failure, !wasWithoutJournal {
                setup.warn("the journal cannot be written (\(reason)); traffic goes back to stable without it")
            }
            let kept = driver.unwritten.dropFirst(known)
            for record in kept { setup.report(record.event, record.at, driver.machine) }
        } else {
            CrashPoint.afterAppend.reached()
            driver.appended(append)
            for record in new { setup.report(record.event, record.at, driver.machine) }
        }
    }

    private static func append(_ append: Driver.Append, _ setup: Setup) -> Driver.AppendFailure? {
        for mayFreeReserve in [true, false] {
            do throws(JournalFailure) {
                try setup.journal.append(append, under: setup.lease)
                return nil
            } catch {
                if error.kind == .fenced { return .fenced(error.message) }
                guard mayFreeReserve, append.isWayBack, error.kind == .full else { return .unavailable(error.message) }
                setup.journal.releaseReserve()
            }
        }
        return nil
    }

    private func reach(of job: Driver.Job, at now: Timestamp, _ machine: RolloutMachine) -> Duration? {
        guard case .measure(let index) = job else { return nil }
        if let judge = metrics[index].judge { return judge.reach(at: now, machine, window: metrics[index].window) }
        return Comparator.reach(of: index, at: now, machine)
    }

    private func asked(of job: Driver.Job, at now: Timestamp, _ machine: RolloutMachine) -> Double? {
        guard case .measure(let index) = job else { return nil }
        return machine.shareDuringWindow(of: index, at: now).map { Double($0.basisPoints) / 10_000 }
    }

    /// - Parameters:
    ///   - back: For a comparison or a judge, how far back its samples are asked for.
    ///   - asked: The share in force during a measurement's whole window.
    ///   - moment: When all the jobs of this turn of the loop begin.
    private func perform(_ job: Driver.Job, back: Duration?, asked: Double?, at moment: Timestamp) async {
        let input: Input
        switch job {
        case .traffic(let write):
            let (reading, error) = await setup.router.write(write, under: setup.mark, isOurs: { await self.isOurs() })
            input = .wrote(write, reading, error: error)
        case .action(.claim): input = .claimed(await setup.router.claim(setup.mark, superseding: setup.superseding))
        case .action(.release(let drains)):
            input = .released(error: await setup.router.release(setup.mark, drains: drains))
        case .measure(let index):
            guard let back, metrics[index].judge == nil else {
                input = await measure(index, back: back, asked: asked, at: moment)
                break
            }
            let answer = await setup.provider.counters(metrics[index], back: back, at: moment)
            let counted = Counted(metric: index, answer: answer, startedAt: moment, finishedAt: setup.clock.now)
            if !Task.isCancelled { inbox.post(.counted(job, counted)) }
            return
        case .read: input = .read(await setup.router.read())
        }
        if !Task.isCancelled { inbox.post(.result(job, input)) }
    }

    private func isOurs() async -> Bool {
        await disk.run { [setup] in (try? setup.journal.holds(setup.lease)) ?? false }
    }

    private func measure(_ index: Int, back: Duration?, asked: Double?, at moment: Timestamp) async -> Input {
        let taken = await gauges[index].take(setup.provider, back: back, asked: asked, at: moment)
        return .measured(
            Measurement(
                metric: index, phase: taken.phase, value: taken.value, message: taken.message, startedAt: moment,
                finishedAt: setup.clock.now, sampledAt: taken.age.map { moment.advanced(by: .zero - $0) },
                requests: taken.requests))
    }

    /// A process that was suspended asks first whether the lease is still its own, before it gives anything up.
    private func renew(_ driver: inout Driver) async {
        switch await renewal() {
        case .success(let until): driver.leaseRenewed(until: until)
        case .failure(let failure) where failure.kind == .fenced: driver.leaseLost(to: failure.message)
        case .failure: break
        }
    }

    private func renewal() async -> Swift.Result<Timestamp, JournalFailure> {
        await disk.run { [setup] in
            Swift.Result { () throws(JournalFailure) in try setup.journal.renew(setup.lease, at: setup.clock.now) }
        }
    }

    // MARK: Beside the loop

    private func keepLease() async {
        while (try? await Task.sleep(for: Lease.renewal)) != nil {
            switch await renewal() {
            case .success(let until): inbox.post(.leaseRenewed(until))
            case .failure(let failure) where failure.kind == .fenced: inbox.post(.leaseLost(failure.message))
            case .failure: break  // Tried again in five seconds; with half its life gone the traffic goes back.
            }
            await setup.router.renew(setup.mark)
        }
    }

    private func pollInbox() async {
        while (try? await Task.sleep(for: .milliseconds(100))) != nil {
            let commands = await disk.run { [setup] in
                (try? setup.journal.waitingCommands(for: setup.lease.rollout)) ?? []
            }
            for command in commands where commandIDs.withLock({ $0.insert(command.id).inserted }) {
                inbox.post(.input(.command(command)))
            }
        }
    }

    /// A jump of more than five seconds between the system's clock and ours is an event and a gap.
    private func watchClock() async {
        var offset = setup.clock.now.duration(to: WallClock.systemTime)
        while (try? await Task.sleep(for: .seconds(1))) != nil {
            let now = setup.clock.now.duration(to: WallClock.systemTime)
            let jump = now - offset
            if abs(jump.wholeMilliseconds) > 5000 {
                inbox.post(.input(.clockJumped(milliseconds: jump.wholeMilliseconds)))
            }
            if abs(jump.wholeMilliseconds) > 5000 { offset = now }
        }
    }
}

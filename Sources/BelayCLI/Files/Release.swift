internal import BelayCore
internal import BelayEngine
internal import BelayHTTP
internal import BelayJournal
internal import BelayMetrics
internal import BelayRouters
internal import BelaySpec
internal import Foundation

/// What stands between a file and a driven rollout: the look at the live target, the rollout's record, the drive.
struct Release {
    enum OnCancel: String, CaseIterable {
        case rollback, leave
    }

    let journal: SQLiteJournal
    let clock: WallClock
    let reporter: Reporter

    /// A plan bound to the live router.
    struct Bound {
        let plan: Plan
        /// The same with the roles changed: what its queries say of stable.
        let mirrored: Plan?
        let survey: Survey
        let kit: any TargetKit
        let original: JSONValue
    }

    static func identity(of traffic: Traffic) -> String { traffic.identity(on: ProcessIdentity.hostName) }

    /// Looks at ownership first, then at the router; changes nothing.
    /// - Throws: ``CommandFailure`` 7 where the target is another rollout's, 8 where a socket does not answer, 2 for the rest.
    static func survey(_ traffic: Traffic, journal: SQLiteJournal?) async throws(CommandFailure) -> Survey {
        let identity = identity(of: traffic)
        if let journal,
            let busy = try orFail({ () throws(JournalFailure) in try journal.rolloutUnderWay(on: identity) })
        {
            throw CommandFailure(
                .taken,
                "\(busy) is under way on this target (\(traffic.words)); nothing was touched",
                Operation.driverWords(of: busy, in: journal, at: WallClock.systemTime))
        }
        let over =
            try journal.map { journal throws(CommandFailure) in
                try orFail { () throws(JournalFailure) in try journal.finishedRollouts(on: identity) }
            } ?? []
        let kit = Kits.kit(for: traffic)
        let owner = kit.ownership
        switch owner.read() {
        case .none: break
        case .mark(let mark) where over.contains(mark.rollout): break
        case .mark(let mark):
            throw CommandFailure(
                .taken,
                "the target belongs to \(mark.rollout) (\(mark.process.text), journal \(mark.store), stable is \(mark.stable)); nothing was touched",
                owner.mayBeDriven(mark)
                    ? "its driver may be alive: `belay status \(mark.rollout) --db \(mark.store)` on \(mark.process.host)"
                    : "its driver is gone: `belay resume \(mark.rollout) --db \(mark.store)` on \(mark.process.host) goes on with it",
                "if that rollout is gone for good, `belay rescue FILE` returns the traffic and takes its mark away (\(owner.place))"
            )
        case .unreadable(let why): throw CommandFailure(.taken, "\(why); nothing was touched")
        }
        let survey = await kit.survey()
        try check(survey)
        return survey
    }

    private static func check(_ survey: Survey) throws(CommandFailure) {
        guard !survey.problems.isEmpty else { return }
        var code = ExitStatus.unreachable
        let lines = survey.problems.map { problem in
            switch problem {
            case .unreachable(let message): return message
            case .invalid(let message):
                code = .invalid
                return message
            }
        }
        if survey.problems.contains(where: { if case .unreachable = $0 { true } else { false } }) {
            code = .unreachable
        }
        throw CommandFailure(code, lines: lines + ["nothing was touched"])
    }

    static func bind(_ spec: RolloutSpec, journal: SQLiteJournal?) async throws(CommandFailure) -> Bound {
        let survey = try await survey(spec.traffic, journal: journal)
        return try bind(spec, survey, try roles(of: survey))
    }

    /// Which side is stable now.
    static func roles(of survey: Survey) throws(CommandFailure) -> Roles {
        guard let roles = survey.roles else {
            throw CommandFailure(.invalid, "the router's share cannot be read; nothing was touched")
        }
        return roles
    }

    /// While a release is under way: as seen from its stable side, whatever the router shows at this moment.
    static func bindBusy(_ spec: RolloutSpec, journal: SQLiteJournal?) async throws(CommandFailure) -> Bound {
        let kit = Kits.kit(for: spec.traffic)
        let survey = await kit.survey()
        var stable: String?
        if let journal,
            let id = try orFail({ () throws(JournalFailure) in
                try journal.rolloutUnderWay(on: identity(of: spec.traffic))
            })
        {
            stable = try orFail { () throws(JournalFailure) in try journal.machine(of: id) }.plan.stable.name
        } else if case .mark(let mark) = kit.ownership.read() {
            stable = mark.stable
        }
        let roles = Roles(canaryIsSecond: stable != spec.traffic.sides.second.name)
        return try bind(spec, survey, roles)
    }

    private static func bind(
        _ spec: RolloutSpec, _ survey: Survey, _ roles: Roles
    ) throws(CommandFailure) -> Bound {
        do throws(SpecFailure) {
            var plan = try spec.plan(roles: roles, identity: identity(of: spec.traffic))
            // Whoever takes over runs elsewhere.
            for index in plan.metrics.indices {
                plan.metrics[index].resolveDirectory(FileManager.default.currentDirectoryPath)
            }
            let mirrored = try? spec.plan(
                roles: Roles(canaryIsSecond: !roles.canaryIsSecond), identity: plan.target.identity)
            return Bound(
                plan: plan, mirrored: mirrored, survey: survey, kit: Kits.kit(for: spec.traffic),
                original: survey.original)
        } catch {
            throw CommandFailure(error)
        }
    }

    /// A raise to a side that can serve nothing would be refused later; better now.
    static func checkCanServe(_ plan: Plan, _ survey: Survey) throws(CommandFailure) {
        guard let dead = survey.cannotServe[plan.canary.name] else { return }
        throw CommandFailure(.invalid, "the canary's side cannot serve: \(dead); nothing was touched")
    }

    /// What was resolved from the files, whichever side is stable.
    static func digest(of spec: RolloutSpec) throws(CommandFailure) -> String {
        do throws(SpecFailure) {
            return PlanDigest.of(try spec.plan(roles: Roles(canaryIsSecond: true), identity: ""))
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Everything that metrics can ask, for as long as the body runs.
    static func asking<Result, Failure: Error>(
        _ body: (MetricProviders) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let client = HTTPClient()
        defer { client.shutdown() }
        return try await body(MetricProviders(client: client, environment: ProcessInfo.processInfo.environment))
    }

    /// Until no window reaches back to when the canary's side last had traffic, as the journal or the target's own record
    /// knows. A side that never had any has nothing to settle.
    func settleUntil(_ plan: Plan, at now: Timestamp) throws(CommandFailure) -> Timestamp? {
        if plan.settle == .zero { return nil }
        let recorded = Kits.kit(for: plan.target.traffic).ownership.lastTraffic(of: plan.canary.name)
        let last = [try lastTraffic(of: plan.canary.name, on: plan.target.identity), recorded].compactMap(\.self).max()
        // A record from the future is a clock's mistake, and nobody waits for it longer than from now.
        guard let last = last.map({ min($0, now) }) else { return nil }
        let until = last.advanced(by: plan.settle ?? plan.longestWindow)
        return until > now ? until : nil
    }

    private func lastTraffic(of side: String, on target: String) throws(CommandFailure) -> Timestamp? {
        try Self.exposed(on: target, journal).lazy.first { machine in
            let isPromoted = machine.state.phase == .finished(.promoted)
            return (isPromoted ? machine.plan.stable : machine.plan.canary).name == side
        }?.state.phaseSince
    }

    /// The latest rollouts of a target that are over and gave their canary traffic, newest first, each read when it is asked for.
    static func exposed(
        on target: String, _ journal: SQLiteJournal
    ) throws(CommandFailure) -> some Sequence<RolloutMachine> {
        let ids = try orFail { () throws(JournalFailure) in try journal.finishedRollouts(on: target) }
        return ids.suffix(50).reversed().lazy.compactMap { try? journal.machine(of: $0) }
            .filter { $0.state.isFinished && $0.state.watchingSince != nil }
    }

    /// Records a new rollout and drives it to its end.
    func start(
        _ plan: Plan, original: JSONValue, key: String?, digest: String?, timeout: Duration?, actor: Actor,
        reason: String,
        onCancel: OnCancel
    ) async throws(CommandFailure) -> ExitStatus {
        let now = clock.now
        var started = Event.Started(
            plan: plan, original: original, settleUntil: try settleUntil(plan, at: now),
            deadline: timeout.map { now.advanced(by: $0) }, actor: actor, reason: reason)
        started.digest = digest
        let id = RolloutID.make(name: plan.name, at: now)
        let lease: Lease
        do throws(JournalFailure) {
            lease = try journal.create(id, started, key: key, process: .current, at: now)
        } catch {
            if error.kind == .refused {
                let busy = (try? journal.rolloutUnderWay(on: plan.target.identity)) ?? nil
                let words = busy.map { [Operation.driverWords(of: $0, in: journal, at: clock.now)] } ?? []
                throw CommandFailure(.taken, lines: [error.message + "; nothing was touched"] + words)
            }
            throw CommandFailure(error)
        }
        reporter.began(id, plan, store: journal.path)
        let machine = try orFail { () throws(JournalFailure) in try journal.machine(of: id) }
        return try await drive(id, machine, lease, clock, commands: [], onCancel: onCancel)
    }

    /// Takes over a rollout that nobody drives.
    func resume(
        _ id: String, commands: [Command], isForced: Bool = false, onCancel: OnCancel
    ) async throws(CommandFailure) -> ExitStatus {
        let machine = try orFail { () throws(JournalFailure) in try journal.machine(of: id) }
        let target = machine.plan.target
        guard target.identity == Self.identity(of: target.traffic) else {
            throw CommandFailure(
                .invalid,
                "\(id) drives \(target.identity), which is not on this host (\(ProcessIdentity.hostName)); nothing was touched"
            )
        }
        // One clock for lease and drive, never before the journal's last event.
        let clock = WallClock(notBefore: machine.state.lastEventAt)
        let lease = try acquire(id, clock, isForced: isForced)
        reporter.tookOver(id, machine)
        return try await drive(id, machine, lease, clock, commands: commands, onCancel: onCancel)
    }

    private func acquire(_ id: String, _ clock: WallClock, isForced: Bool) throws(CommandFailure) -> Lease {
        do throws(JournalFailure) {
            return try journal.acquire(id, process: .current, at: clock.now, isForced: isForced)
        } catch {
            guard error.kind == .full else { throw CommandFailure(error) }
            journal.releaseReserve()  // Kept for the records of the way back, and this may be one.
            do throws(JournalFailure) {
                return try journal.acquire(id, process: .current, at: clock.now, isForced: isForced)
            } catch {
                throw CommandFailure(
                    .unreachable, "the journal cannot be used: \(error.message)",
                    "`belay rescue FILE` returns the traffic without a journal")
            }
        }
    }

    private func drive(
        _ id: String, _ machine: RolloutMachine, _ lease: Lease, _ clock: WallClock, commands: [Command],
        onCancel: OnCancel
    ) async throws(CommandFailure) -> ExitStatus {
        Console.dropWhenFull()
        DescriptorReserve.fill()
        return try await Self.asking { provider throws(CommandFailure) in
            try await drive(id, machine, lease, clock, commands: commands, onCancel: onCancel, asking: provider)
        }
    }

    private func drive(
        _ id: String, _ machine: RolloutMachine, _ lease: Lease, _ clock: WallClock, commands: [Command],
        onCancel: OnCancel, asking provider: MetricProviders
    ) async throws(CommandFailure) -> ExitStatus {
        let plan = machine.plan
        let mark = OwnerMark(
            rollout: id, epoch: lease.epoch, stable: plan.stable.name, original: machine.started.original,
            store: journal.path, process: .current)
        var setup = Engine.Setup(
            journal: journal, router: Kits.kit(for: plan.target.traffic).router(plan.roles, clock),
            provider: provider, clock: clock, lease: lease, mark: mark)
        setup.superseding =
            (try orFail { () throws(JournalFailure) in try journal.finishedRollouts(on: plan.target.identity) })
        setup.report = { [reporter] event, at, machine in reporter.report(id, event, at, machine) }
        setup.warn = { [reporter] in reporter.warn($0) }
        let engine = Engine(setup, plan: plan)
        for command in commands { engine.send(.command(command)) }
        let signalled = Locked<Int32?>(nil)
        let watch = Signals.watch { number in
            signalled.withLock { $0 = number }
            switch onCancel {
            case .rollback: engine.send(.cancelled(Signals.name(number)))
            case .leave: engine.leave()
            }
        }
        let result = await engine.drive(machine)
        withExtendedLifetime(watch) {}
        return await finish(id, lease, result, signalled.withLock { $0 })
    }

    private func finish(
        _ id: String, _ lease: Lease, _ result: Engine.Result, _ signal: Int32?
    ) async -> ExitStatus {
        // The next driver need not wait for the lease to run out; a journal that cannot be written lets it run out, and one that
        // hangs keeps nobody from ending. The head is printed where it can be read; `belay verify` is what checks the chain.
        let head = await clock.wait(.seconds(1)) { bring in
            Blocking("belay.end").post { [journal] in
                _ = try? journal.release(lease)
                bring((try? journal.head(of: id)?.hash) ?? nil)
            }
        }
        switch result {
        case .left:
            reporter.left(id)
            return .signal(signal ?? 15)
        case .ended(let end):
            reporter.ended(id, end, head: head ?? nil)
            return ExitStatus(end)
        }
    }
}

extension Metric {
    /// A command runs where the release was started, or where its file says, seen from there.
    fileprivate mutating func resolveDirectory(_ here: String) {
        guard case .command(var query) = source else { return }
        query.directory =
            URL(fileURLWithPath: query.directory ?? ".", relativeTo: URL(fileURLWithPath: here)).standardized.path
        source = .command(query)
    }
}

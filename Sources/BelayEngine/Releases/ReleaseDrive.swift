package import BelayCore

/// Told what happens around a drive and while it lasts. Called from any thread, in the order of what happens.
package protocol ReleaseObserver: Sendable {
    /// - Parameter store: Where its record is.
    func began(_ id: String, _ plan: Plan, store: String)
    func tookOver(_ id: String, _ machine: RolloutMachine)
    /// An event is durable, or on the way back without a journal.
    func report(_ id: String, _ event: Event, _ at: Timestamp, _ machine: RolloutMachine)
    /// What is no event: a journal that cannot be written.
    func warn(_ message: String)
    func left(_ id: String)
    /// - Parameter head: The last hash of the rollout's chain; nil where the record could not be read within a second.
    func ended(_ id: String, _ end: Driver.End, head: String?)
}

/// Begins, takes over and drives rollouts.
package struct ReleaseDrive {
    /// What a release is begun with beside its plan.
    package struct Opening {
        package var key: String?
        /// Of what was resolved from the files.
        package var digest: String?
        /// Of the whole rollout; its end is the way back.
        package var timeout: Duration?
        package var actor: Actor
        package var reason: String

        package init(
            key: String? = nil, digest: String? = nil, timeout: Duration? = nil, actor: Actor, reason: String
        ) {
            self.key = key
            self.digest = digest
            self.timeout = timeout
            self.actor = actor
            self.reason = reason
        }
    }

    private let releases: Releases
    private let store: any RolloutStore
    private let provider: any MetricProvider
    private let observer: any ReleaseObserver
    /// Given the engine before it drives, and kept until it has ended: who sends it signals.
    private let attach: @Sendable (Engine) -> any Sendable

    /// - Parameter attach: What it returns lives as long as the drive.
    package init(
        _ releases: Releases, store: any RolloutStore, provider: any MetricProvider, observer: any ReleaseObserver,
        attach: @escaping @Sendable (Engine) -> any Sendable
    ) {
        self.releases = releases
        self.store = store
        self.provider = provider
        self.observer = observer
        self.attach = attach
    }

    /// Records a new rollout and drives it to its end.
    /// - Parameter survey: The look on which the plan was bound.
    /// - Throws: ``ReleaseRefusal`` where another one was quicker or the record cannot be written.
    package func start(
        _ plan: Plan, _ survey: Survey, _ opening: Opening, clock: WallClock
    ) async throws(ReleaseRefusal) -> Engine.Result {
        let now = clock.now
        var started = Event.Started(
            plan: plan, original: survey.original, settleUntil: try await releases.settleUntil(plan, at: now),
            deadline: opening.timeout.map { now.advanced(by: $0) }, actor: opening.actor, reason: opening.reason)
        started.digest = opening.digest
        let id = RolloutID.make(name: plan.name, at: now)
        let over = try await finished(on: plan)
        let grant: LeaseGrant
        do throws(JournalFailure) {
            grant = try await store.create(id, started, key: opening.key, process: .current, at: now)
        } catch {
            guard error.kind == .refused else { throw ReleaseRefusal(error) }
            let busy = (try? await store.rolloutUnderWay(on: plan.target.identity)) ?? nil
            var lines = [error.message + "; nothing was touched"]
            if let busy { lines.append(await releases.driverWords(of: busy)) }
            throw ReleaseRefusal(.taken, lines: lines)
        }
        observer.began(id, plan, store: store.place)
        let lease = Lease(rollout: id, epoch: grant.epoch, until: now.advanced(by: grant.life))
        return await drive(id, RolloutMachine(started, at: now), lease, clock, commands: [], superseding: over)
    }

    /// Takes over a rollout that nobody drives.
    /// - Parameters:
    ///   - commands: Obeyed at once.
    ///   - isForced: Also from a living driver, which is fenced out.
    /// - Throws: ``ReleaseRefusal`` where somebody drives it, where its target is not on this host, or where the record cannot
    ///   be written.
    package func resume(
        _ id: String, commands: [Command], isForced: Bool = false
    ) async throws(ReleaseRefusal) -> Engine.Result {
        let machine = try await machine(of: id)
        let target = machine.plan.target
        guard target.identity == Releases.identity(of: target.traffic) else {
            throw ReleaseRefusal(
                .invalid,
                "\(id) drives \(target.identity), which is not on this host (\(ProcessIdentity.hostName)); nothing was touched"
            )
        }
        // One clock for lease and drive, never before the record's last event.
        let clock = WallClock(notBefore: machine.state.lastEventAt)
        let over = try await finished(on: machine.plan)
        let asked = clock.now
        let grant = try await acquire(id, isForced: isForced)
        let lease = Lease(rollout: id, epoch: grant.epoch, until: asked.advanced(by: grant.life))
        // An earlier driver's append may have landed before the lease was ours; from here on none can.
        let present: RolloutMachine
        do throws(JournalFailure) {
            present = try await store.machine(of: id)
        } catch {
            _ = try? await store.release(lease)
            throw ReleaseRefusal(error)
        }
        observer.tookOver(id, present)
        return await drive(id, present, lease, clock, commands: commands, superseding: over)
    }

    /// Rollouts of the plan's target that are over: their marks may be replaced.
    private func finished(on plan: Plan) async throws(ReleaseRefusal) -> [String] {
        try await orRefuse { () throws(JournalFailure) in
            try await store.finishedRollouts(on: plan.target.identity)
        }
    }

    private func machine(of id: String) async throws(ReleaseRefusal) -> RolloutMachine {
        try await orRefuse { () throws(JournalFailure) in try await store.machine(of: id) }
    }

    private func acquire(_ id: String, isForced: Bool) async throws(ReleaseRefusal) -> LeaseGrant {
        do throws(JournalFailure) {
            return try await store.acquire(id, process: .current, isForced: isForced)
        } catch {
            guard error.kind == .full else { throw ReleaseRefusal(error) }
            store.releaseReserve()  // Kept for the records of the way back, and this may be one.
            return try await orRefuse { () throws(JournalFailure) in
                try await store.acquire(id, process: .current, isForced: isForced)
            }
        }
    }

    private func drive(
        _ id: String, _ machine: RolloutMachine, _ lease: Lease, _ clock: WallClock, commands: [Command],
        superseding: [String]
    ) async -> Engine.Result {
        DescriptorReserve.fill()
        let plan = machine.plan
        let mark = OwnerMark(
            rollout: id, epoch: lease.epoch, stable: plan.stable.name, original: machine.started.original,
            store: store.place, process: .current)
        var setup = Engine.Setup(
            journal: store, router: releases.kit(for: plan.target.traffic).router(plan.roles, clock),
            provider: provider, clock: clock, lease: lease, mark: mark)
        setup.superseding = superseding
        setup.report = { [observer] event, at, machine in observer.report(id, event, at, machine) }
        setup.warn = { [observer] in observer.warn($0) }
        let engine = Engine(setup, plan: plan)
        for command in commands { engine.send(.command(command)) }
        let attached = attach(engine)
        let result = await engine.drive(machine)
        withExtendedLifetime(attached) {}
        await finish(id, lease, result, clock)
        return result
    }

    /// The next driver need not wait for the lease to run out; a record that cannot be written lets it run out, and one that hangs
    /// keeps nobody from ending. The head is told where it can be read; `belay verify` is what checks the chain.
    private func finish(_ id: String, _ lease: Lease, _ result: Engine.Result, _ clock: WallClock) async {
        let head = await clock.wait(.seconds(1)) { (bring: @escaping @Sendable (String?) -> Void) in
            Task { [store] in
                _ = try? await store.release(lease)
                bring((try? await store.head(of: id)?.hash) ?? nil)
            }
        }
        switch result {
        case .left: observer.left(id)
        case .ended(let end): observer.ended(id, end, head: head ?? nil)
        }
    }
}

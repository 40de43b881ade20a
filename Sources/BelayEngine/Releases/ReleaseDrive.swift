internal import BelayAnalysis
package import BelayCore
internal import BelayPlatform

/// Begins, takes over and drives rollouts.
package struct ReleaseDrive {
    /// What a release is begun with beside its plan.
    package struct Opening {
        package var key: String?
        /// The hash of what was resolved from the files. A later run with the same key is compared with it.
        package var digest: String?
        /// The time limit of the whole rollout; when it is over, the traffic goes back.
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
    /// Called with the engine before it drives. What it returns, a watcher that sends the engine signals, is kept until
    /// the drive has ended.
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
    /// - Parameter survey: The survey with which the plan was bound.
    /// - Throws: ``ReleaseRefusal`` where another rollout was quicker or the record cannot be written.
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
        return await drive(
            id, RolloutMachine(started, at: now), Comparators(plan), lease, clock, commands: [], superseding: over)
    }

    /// Takes over a rollout that nobody drives.
    /// - Parameters:
    ///   - commands: Obeyed at once.
    ///   - isForced: Whether to take over from a living driver as well, which is then fenced out.
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
        let present: (machine: RolloutMachine, events: [Event])
        do throws(JournalFailure) {
            present = try await store.history(of: id)
        } catch {
            _ = try? await store.release(lease)
            throw ReleaseRefusal(error)
        }
        observer.tookOver(id, present.machine)
        return await drive(
            id, present.machine, Comparators(present.machine.plan, after: present.events), lease, clock,
            commands: commands, superseding: over)
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
        _ id: String, _ machine: RolloutMachine, _ comparators: Comparators, _ lease: Lease, _ clock: WallClock,
        commands: [Command], superseding: [String]
    ) async -> Engine.Result {
        DescriptorReserve.fill()
        let plan = machine.plan
        let mark = OwnerMark(
            rollout: id, epoch: lease.epoch, stable: plan.stable.name, original: machine.started.original,
            store: store.place, process: .current)
        let kit = releases.kit(for: plan.target.traffic)
        let router = kit.router(plan.roles, original: machine.started.original, clock)
        var setup = Engine.Setup(
            journal: store, router: router, actions: kit.actions,
            provider: TargetMetrics(others: provider, router: router), clock: clock, lease: lease, mark: mark)
        setup.superseding = superseding
        setup.report = { [observer] event, at, machine in observer.report(id, event, at, machine) }
        setup.warn = { [observer] in observer.warn($0) }
        let engine = Engine(setup, plan: plan)
        for command in commands { engine.send(.command(command)) }
        let attached = attach(engine)
        let result = await engine.drive(machine, comparators: comparators)
        withExtendedLifetime(attached) {}
        await finish(id, lease, result, clock)
        return result
    }

    /// Gives the lease up, so that the next driver need not wait until it runs out, and tells the observer how the
    /// drive ended. Where the journal cannot be written, the lease runs out by itself; where it hangs, nobody waits
    /// longer than a second. The chain's head is only read here: `belay verify` is what checks the chain.
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

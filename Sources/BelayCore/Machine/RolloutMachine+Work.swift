extension RolloutMachine {
    /// How often a hold without metrics journals its watched time.
    package static let heartbeat: Duration = .seconds(5)
    package static let givesUpAfter: Duration = .seconds(600)
    /// A share that the target has taken, and that is not in force after so long, is asked for again.
    package static let acceptedAgainAfter: Duration = .seconds(5)
    /// The same on the way back.
    static let returnAgainAfter: Duration = .seconds(1)
    /// A program that has still not ended so long after its time counts as one that cannot be ended.
    static let overdueAfter: Duration = .seconds(60)

    /// What is pending now, derived from the state alone.
    package func work(at now: Timestamp) -> Work {
        var work = Work()
        if state.isFinished { return work }
        var due: [Timestamp] = []
        func pending<Item>(_ item: Item?, from moment: Timestamp) -> Item? {
            guard item != nil else { return nil }
            if moment > now { due.append(moment) }
            return moment > now ? nil : item
        }
        work.traffic = pending(trafficWork, from: state.nextWriteAt)
        work.action = actionWork
        if state.running == nil, state.nextActionAt > now { due.append(state.nextActionAt) }
        for index in activeMetrics {
            if let index = pending(index, from: measurementDue(index)) { work.measurements.append(index) }
        }
        work.readsRouter = readsRouter
        let deadlines = deadlines(at: now)
        work.givesUp = givesUp(at: now)
        due += moments(at: now)
        for deadline in deadlines { due.append(deadline.at) }
        work.next = due.filter { $0 > now }.min()
        return work
    }

    /// The traffic write that is wanted, whether or not it has to wait before it is tried again.
    package var trafficWork: TrafficWrite? {
        switch state.phase {
        case .opening(.acting(0)), .closing(.forward), .closing(.back), .finished: return nil
        case .closing(.returning):
            // The way back waits for no lock. But it waits for a look at the mark: a target that another rollout has is
            // not ours to write.
            return hasLookedAtMark ? TrafficWrite(share: .zero, kind: .wayBack) : nil
        case .opening, .step:
            guard state.claimedEpoch == state.epoch, let share = wantedShare, share != state.confirmed else {
                return nil
            }
            let expecting = state.expected.contains(share) ? state.expected : state.expected + [share]
            return TrafficWrite(share: share, kind: .forward, expecting: expecting)
        }
    }

    /// Whether this driver has looked at the mark. Where it could not write its own, the way back goes on without it.
    var hasLookedAtMark: Bool { state.claimedEpoch == state.epoch || state.claimFailures > 0 }

    /// Whether this driver still has to mark the target. After a failed claim the end of the list back goes on without
    /// the mark.
    var needsClaim: Bool {
        guard state.claimedEpoch != state.epoch else { return false }
        switch state.phase {
        case .opening, .step, .closing(.forward), .closing(.returning): return true
        case .closing(.back): return state.claimFailures == 0 || !isAtRelease
        case .finished: return false
        }
    }

    /// The action that this driver has begun and that has not ended.
    private var actionWork: Work.Action? {
        guard let running = state.running, running.epoch == state.epoch, !isTooLate(running.run) else { return nil }
        return deed(of: running.run).map { Work.Action(running.run, $0) }
    }

    /// Whether the rollout has left the action's list, or has to return the traffic once more first. An action that has
    /// not begun by then is not wanted any more.
    func isTooLate(_ run: ActionRun) -> Bool {
        if run.kind == .claim { return false }
        switch (run.list, state.phase) {
        case (.opening, .opening), (.step, .step), (.forward, .closing(.forward)), (.back, .closing(.back)):
            return false
        case (.opening, _), (.step, _), (.forward, _), (.back, _): return true
        }
    }

    private func deed(of run: ActionRun) -> Work.Deed? {
        switch run.kind {
        case .claim:
            return .claim(
                epoch: state.epoch, state.claimedEpoch == nil ? .first : isAtRelease ? .closing : .takeover,
                stable: isNamedStable && !plan.comesHome ? plan.canary : plan.stable)
        case .handOver: return ownDeed(of: run) ?? .handOver(to: plan.canary)
        case .drain: return .drain(plan.idle(after: run.list), after: wait(before: run))
        case .release:
            return .release(run.list == .back ? .wayBack(hadTraffic: state.watchingSince != nil) : .adoption)
        case .deploy, .awaitReady, .hook, .adopt, .retire:
            return plan.command(for: run).map { .command($0) } ?? ownDeed(of: run)
        }
    }

    /// How long a canary that has lost its traffic stays as it is before an action takes it away: not at all where there is none, or where
    /// a cancelled job has only seconds to live.
    func wait(before run: ActionRun) -> Duration {
        guard state.hasCanary, case .closing(.back(let cause, _)) = state.phase, cause.kind != .cancelled else {
            return .zero
        }
        return plan.wait(before: run)
    }

    private func ownDeed(of run: ActionRun) -> Work.Deed? {
        guard plan.isOwn(run), let limit = plan.limit(of: run) else { return nil }
        return .own(run.kind, limit: limit)
    }

    /// Whether what is left of a closing list changes nothing but the mark.
    var isAtRelease: Bool {
        guard let place = state.place, place.list.isClosing else { return false }
        return actions(in: place.list).dropFirst(place.index).allSatisfy { kind in
            switch kind {
            case .claim, .drain, .release: true
            case .deploy, .awaitReady, .hook, .adopt, .handOver, .retire: false
            }
        }
    }

    private var readsRouter: Bool {
        switch state.phase {
        case .opening(.acting(0)), .finished: false
        case .opening, .step, .closing(.forward): state.claimedEpoch == state.epoch
        case .closing(.back): hasLookedAtMark
        case .closing(.returning): state.accepted != nil
        }
    }

    /// The moment from which the call for help counts: since then the rest of the list could have been done. A running
    /// program has its own time first.
    var helpSince: Timestamp {
        [state.tookOverAt, programDueAt, state.programEndedAt].compactMap(\.self).reduce(state.phaseSince, max)
    }

    /// What a closing rollout still lacks, in words: `stable 100 % has not been confirmed`; nil before that and after it.
    var missing: String? {
        switch state.phase {
        case .closing(.returning): return "stable 100 % has not been confirmed"
        case .closing(.forward), .closing(.back):
            let run = state.running?.run ?? state.place.flatMap(nextRun)
            return "\(run.map { plan.words(for: $0) } ?? "taking the mark away") has not been done"
        case .opening, .step, .finished: return nil
        }
    }

    /// When the running program has to have ended: twice its timeout after it began, since it may first wait for an
    /// earlier one to end. nil where none runs.
    private var programDueAt: Timestamp? {
        guard let running = state.running, let limit = plan.limit(of: running.run) else { return nil }
        return running.since.advanced(by: limit * 2)
    }

    /// When the running program counts as one that cannot be ended; nil where none runs.
    var overdueAt: Timestamp? { programDueAt?.advanced(by: Self.overdueAfter) }

    private func measurementDue(_ index: Int) -> Timestamp {
        let (metric, progress) = (plan.metrics[index], state.metrics[index])
        let start =
            switch metric.scope {
            case .always: state.watchingSince ?? state.phaseSince
            case .step: state.phaseSince
            }
        guard let last = progress.lastFinishedAt else { return start.advanced(by: metric.initialDelay) }
        // One more at the moment that can end the hold, so that `hold: 5m` does not mean five minutes and an interval.
        return
            ([last.advanced(by: metric.pause(after: progress.lastPhase))]
            + holdEnds(metric).filter { $0 > last }).min() ?? last
    }

    /// When the present hold is over at the soonest, and when a measurement's window lies inside the step.
    private func holdEnds(_ metric: Metric) -> [Timestamp] {
        guard case .step(let step, .holding) = state.phase, state.confirmed == wantedShare else { return [] }
        let watchedUntil = state.watchedUntil ?? state.phaseSince
        return [
            watchedUntil.advanced(by: plan.steps[step].hold.max - state.watched),
            verifiedAt.advanced(by: metric.window),
        ]
    }
}

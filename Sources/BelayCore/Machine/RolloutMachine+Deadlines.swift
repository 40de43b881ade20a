/// When something falls due by time alone. Only this file says so: `work` wakes the driver for it, and `decide` acts on
/// what is due.
extension RolloutMachine {
    package static let callsForHelpAfter: Duration = .seconds(60)

    /// Every deadline that runs now and its moment, the gravest first.
    func deadlines(at now: Timestamp) -> [(deadline: Deadline, at: Timestamp)] {
        switch state.phase {
        case .closing:
            return [
                (.help, helpSince.advanced(by: Self.callsForHelpAfter)),
                (.givingUp, givingUpAt),
            ]
        case .finished: return []
        case .opening, .step: break
        }
        var due: [(deadline: Deadline, at: Timestamp)] = []
        if let deadline = started.deadline { due.append((.rollout, deadline)) }
        if let pause = state.pause { due.append((.pause, pause.until)) }
        if let lost = state.lostSince { due.append((.reach, lost.advanced(by: plan.progressDeadline))) }
        if !isSettled { due.append((.confirmation, state.assertingSince.advanced(by: plan.progressDeadline))) }
        if let overdueAt { due.append((.program, overdueAt)) }
        for index in plan.metrics.indices where isGate(index) {
            due.append((.silence(metric: index), silentSince(index, at: now).advanced(by: silenceLimit(index))))
        }
        guard case .step(let step, .holding) = state.phase, state.pause == nil else { return due }
        if let limit = unwatchedLimit, state.excusedSince == nil {
            due.append((.unwatched, now.advanced(by: limit - unwatched(at: now))))
        }
        guard isInForce, plan.share(ofStep: step) > .zero else { return due }
        for index in plan.metrics.indices where isGate(index) {
            guard let idle = idleSince(index) else { continue }
            due.append((.idleness(metric: index), idle.advanced(by: plan.metrics[index].blindFor)))
        }
        return due
    }

    private var givingUpAt: Timestamp { helpSince.advanced(by: Self.givesUpAfter) }

    /// Whether the driver leaves: for ten minutes stable 100 % was not confirmed, or the next action of a closing list
    /// not done.
    func givesUp(at now: Timestamp) -> Bool { state.isClosing && now >= givingUpAt }

    /// The moments at which the machine has to look again, beside the deadlines.
    func moments(at now: Timestamp) -> [Timestamp] {
        switch state.phase {
        case .opening(.settling(let until)), .step(_, .approving(let until)): return [until]
        case .step(let step, .holding) where gates.isEmpty:
            let from = state.watchedUntil ?? now
            let left = plan.steps[step].hold.max - state.watched
            return [from.advanced(by: max(min(left, Self.heartbeat), .milliseconds(state.watchedUntil == nil ? 1 : 0)))]
        case .opening(.acting), .opening(.pinning), .step(_, .acting), .step(_, .routing), .step(_, .holding), .closing,
            .finished:
            return []
        }
    }

    /// This driver has marked the target, and the share that is wanted was read back.
    private var isSettled: Bool { state.claimedEpoch == state.epoch && state.confirmed == wantedShare }

    /// Whether the wanted share is in force, as this driver itself has seen, and the router is in reach. A new driver
    /// marks the target and reads it first.
    var isInForce: Bool { isSettled && state.lostSince == nil }

    /// Since when metric `index` has given no answer at all.
    func silentSince(_ index: Int, at now: Timestamp) -> Timestamp {
        max(state.metrics[index].lastFinishedAt ?? state.phaseSince, state.watchingSince ?? now, state.tookOverAt)
    }

    /// How long metric `index` may give no answer.
    func silenceLimit(_ index: Int) -> Duration {
        plan.metrics[index].blindFor + plan.metrics[index].interval * 2 + plan.metrics[index].initialDelay
    }

    /// The time of the present hold that nobody watched, without what is excused.
    package func unwatched(at now: Timestamp) -> Duration {
        guard case .step(_, .holding) = state.phase else { return .zero }
        let excused = state.excused + (state.excusedSince.map { $0.duration(to: now) } ?? .zero)
        return state.phaseSince.duration(to: now) - state.watched - excused
    }

    /// How long a hold may go unwatched in all; nil where no gate watches it. The time between two measurements counts as
    /// watched only once the second one is there.
    package var unwatchedLimit: Duration? {
        guard case .step(let step, .holding) = state.phase else { return nil }
        var (patience, slack, hasGate) = (plan.steps[step].hold.max, Duration.zero, false)
        for index in plan.metrics.indices where isGate(index) {
            hasGate = true
            patience = max(patience, plan.metrics[index].blindFor)
            slack = max(slack, plan.metrics[index].interval * 2 + plan.metrics[index].initialDelay)
        }
        return hasGate ? patience + slack : nil
    }

    /// Since when metric `index` has seen no request of the canary in this step; nil where it does not count them.
    func idleSince(_ index: Int) -> Timestamp? {
        guard plan.metrics[index].countsRequests else { return nil }
        return [state.metrics[index].lastRequestAt, state.phaseSince, state.tookOverAt, state.confirmedAt]
            .compactMap(\.self).max()
    }
}

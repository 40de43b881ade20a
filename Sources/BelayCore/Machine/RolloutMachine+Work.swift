/// What is pending now.
package struct Work: Hashable, Sendable {
    /// What is done once at the target, beside the traffic.
    package enum Action: Hashable, Sendable {
        /// Mark the target as ours under the present epoch, and read what it holds.
        case claim(epoch: Int, ClaimKind)
        /// Take the mark away.
        case release(Ending)
    }

    package enum ClaimKind: Hashable, Sendable {
        case first
        /// The mark of an earlier epoch has to be there: where it is not, somebody took it away, and the new one says so.
        case takeover
        /// What is left is to take the mark away. Where it is gone already, none is set.
        case closing
    }

    /// What the mark is taken away after.
    package enum Ending: Hashable, Sendable {
        /// The canary is the stable side from now on.
        case adoption
        /// Everything is on stable: it has to be seen once more, after all writes. With `drains` the canary side's long
        /// connections end first; `hadTraffic`: it may have had requests.
        case wayBack(drains: Bool, hadTraffic: Bool)
    }

    package var traffic: TrafficWrite?
    package var action: Action?
    /// The metrics that are due, by their place in the plan.
    package var measurements: [Int] = []
    /// The router is to be read back, every second.
    package var readsRouter = false
    /// The next moment anything falls due by itself.
    package var next: Timestamp?
    /// Ten minutes on the way back without confirmation: the driver leaves, the intent stays for the next one.
    package var givesUp = false

    package init() {}
}

extension RolloutMachine {
    /// How often a hold without metrics journals its watched time.
    package static let heartbeat: Duration = .seconds(5)
    package static let givesUpAfter: Duration = .seconds(600)
    /// A share that the target has taken, and that is not in force after so long, is asked for again.
    package static let acceptedAgainAfter: Duration = .seconds(5)
    /// The same on the way back.
    static let returnAgainAfter: Duration = .seconds(1)

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
        work.action = pending(actionWork, from: state.nextActionAt)
        for index in activeMetrics {
            if let index = pending(index, from: measurementDue(index)) { work.measurements.append(index) }
        }
        work.readsRouter = readsRouter
        work.givesUp = state.isClosing && helpSince.duration(to: now) >= Self.givesUpAfter
        due += deadlines(at: now)
        work.next = due.filter { $0 > now }.min()
        return work
    }

    /// The traffic write that is wanted, whether or not it has to wait before it is tried again.
    package var trafficWork: TrafficWrite? {
        switch state.phase {
        case .claiming, .adopting, .releasing, .finished: return nil
        case .returning:
            // The way back waits for no lock; only a target that another one has is not ours to return.
            return hasLookedAtMark ? TrafficWrite(share: .zero, kind: .wayBack) : nil
        case .pinning, .settling, .routing, .holding, .approving:
            guard state.claimedEpoch == state.epoch, let share = wantedShare, share != state.confirmed else {
                return nil
            }
            let expecting = state.expected.contains(share) ? state.expected : state.expected + [share]
            return TrafficWrite(share: share, kind: .forward, expecting: expecting)
        }
    }

    /// A driver that took over looks at the mark first; where the mark cannot be written, the way back goes on.
    private var hasLookedAtMark: Bool { state.claimedEpoch == state.epoch || hasTriedToClaim }
    private var hasTriedToClaim: Bool { state.actionFailures > 0 }

    private var claim: Work.Action {
        let isLast = if case .returning = state.phase { false } else { state.isClosing }
        return .claim(epoch: state.epoch, state.claimedEpoch == nil ? .first : isLast ? .closing : .takeover)
    }

    private var actionWork: Work.Action? {
        switch state.phase {
        case .finished: nil
        case .adopting: state.claimedEpoch == state.epoch ? .release(.adoption) : claim
        // A cancelled job has seconds to live: it does not wait for anybody's long connection.
        case .releasing(let cause):
            hasLookedAtMark
                ? .release(
                    .wayBack(drains: cause.kind != .cancelled, hadTraffic: state.watchingSince != nil)) : claim
        case .claiming, .pinning, .settling, .routing, .holding, .approving, .returning:
            state.claimedEpoch == state.epoch ? nil : claim
        }
    }

    private var readsRouter: Bool {
        switch state.phase {
        case .pinning, .settling, .routing, .holding, .approving, .adopting: state.claimedEpoch == state.epoch
        case .releasing: hasLookedAtMark
        case .returning: state.accepted != nil
        case .claiming, .finished: false
        }
    }

    private var helpSince: Timestamp { max(state.phaseSince, state.tookOverAt) }

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
        guard case .holding(let step) = state.phase, state.confirmed == wantedShare else { return [] }
        let watchedUntil = state.watchedUntil ?? state.phaseSince
        return [
            watchedUntil.advanced(by: plan.steps[step].hold.max - state.watched),
            verifiedAt.advanced(by: metric.window),
        ]
    }

    /// Since when metric `index` has given no answer at all.
    func silentSince(_ index: Int, at now: Timestamp) -> Timestamp {
        max(state.metrics[index].lastFinishedAt ?? state.phaseSince, state.watchingSince ?? now, state.tookOverAt)
    }

    /// How long it may give none.
    func silenceLimit(_ index: Int) -> Duration {
        plan.metrics[index].blindFor + plan.metrics[index].interval * 2 + plan.metrics[index].initialDelay
    }

    /// The time of the present hold that nobody watched, what is excused apart.
    package func unwatched(at now: Timestamp) -> Duration {
        guard case .holding = state.phase else { return .zero }
        let excused = state.excused + (state.excusedSince.map { $0.duration(to: now) } ?? .zero)
        return state.phaseSince.duration(to: now) - state.watched - excused
    }

    /// How long a hold may go unwatched in all; nil where no gate watches it. The time between two measurements counts as
    /// watched only once the second one is there.
    package var unwatchedLimit: Duration? {
        guard case .holding(let step) = state.phase else { return nil }
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

    private func deadlines(at now: Timestamp) -> [Timestamp] {
        if state.isClosing {
            return [helpSince.advanced(by: .seconds(60)), helpSince.advanced(by: Self.givesUpAfter)]
        }
        var due = [state.assertingSince.advanced(by: plan.progressDeadline)]
        if let deadline = started.deadline { due.append(deadline) }
        if let pause = state.pause { due.append(pause.until) }
        if let lost = state.lostSince { due.append(lost.advanced(by: plan.progressDeadline)) }
        switch state.phase {
        case .settling(let until), .approving(_, let until): due.append(until)
        case .holding(let step) where gates.isEmpty:
            let from = state.watchedUntil ?? now
            let left = plan.steps[step].hold.max - state.watched
            due.append(
                from.advanced(by: max(min(left, Self.heartbeat), .milliseconds(state.watchedUntil == nil ? 1 : 0))))
        case .claiming, .pinning, .routing, .holding, .adopting, .returning, .releasing, .finished: break
        }
        if let limit = unwatchedLimit, state.excusedSince == nil {
            due.append(now.advanced(by: limit - unwatched(at: now)))
        }
        for index in plan.metrics.indices where isGate(index) {
            due.append(silentSince(index, at: now).advanced(by: silenceLimit(index)))
            guard case .holding = state.phase, let idle = idleSince(index) else { continue }
            due.append(idle.advanced(by: plan.metrics[index].blindFor))
        }
        return due
    }
}

extension RolloutMachine {
    /// Folds one journaled event into the state. Judges nothing.
    package mutating func apply(_ event: Event, at now: Timestamp) {
        position += 1
        state.lastEventAt = now
        defer { excuse(at: now) }
        switch event {
        case .started: break  // Only ever the first record.
        case .tookOver(let epoch, _): takeOver(epoch, at: now)
        case .claimed(let epoch):
            state.claimedEpoch = epoch
            state.actionFailures = 0
            if state.phase == .claiming { enter(.pinning, at: now) }
        case .claimFailed:
            state.actionFailures += 1
            state.nextActionAt = now.advanced(by: Self.backoff(state.actionFailures))
        case .stepStarted(let step, let share):
            guard plan.steps.indices.contains(step) else {
                state.unreadable += 1
                return
            }
            startStep(step, share, at: now)
        case .trafficConfirmed(let share, let incarnations): confirm(share, incarnations, at: now)
        case .trafficAccepted(let share):
            state.accepted = .init(share: share, at: now)
            expose(to: share, at: now)
            if share > .zero { state.isRaiseUnseen = true }
            state.writeFailures = 0
            state.nextWriteAt = now.advanced(by: state.isReturning ? Self.returnAgainAfter : Self.acceptedAgainAfter)
        case .trafficFailed(let share, _):
            state.writeFailures += 1
            expose(to: share, at: now)  // Unanswered, it may have taken effect.
            let isReturning = state.isReturning
            state.nextWriteAt = now.advanced(by: Self.backoff(state.writeFailures, isUrgent: isReturning))
        case .routerLost:
            state.lostSince = now
            breakCoverage()
        case .routerFound:
            state.lostSince = nil
            breakCoverage()
        case .routerReloaded(let incarnations, let found):
            state.incarnations = incarnations
            for share in found where !state.expected.contains(share) { state.expected.append(share) }
            if found.contains(where: { $0 != wantedShare }), state.confirmed != nil {
                state.confirmed = nil
                state.assertingSince = now
                forgetAccepted(at: now)
            }
            breakCoverage()
        case .oldProcesses(let found): state.oldProcesses = found
        case .returnUndone:
            if case .releasing(let cause) = state.phase { enter(.returning(cause), at: now) }
            state.confirmed = nil
            state.accepted = nil
            (state.writeFailures, state.nextWriteAt) = (0, now)
        case .measured(let measured):
            let index = measured.measurement.metric
            // A newer version's plan may have had more; what is not known here is not judged.
            guard state.metrics.indices.contains(index) else {
                state.unreadable += 1
                return
            }
            state.metrics[index].add(measured, of: plan.metrics[index])
            (state.watched, state.watchedUntil) = (measured.watched, measured.watchedUntil)
        case .watched(let total, let until): (state.watched, state.watchedUntil) = (total, until)
        case .verdict(let index, let verdict, let message):
            // Its consequence is an event of its own; this is what people are shown.
            if state.metrics.indices.contains(index) {
                (state.metrics[index].verdict, state.metrics[index].verdictMessage) = (verdict, message)
            }
        case .adopted: enter(.adopting, at: now)
        case .settlingBegan(let until): enter(.settling(until: until), at: now)
        case .approvalAsked(let step, let until):
            guard plan.steps.indices.contains(step) else {
                state.unreadable += 1
                return
            }
            enter(.approving(step: step, until: until), at: now)
        case .stepPassed, .approvalTimedOut: state.isHoldEnded = false
        case .paused(let message, let until):
            state.pause = .init(message: message, until: until)
            state.waitBegan = position
        case .obeyed(let command): obey(command, at: now)
        case .wayBackBegan(let cause): beginWayBack(cause, at: now)
        case .attentionNeeded(let message): state.attention = message
        case .clockJumped: breakCoverage()
        case .finished(let outcome): enter(.finished(outcome), at: now)
        case .unreadable: state.unreadable += 1
        }
    }

    private mutating func enter(_ phase: MachineState.Phase, at now: Timestamp) {
        state.phase = phase
        state.phaseSince = now
        state.accepted = nil
        state.waitBegan = position
        state.assertingSince = now
        (state.actionFailures, state.nextActionAt) = (0, now)
    }

    /// What the target had taken is asked for again at once.
    private mutating func forgetAccepted(at now: Timestamp) {
        if state.accepted != nil { (state.accepted, state.nextWriteAt) = (nil, now) }
    }

    /// From here on the canary may have had traffic, and what is measured is about it.
    private mutating func expose(to share: Weight, at now: Timestamp) {
        if state.watchingSince == nil, share > .zero { state.watchingSince = now }
    }

    /// Keeps count of the time in which nobody could have watched the present hold.
    private mutating func excuse(at now: Timestamp) {
        guard case .holding = state.phase else {
            (state.excused, state.excusedSince) = (.zero, nil)
            return
        }
        let isExcused =
            state.pause != nil || state.lostSince != nil || state.claimedEpoch != state.epoch
            || state.confirmed != wantedShare
        if isExcused {
            state.excusedSince = state.excusedSince ?? now
        } else if let since = state.excusedSince {
            state.excused += since.duration(to: now)
            state.excusedSince = nil
        }
    }

    private mutating func takeOver(_ epoch: Int, at now: Timestamp) {
        state.epoch = epoch
        state.tookOverAt = now
        // What an earlier driver, or an earlier version, left unwatched is not held against the present one.
        state.excused = max(state.excused, state.phaseSince.duration(to: now) - state.watched)
        state.excusedSince = nil
        state.assertingSince = now
        state.accepted = nil
        (state.writeFailures, state.nextWriteAt) = (0, now)
        (state.actionFailures, state.nextActionAt) = (0, now)
        state.attention = nil
        state.lostSince = nil
        breakCoverage()
        // Another process has another clock, and has measured nothing yet.
        for index in state.metrics.indices { state.metrics[index].lastIsFresh = false }
    }

    private mutating func startStep(_ step: Int, _ share: Weight, at now: Timestamp) {
        if !state.asked.contains(share) { state.asked.append(share) }
        let hadTraffic = state.step.map { plan.share(ofStep: $0) > .zero } ?? false
        let wasConcurrent = state.step.map { plan.isConcurrent(step: $0) } ?? false
        let isThere = state.confirmed == share
        enter(isThere ? .holding(step: step) : .routing(step: step), at: now)
        (state.watched, state.watchedUntil, state.isHoldEnded) = (.zero, nil, false)
        state.watchedAtResume = .zero
        (state.writeFailures, state.nextWriteAt) = (0, now)
        (state.approvers, state.approvingUsers) = ([], [])
        for index in state.metrics.indices {
            let isItsStep = plan.metrics[index].scope == .step(step)
            state.metrics[index].startStep(resettingTally: isItsStep)
            if plan.metrics[index].needsStable, !wasConcurrent { state.metrics[index].lastFinishedAt = nil }
            if plan.metrics[index].comparison != nil, isItsStep || share > .zero && !hadTraffic {
                state.metrics[index].startComparing(at: now)
            }
        }
    }

    private mutating func confirm(_ share: Weight, _ incarnations: [String?], at now: Timestamp) {
        state.confirmed = share
        state.confirmedAt = now
        expose(to: share, at: now)
        state.expected = [share]
        state.incarnations = incarnations
        state.accepted = nil
        if share > .zero || state.isReturning { state.isRaiseUnseen = false }
        state.lostSince = nil
        (state.writeFailures, state.nextWriteAt) = (0, now)
        for index in state.metrics.indices { state.metrics[index].gatherAnew() }
        switch state.phase {
        case .routing(let step) where share == plan.share(ofStep: step): enter(.holding(step: step), at: now)
        case .holding where share == wantedShare: holdAnew(at: now)
        case .returning(let cause) where share == .zero: enter(.releasing(cause), at: now)
        case .claiming, .pinning, .settling, .routing, .holding, .approving, .adopting, .returning, .releasing,
            .finished:
            breakCoverage()
        }
    }

    /// A share that had to be asserted once more was not in force meanwhile: what a hold needs counts from here.
    private mutating func holdAnew(at now: Timestamp) {
        breakCoverage()
        state.phaseSince = now
        (state.watched, state.watchedAtResume) = (.zero, .zero)
        (state.excused, state.excusedSince) = (.zero, nil)
    }

    private mutating func beginWayBack(_ cause: Cause, at now: Timestamp) {
        enter(.returning(cause), at: now)
        state.pause = nil
        if let confirmed = state.confirmed, !state.expected.contains(confirmed) { state.expected.append(confirmed) }
        state.confirmed = nil
        (state.writeFailures, state.nextWriteAt) = (0, now)
    }

    private mutating func obey(_ command: Command, at now: Timestamp) {
        state.obeyed.append(command.id)
        switch command.verb {
        case .pause, .abort, .deny: break  // What follows is an event of its own.
        case .resume: liftPause(at: now)
        case .promote(let isFull):
            liftPause(at: now)
            state.isFull = state.isFull || isFull
            if case .holding(let step) = state.phase { state.isHoldEnded = !isFull || step < plan.steps.count - 1 }
            if case .routing(let step) = state.phase, isFull { state.isHoldEnded = step < plan.steps.count - 1 }
        case .approve:
            state.approvers.append(command.actor.name)
            state.approvingUsers.append(command.actor.person)
        case .skip(let name):
            for index in plan.metrics.indices where plan.metrics[index].name == name {
                state.metrics[index].isSkipped = true
            }
        }
    }

    /// Whoever resumes has looked: what led to the pause starts afresh.
    private mutating func liftPause(at now: Timestamp) {
        state.pause = nil
        state.excused = max(state.excused, state.phaseSince.duration(to: now) - state.watched)
        state.excusedSince = nil
        state.watchedAtResume = state.watched
        for index in state.metrics.indices {
            state.metrics[index].tally.inconclusive = 0
            (state.metrics[index].verdict, state.metrics[index].verdictMessage) = (nil, "")
            state.metrics[index].blindSince = nil
            state.metrics[index].lastRequestAt = now
        }
    }

    private mutating func breakCoverage() {
        for index in state.metrics.indices { state.metrics[index].breakCoverage() }
        state.watchedUntil = nil
    }

    /// The wait before try `failures + 1`: 250 ms doubled per failure, at most 5 s; on the way back at most 1 s.
    private static func backoff(_ failures: Int, isUrgent: Bool = false) -> Duration {
        min(.milliseconds(250 << min(failures - 1, 5)), isUrgent ? .seconds(1) : .seconds(5))
    }
}

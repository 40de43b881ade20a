extension RolloutMachine {
    /// Folds one journaled event into the state. Judges nothing.
    package mutating func apply(_ event: Event, at now: Timestamp) {
        position += 1
        state.lastEventAt = now
        defer { excuse(at: now) }
        switch event {
        case .started: break  // Always the first record, which `init` reads.
        case .tookOver(let epoch, _): takeOver(epoch, at: now)
        case .actionBegan(let run): begin(run, at: now)
        case .actionEnded(let run, let end): self.end(run, end, at: now)
        case .claimed(let epoch): claimed(epoch, at: now)
        case .claimFailed: claimFailed(at: now)
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
            expose(to: share, at: now)  // A write without an answer may have taken effect.
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
            if case .closing(.back(let cause, let index)) = state.phase {
                // A version that was being stopped is not stopped again; before that the side drains once more.
                let hasRetired =
                    actions(in: .back).firstIndex(of: .retire).map {
                        state.tries[.init(list: .back, index: $0)] != nil
                    } ?? false
                enter(.closing(.returning(cause)), at: now)
                state.backFrom = hasRetired ? index : 0
            }
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
            // What follows from a verdict is an event of its own; the verdict itself is kept for people.
            if state.metrics.indices.contains(index) {
                (state.metrics[index].verdict, state.metrics[index].verdictMessage) = (verdict, message)
            }
        case .adopted: enter(.closing(.forward(0)), at: now)
        case .settlingBegan(let until): enter(.opening(.settling(until: until)), at: now)
        case .approvalAsked(let step, let until):
            guard plan.steps.indices.contains(step) else {
                state.unreadable += 1
                return
            }
            enter(.step(step, .approving(until: until)), at: now)
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

    mutating func enter(_ phase: MachineState.Phase, at now: Timestamp) {
        state.phase = phase
        state.phaseSince = now
        state.accepted = nil
        state.waitBegan = position
        state.assertingSince = now
        (state.actionFailures, state.nextActionAt) = (0, now)
    }

    /// Forgets that the target has accepted a share, so that the share is asked for again at once.
    private mutating func forgetAccepted(at now: Timestamp) {
        if state.accepted != nil { (state.accepted, state.nextWriteAt) = (nil, now) }
    }

    /// Notes that the canary may have had traffic from now on, so that what is measured is about it.
    private mutating func expose(to share: Weight, at now: Timestamp) {
        if state.watchingSince == nil, share > .zero { state.watchingSince = now }
    }

    /// Keeps count of the time in which nobody could have watched the present hold.
    private mutating func excuse(at now: Timestamp) {
        guard case .step(_, .holding) = state.phase else {
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
        // Time that an earlier driver, or an earlier version, left unwatched does not count against the present one.
        state.excused = max(state.excused, state.phaseSince.duration(to: now) - state.watched)
        state.excusedSince = nil
        state.assertingSince = now
        state.accepted = nil
        (state.writeFailures, state.nextWriteAt) = (0, now)
        (state.claimFailures, state.actionFailures, state.nextActionAt) = (0, 0, now)
        state.attention = nil
        state.lostSince = nil
        breakCoverage()
        // Another process has another clock, and has measured nothing yet.
        for index in state.metrics.indices { state.metrics[index].lastIsFresh = false }
    }

    private mutating func startStep(_ step: Int, _ share: Weight, at now: Timestamp) {
        if !state.asked.contains(share) { state.asked.append(share) }
        let before = wantedShare ?? .zero
        let hadTraffic = state.step != nil && before > .zero
        let wasConcurrent = state.step != nil && before.isConcurrent
        state.shareBefore = before
        enter(.step(step, .acting(0)), at: now)
        (state.watched, state.watchedUntil) = (.zero, nil)
        state.isHoldEnded = state.isFull && step < plan.steps.count - 1
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
        routeUnlessActing(at: now)
    }

    /// Once all actions of the present step are done its share is asked for, unless somebody has paused.
    mutating func routeUnlessActing(at now: Timestamp) {
        guard case .step(let step, .acting(let index)) = state.phase, state.pause == nil,
            index >= actions(in: .step(step)).count
        else { return }
        let isThere = state.confirmed == plan.share(ofStep: step)
        enter(.step(step, isThere ? .holding : .routing), at: now)
        (state.writeFailures, state.nextWriteAt) = (0, now)
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
        case .step(let step, .routing) where share == plan.share(ofStep: step): enter(.step(step, .holding), at: now)
        case .step(_, .holding) where share == wantedShare: holdAnew(at: now)
        case .closing(.returning(let cause)) where share == .zero:
            enter(.closing(.back(cause, firstUndone(from: state.backFrom))), at: now)
        case .opening, .step, .closing, .finished: breakCoverage()
        }
    }

    /// Begins the hold again: the share had to be asserted once more, so it was not in force all the time.
    private mutating func holdAnew(at now: Timestamp) {
        breakCoverage()
        state.phaseSince = now
        (state.watched, state.watchedAtResume) = (.zero, .zero)
        (state.excused, state.excusedSince) = (.zero, nil)
    }

    private mutating func beginWayBack(_ cause: Cause, at now: Timestamp) {
        enter(.closing(.returning(cause)), at: now)
        state.pause = nil
        if let confirmed = state.confirmed, !state.expected.contains(confirmed) { state.expected.append(confirmed) }
        state.confirmed = nil
        (state.writeFailures, state.nextWriteAt) = (0, now)
    }

    private mutating func obey(_ command: Command, at now: Timestamp) {
        state.obeyed.append(command.id)
        switch command.verb {
        case .pause, .abort, .deny: break  // What follows is an event of its own.
        case .rerun:
            if answerable != nil, let place = state.place {
                state.tries[place]?.end = nil
                (state.attention, state.nextActionAt) = (nil, now)
            }
            liftPause(at: now)
        case .resume:
            liftPause(at: now)
            routeUnlessActing(at: now)
        case .promote(let isFull):
            if answerable != nil { state.attention = nil }
            liftPause(at: now)
            state.isFull = state.isFull || isFull
            switch state.phase {
            case .step(let step, .holding): state.isHoldEnded = !isFull || step < plan.steps.count - 1
            case .step(let step, .acting), .step(let step, .routing):
                if isFull { state.isHoldEnded = step < plan.steps.count - 1 }
            case .opening, .step(_, .approving), .closing, .finished: break
            }
            routeUnlessActing(at: now)
        case .approve:
            state.approvers.append(command.actor.name)
            state.approvingUsers.append(command.actor.person)
        case .skip(let name):
            for index in plan.metrics.indices where plan.metrics[index].name == name {
                state.metrics[index].isSkipped = true
            }
        }
    }

    /// Lifts the pause. Whoever resumes has looked at the reason, so what led to the pause is counted anew.
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
    static func backoff(_ failures: Int, isUrgent: Bool = false) -> Duration {
        min(.milliseconds(250 << min(failures - 1, 5)), isUrgent ? .seconds(1) : .seconds(5))
    }
}

/// A decision in the making: a copy of the machine that the events so far were applied to.
struct Draft {
    private(set) var machine: RolloutMachine
    private(set) var events: [Event] = []
    let now: Timestamp

    var state: MachineState { machine.state }
    var plan: Plan { machine.plan }

    init(_ machine: RolloutMachine, at now: Timestamp) {
        self.machine = machine
        self.now = now
    }

    mutating func emit(_ event: Event) {
        let event = event.printable
        machine.apply(event, at: now)
        events.append(event)
    }

    mutating func take(_ input: Input) {
        if state.isFinished { return }
        switch input {
        case .tick: watchWithoutMetrics()
        case .command: break  // `obey`, which can refuse.
        case .measured(let measurement): takeMeasurement(measurement)
        case .wrote(let write, let reading, let result): takeWrite(write, reading, result)
        case .read(let reading): takeReading(reading)
        case .claimed(let claim): takeClaim(claim)
        case .released(let error): takeRelease(error)
        case .tookOver(let epoch, let holder): if epoch > state.epoch { emit(.tookOver(epoch: epoch, holder: holder)) }
        case .clockJumped(let milliseconds): emit(.clockJumped(milliseconds: milliseconds))
        case .cancelled(let signal): returnTraffic(Cause(.cancelled, "the job was cancelled (\(signal))"))
        case .journalLost(let reason): returnTraffic(Cause(.journal, reason))
        }
    }

    /// Begins the way back, unless it has begun or nothing can be taken back any more.
    mutating func returnTraffic(_ cause: Cause) {
        switch state.phase {
        case .returning, .releasing, .finished, .adopting: return
        case .claiming, .pinning, .settling, .routing, .holding, .approving: emit(.wayBackBegan(cause))
        }
    }

    /// Takes every step that the state allows by itself: deadlines, passed holds, the next step, the end.
    mutating func advance() {
        var before: Int
        repeat {
            before = events.count
            checkDeadlines()
            advanceOnce()
        } while events.count > before
    }

    private mutating func advanceOnce() {
        switch state.phase {
        case .claiming, .routing, .returning, .releasing, .adopting, .finished: return
        case .pinning: if isInForce { settleOrStart() }
        case .settling(let until): if now >= until, state.pause == nil, isInForce { startStep(0) }
        case .holding(let step): if holdIsOver(of: step) { pass(step) }
        case .approving(let step, let until):
            if let approval = plan.steps[step].approval { leave(step, approval, until) }
        }
    }

    /// Approved, timed out with `proceed`, or promoted in full: whatever the reason, the router and the gates must allow it.
    private mutating func leave(_ step: Int, _ approval: Approval, _ until: Timestamp) {
        let mayGo = state.pause == nil && isInForce
        if state.isFull {
            if mayGo { startNext(after: step) }
        } else if state.approvers.count >= approval.count {
            if mayGo, gatesAllowLeaving { startNext(after: step) }
        } else if now >= until {
            switch approval.onTimeout {
            case .rollback:
                emit(.approvalTimedOut(step: step))
                returnTraffic(Cause(.deadline, "nobody approved step \(step + 1) in \(approval.timeout.text)"))
            case .proceed:
                guard mayGo, gatesAllowLeaving else { return }
                emit(.approvalTimedOut(step: step))
                startNext(after: step)
            }
        }
    }

    private mutating func settleOrStart() {
        if state.pause != nil { return }
        if let until = machine.started.settleUntil, until > now {
            emit(.settlingBegan(until: until))
        } else {
            startStep(0)
        }
    }

    private mutating func pass(_ step: Int) {
        emit(.stepPassed(step: step))
        if let approval = plan.steps[step].approval, !state.isFull {
            emit(.approvalAsked(step: step, until: now.advanced(by: approval.timeout)))
        } else {
            startNext(after: step)
        }
    }

    private mutating func startNext(after step: Int) {
        let last = plan.steps.count - 1
        if step == last { return emit(.adopted) }
        startStep(state.isFull ? last : step + 1)
    }

    private mutating func startStep(_ step: Int) {
        let index = state.isFull ? plan.steps.count - 1 : step
        emit(.stepStarted(step: index, share: plan.share(ofStep: index)))
    }

    private mutating func checkDeadlines() {
        if state.isClosing { return callForHelp() }
        guard !state.isFinished else { return }
        if let deadline = machine.started.deadline, now >= deadline {
            returnTraffic(Cause(.deadline, "the rollout's own time limit has passed"))
        } else if let pause = state.pause, now >= pause.until {
            returnTraffic(Cause(.deadline, "paused (\(pause.message)) and nobody decided in time"))
        } else if let lost = state.lostSince, lost.duration(to: now) >= plan.progressDeadline {
            returnTraffic(Cause(.deadline, "the router could not be reached for \(plan.progressDeadline.text)"))
        } else if isUnconfirmed, now >= state.assertingSince.advanced(by: plan.progressDeadline) {
            let wanted = machine.wantedShare.map(\.text) ?? "the target's mark"
            returnTraffic(Cause(.deadline, "\(wanted) was not confirmed within \(plan.progressDeadline.text)"))
        } else {
            checkSilence()
            checkUnwatched()
            checkIdleness()
            checkSuspicion()
        }
    }

    private var isUnconfirmed: Bool { state.claimedEpoch != state.epoch || state.confirmed != machine.wantedShare }

    /// What is not confirmed after 60 s calls a person.
    private mutating func callForHelp() {
        guard state.attention == nil, max(state.phaseSince, state.tookOverAt).duration(to: now) >= .seconds(60) else {
            return
        }
        if case .returning = state.phase {
            emit(.attentionNeeded("stable 100 % has not been confirmed for 60 s"))
        } else {
            emit(.attentionNeeded("the mark at the target could not be taken away for 60 s"))
        }
    }
}

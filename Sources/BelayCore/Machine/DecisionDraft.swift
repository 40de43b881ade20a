/// A decision in the making: a copy of the machine that the events so far were applied to.
struct DecisionDraft {
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
        case .command: break  // `obey` takes commands: it can refuse them.
        case .measured(let measurement): takeMeasurement(measurement)
        case .wrote(let write, let reading, let result): takeWrite(write, reading, result)
        case .read(let reading): takeReading(reading)
        case .acted(let run, let answer): takeAction(run, answer)
        case .tookOver(let epoch, let holder): if epoch > state.epoch { takeOver(epoch, holder) }
        case .clockJumped(let milliseconds): emit(.clockJumped(milliseconds: milliseconds))
        case .cancelled(let signal):
            endKeeping()
            returnTraffic(Cause(.cancelled, "the job was cancelled (\(signal))"))
        case .journalLost(let reason): returnTraffic(Cause(.journal, reason))
        }
    }

    /// Who cancels a job while its canary is kept for people to look at has seen enough.
    private mutating func endKeeping() {
        guard let running = state.running, running.epoch == state.epoch, machine.wait(before: running.run) > .zero
        else {
            return
        }
        emit(.actionEnded(running.run, .done))
    }

    /// Begins the way back, unless it has begun or nothing can be taken back any more.
    mutating func returnTraffic(_ cause: Cause) {
        switch state.phase {
        case .closing(.returning), .closing(.back), .finished: return
        case .closing(.forward):
            // A cancelled job or a lost journal does not undo an adoption: it is finished, or it stops with the traffic
            // where it is.
            switch cause.kind {
            case .gate, .person, .outsideChange, .blind: if machine.canReturn { emit(.wayBackBegan(cause)) }
            case .action, .deadline, .cancelled, .journal: return
            }
        case .opening, .step: emit(.wayBackBegan(cause))
        }
    }

    /// Does everything that the state allows without an input: deadlines, holds that are over, the next step, the end.
    mutating func advance() {
        var before: Int
        repeat {
            before = events.count
            checkDeadlines()
            advanceOnce()
        } while events.count > before
    }

    private mutating func advanceOnce() {
        if machine.needsClaim { beginClaim() }
        switch state.phase {
        case .opening(.acting(0)), .step(_, .routing), .closing(.returning), .finished: return
        case .opening(.pinning): if isInForce { openOrGoOn(.init(list: .opening, index: 1)) }
        case .opening(.acting(let index)): if isInForce { openOrGoOn(.init(list: .opening, index: index)) }
        case .opening(.settling(let until)): if now >= until, state.pause == nil, isInForce { startStep(0) }
        case .step(let step, .acting(let index)): if isInForce { act(.init(list: .step(step), index: index)) }
        case .step(let step, .holding): if holdIsOver(of: step) { pass(step) }
        case .step(let step, .approving(let until)):
            if let approval = plan.steps[step].approval { leave(step, approval, until) }
        case .closing(.forward(let index)):
            guard !machine.needsClaim else { return }
            if !act(.init(list: .forward, index: index)) { emit(.finished(.promoted)) }
        case .closing(.back(let cause, let index)):
            guard machine.hasLookedAtMark else { return }
            if !act(.init(list: .back, index: index)) { emit(.finished(.rolledBack(cause))) }
        }
    }

    /// Ends a wait for approval that is given, timed out or skipped by `promote --full`. To go on, the rollout must not
    /// be paused and the share must be in force; without `--full` the gates must allow it, too.
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

    /// Does the rest of the opening list. After its end the first step starts, once no window reaches back to the
    /// canary side's earlier traffic.
    private mutating func openOrGoOn(_ place: MachineState.Place) {
        if act(place) || state.pause != nil { return }
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
        if step == plan.steps.count - 1 { return emit(.adopted) }
        startStep(step + 1)
    }

    /// Starts step `step`. After `promote --full` the steps without a hook are skipped, except the last one.
    private mutating func startStep(_ step: Int) {
        let last = plan.steps.count - 1
        let index = state.isFull ? (step..<last).first { plan.steps[$0].run != nil } ?? last : step
        emit(.stepStarted(step: index, share: plan.share(ofStep: index)))
    }

    private mutating func checkDeadlines() {
        for (deadline, at) in machine.deadlines(at: now) where now >= at {
            let wasClosing = state.isClosing
            meet(deadline)
            if state.isClosing, !wasClosing { return }
        }
        if !state.isClosing, !state.isFinished { checkSuspicion() }
    }

    private mutating func meet(_ deadline: Deadline) {
        switch deadline {
        case .rollout: returnTraffic(Cause(.deadline, "the rollout's own time limit has passed"))
        case .pause:
            let words = state.pause.map { " (\($0.message))" } ?? ""
            returnTraffic(Cause(.deadline, "paused\(words) and nobody decided in time"))
        case .reach:
            returnTraffic(Cause(.deadline, "the router could not be reached for \(plan.progressDeadline.text)"))
        case .confirmation:
            let wanted = machine.wantedShare.map(\.text) ?? "the target's mark"
            returnTraffic(Cause(.deadline, "\(wanted) was not confirmed within \(plan.progressDeadline.text)"))
        case .program:
            let words = state.running.map { plan.words(for: $0.run) } ?? "a program"
            returnTraffic(Cause(.deadline, "\(words) has not ended \(RolloutMachine.overdueAfter.text) after its time"))
        case .silence(let metric): noteSilence(of: metric)
        case .unwatched: noteUnwatched()
        case .idleness(let metric): noteIdleness(of: metric)
        case .help:
            guard state.attention == nil, let missing = machine.missing else { return }
            emit(.attentionNeeded("\(missing) for \(RolloutMachine.callsForHelpAfter.text)"))
        case .givingUp: break  // `work` tells the driver.
        }
    }
}

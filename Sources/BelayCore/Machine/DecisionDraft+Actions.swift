/// What the machine makes of actions: when they begin, and what follows from how they ended.
extension DecisionDraft {
    /// Begins the next try at a place, unless something stands in its way.
    /// - Returns: false where the list is done.
    @discardableResult
    mutating func act(_ place: MachineState.Place) -> Bool {
        guard let run = machine.nextRun(place) else { return false }
        // A program stops or changes a version: it is begun only where this driver has marked the target and read it.
        let mayBegin =
            state.running == nil && now >= state.nextActionAt && machine.openQuestion == nil
            && (place.list.isClosing || state.pause == nil)
            && (!plan.takesLong(run) || state.claimedEpoch == state.epoch)
            && (place.list != .forward || machine.isAtRelease || machine.isComingHome
                || state.confirmed == machine.wantedShare)
        if mayBegin { emit(.actionBegan(run)) }
        return true
    }

    mutating func beginClaim() {
        guard state.running == nil, now >= state.nextActionAt,
            let run = machine.nextRun(.init(list: .opening, index: 0))
        else { return }
        emit(.actionBegan(run))
    }

    mutating func takeAction(_ run: ActionRun, _ answer: ActionAnswer) {
        // An answer of any other try comes too late.
        guard let running = state.running, running.run == run, running.epoch == state.epoch else { return }
        switch answer {
        case .claimed(let claim): takeClaim(run, claim)
        case .ended(nil): emit(.actionEnded(run, .done))
        case .ended(let error?): fail(run, error)
        }
    }

    private mutating func fail(_ run: ActionRun, _ error: String) {
        let isPresent = state.place == .init(of: run)
        emit(.actionEnded(run, .failed(error)))
        guard isPresent else { return }  // The action ran on beside the way back.
        let message = "\(plan.words(for: run)) failed: \(error)"
        guard run.list.isClosing else { return returnTraffic(Cause(.action, message)) }
        switch run.kind {
        case .adopt: if state.attention == nil { emit(.attentionNeeded(message)) }
        case .drain, .retire:
            if state.place != .init(of: run) {
                emit(.attentionNeeded("\(message); it is left as it is"))
            }
        case .claim, .deploy, .awaitReady, .hook, .handOver, .release: break  // Tried again.
        }
    }

    // MARK: Takeovers

    mutating func takeOver(_ epoch: Int, _ holder: String) {
        emit(.tookOver(epoch: epoch, holder: holder))
        if let running = state.running {
            emit(.actionEnded(running.run, .interrupted))
            followInterruption(of: running.run)
        } else if let run = machine.openQuestion, run.list.isClosing {
            // The question to the earlier driver was not answered, so it is asked again.
            emit(.attentionNeeded(question(about: run)))
        }
    }

    /// Decides what follows where an earlier driver had begun an action and nobody knows whether it was done.
    private mutating func followInterruption(of run: ActionRun) {
        guard machine.lastRun == run || run.list.isClosing else { return }  // It ran on beside the way back.
        switch plan.onCrash(of: run) {
        case .rerun: break
        case .fail:
            let message =
                "\(plan.words(for: run)) was under way when its driver ended, and `onCrash: fail` says what that is"
            if run.list.isClosing { emit(.attentionNeeded(message)) } else { returnTraffic(Cause(.action, message)) }
        case .ask:
            guard machine.openQuestion == run else { return }
            if run.list.isClosing {
                emit(.attentionNeeded(question(about: run)))
            } else {
                emit(.paused(message: question(about: run), until: now.advanced(by: plan.waitLimit)))
            }
        }
    }

    private func question(about run: ActionRun) -> String {
        "\(plan.words(for: run)) was under way when its driver ended, and nobody knows whether it was done: `resume --rerun` runs it "
            + "again, `promote` counts it as done\(run.list.isClosing ? "" : ", `abort` returns the traffic")"
    }

    private mutating func takeClaim(_ run: ActionRun, _ claim: Claim) {
        switch claim {
        case .taken(let holder):
            emit(.actionEnded(run, .failed("the target belongs to \(holder)")))
            emit(.finished(.refused(holder)))
        case .failed(let message): emit(.actionEnded(run, .failed(message)))
        case .ours(let reading, let wasMarked):
            let isTakeover = state.claimedEpoch != nil
            if case .closing(.forward) = state.phase {
                return takeOverAdoption(run, reading, wasMarked: wasMarked)
            }
            emit(.actionEnded(run, .done))
            if case .closing(.back(let cause, _)) = state.phase {
                // The mark is taken away last. Where it is gone, somebody has seen stable 100 % before, and what the
                // router shows now is not this rollout's.
                if !wasMarked { return emit(.finished(.rolledBack(cause))) }
                if reading.departs(from: .zero) { return emit(.returnUndone(describe(reading))) }
            }
            if isTakeover { takeOverTraffic(reading, wasMarked: wasMarked) }
        }
    }

    /// Takes over an adoption. The record says that the canary is the stable side, and the router may show something
    /// else: an earlier driver lost its journal, or a person returned the traffic.
    private mutating func takeOverAdoption(_ run: ActionRun, _ reading: Reading, wasMarked: Bool) {
        guard reading.isComplete else {
            return emit(.actionEnded(run, .failed("the router cannot be read: \(describe(reading))")))
        }
        emit(.actionEnded(run, .done))
        if plan.comesHome, !wasMarked {
            // Stable has what the person who took the mark away left it; only a release that had begun to end is known to be over.
            let hasBegunToEnd = machine.isAtRelease && state.place.flatMap { state.tries[$0] } != nil
            let words = "the mark at the target was gone: a person returned the traffic (`rescue`)"
            return emit(.finished(hasBegunToEnd ? .promoted : .rolledBack(Cause(.outsideChange, words))))
        }
        if machine.departs(reading) {
            if wasMarked { noteDeparture(reading) } else { emit(.finished(.rolledBack(departure(reading)))) }
        } else if !wasMarked, machine.isAtRelease {
            emit(.finished(.promoted))
        }
    }

    /// A new driver reads before it writes: what an earlier one returned stays returned, and what another hand set in
    /// the meantime is not overwritten.
    private mutating func takeOverTraffic(_ reading: Reading, wasMarked: Bool) {
        switch state.phase {
        case .opening(.acting(0)), .closing, .finished: return
        case .opening, .step: break
        }
        noteReach(reading)
        if !wasMarked {
            return returnTraffic(
                Cause(
                    .outsideChange,
                    "the mark at the target was gone: a person returned the traffic (`rescue`), and it is not raised again"
                ))
        }
        let found = reading.instances.compactMap(\.running)
        let starts = reading.instances.compactMap(\.startsWith)
        let wasReturned =
            (found + starts).contains(.zero) && !state.expected.contains(.zero) && machine.wantedShare != .zero
        if wasReturned {
            return returnTraffic(
                Cause(.outsideChange, "the router was found at stable 100 %: an earlier driver or a person returned it")
            )
        }
        if let foreign = foreign(in: reading) { return refuseForeign(foreign) }
        let isRight =
            machine.wantedShare.map { reading.confirms(TrafficWrite(share: $0, kind: .forward)) } ?? false
        if !isRight || state.confirmed != machine.wantedShare || reading.incarnations != state.incarnations {
            emit(
                .routerReloaded(
                    incarnations: knownIncarnations(reading), found: found + starts.filter { !found.contains($0) }))
        }
    }
}

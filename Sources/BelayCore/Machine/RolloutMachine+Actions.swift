/// Folds the beginnings and ends of actions.
extension RolloutMachine {
    mutating func begin(_ run: ActionRun, at now: Timestamp) {
        if run.kind == .deploy { state.hasCanary = true }
        let place = MachineState.Place(of: run)
        state.tries[place] = .init(attempt: max(state.tries[place]?.attempt ?? 0, run.attempt), end: nil)
        state.running = .init(run: run, since: now, epoch: state.epoch)
        if run.kind == .claim { return }
        // Once stable 100 % is pinned, the rest of the opening list begins.
        if state.phase == .opening(.pinning), run.list == .opening { enter(.opening(.acting(run.index)), at: now) }
    }

    mutating func end(_ run: ActionRun, _ end: ActionEnd, at now: Timestamp) {
        if state.running?.run == run { state.running = nil }
        if run.kind == .claim {
            switch end {
            case .done, .assumed: claimed(state.epoch, at: now)
            case .failed: claimFailed(at: now)
            case .interrupted: break  // The next driver claims anew.
            }
            return
        }
        let place = MachineState.Place(of: run)
        state.tries[place]?.end = end
        // A retirement has a limited number of tries, so each of them puts off the call for help, and so do the first tries of
        // what the target does by itself. A failed adoption by a program does not.
        let putsOff = run.kind == .retire || plan.isOwn(run) && run.attempt < Self.mostTries
        if plan.takesLong(run), state.place != place || putsOff { state.programEndedAt = now }
        if run.kind == .release, end == .done, isAtRelease, case .closing(.back(let cause, _)) = state.phase {
            // The release began before stable 100 % had to be asserted once more. The mark is gone now, and nothing is
            // left to do.
            return enter(.closing(.back(cause, run.index + 1)), at: now)
        }
        // An action that ends beside the way back, or while stable 100 % is asserted once more, does not move its list
        // on.
        guard state.place == place else { return }
        switch end {
        case .done, .assumed: goOn(at: now)
        case .failed:
            state.actionFailures += 1
            state.nextActionAt = now.advanced(by: backoff(of: run))
            if isGivenUp(run) { goOn(at: now) }
        case .interrupted:
            state.waitBegan = position
            // With `onCrash: fail` nobody is asked: it has failed. A failure in a closing list does not stop the list.
            if plan.onCrash(of: run) == .fail, run.list.isClosing { goOn(at: now) }
        }
    }

    mutating func claimed(_ epoch: Int, at now: Timestamp) {
        state.claimedEpoch = epoch
        state.claimFailures = 0
        guard state.phase == .opening(.acting(0)) else { return }
        // Somebody else has deployed the new version.
        if !actions(in: .opening).contains(.deploy) { state.hasCanary = true }
        enter(.opening(.pinning), at: now)
    }

    mutating func claimFailed(at now: Timestamp) {
        state.claimFailures += 1
        state.nextActionAt = now.advanced(by: Self.backoff(state.claimFailures))
    }

    /// How often an action is tried that may be left undone.
    package static let mostTries = 3

    /// The wait before the next try. A program of the user's gets more time to come right: 10 s, doubled with each
    /// failure, at most 60 s.
    private func backoff(of run: ActionRun) -> Duration {
        plan.takesLong(run)
            ? .seconds(min(10 << min(state.actionFailures - 1, 3), 60)) : Self.backoff(state.actionFailures)
    }

    /// Whether a failed action is left as it is and the list goes on. This is so for a drain or a retirement after
    /// `mostTries`: the traffic is where it should be, and a version that could not be stopped runs on.
    package func isGivenUp(_ run: ActionRun) -> Bool {
        switch run.kind {
        case .drain, .retire: run.list.isClosing && run.attempt >= Self.mostTries
        case .claim, .deploy, .awaitReady, .hook, .adopt, .handOver, .release: false
        }
    }

    /// Where the list back goes on: a version that was stopped meanwhile is not stopped again.
    func firstUndone(from index: Int) -> Int {
        let actions = actions(in: .back)
        guard actions.indices.contains(index), actions[index] == .retire else { return index }
        let place = MachineState.Place(list: .back, index: index)
        guard let last = state.tries[place], let run = run(at: place, attempt: last.attempt) else { return index }
        switch last.end {
        case .done, .assumed: return index + 1
        case .interrupted: return plan.onCrash(of: run) == .fail ? index + 1 : index
        case .failed, nil: return index
        }
    }

    /// The place after the present one.
    private mutating func goOn(at now: Timestamp) {
        switch state.phase {
        case .opening(.acting(let index)): enter(.opening(.acting(index + 1)), at: now)
        case .step(let step, .acting(let index)):
            enter(.step(step, .acting(index + 1)), at: now)
            routeUnlessActing(at: now)
        case .closing(.forward(let index)): enter(.closing(.forward(index + 1)), at: now)
        case .closing(.back(let cause, let index)): enter(.closing(.back(cause, index + 1)), at: now)
        case .opening(.pinning), .opening(.settling), .step(_, .routing), .step(_, .holding), .step(_, .approving),
            .closing(.returning), .finished:
            break
        }
    }

    // MARK: What is asked about them

    /// The last try at the present place, where a driver ended while it ran and a person has to say what came of it; nil where
    /// nobody is asked.
    package var openQuestion: ActionRun? {
        guard let place = state.place, state.tries[place]?.end == .interrupted, let run = lastRun,
            plan.onCrash(of: run) == .ask
        else { return nil }
        return run
    }

    /// The last try at the present place.
    var lastRun: ActionRun? {
        guard let place = state.place, let attempt = state.tries[place]?.attempt else { return nil }
        return run(at: place, attempt: attempt)
    }

    /// The next try at a place.
    func nextRun(_ place: MachineState.Place) -> ActionRun? {
        run(at: place, attempt: (state.tries[place]?.attempt ?? 0) + 1)
    }

    /// nil past the end of the list.
    private func run(at place: MachineState.Place, attempt: Int) -> ActionRun? {
        let actions = actions(in: place.list)
        guard actions.indices.contains(place.index) else { return nil }
        return ActionRun(actions[place.index], place.list, index: place.index, attempt: attempt)
    }

    /// What a person may answer for: an action in question, or an adoption that failed and is tried again.
    package var answerable: ActionRun? {
        if let openQuestion { return openQuestion }
        let isIdle = state.running == nil || state.running?.run.kind == .claim
        guard isIdle, let place = state.place, let run = lastRun, run.kind == .adopt else { return nil }
        if case .failed? = state.tries[place]?.end { return run } else { return nil }
    }

    /// Whether the mark names the canary as stable, or may name it: then there is nothing to return to any more.
    package var hasHandedOver: Bool {
        guard let index = actions(in: .forward).firstIndex(of: .handOver) else { return false }
        guard let last = state.tries[.init(list: .forward, index: index)] else { return false }
        if plan.comesHome { return true }  // One that failed may have moved the traffic all the same.
        if case .failed? = last.end { return false }
        return true
    }

    /// Whether the mark has to name the canary's side as stable.
    var isNamedStable: Bool { if case .closing(.forward) = state.phase { hasHandedOver } else { false } }

    /// Whether an adoption under way can still be taken back.
    var canReturn: Bool {
        guard case .closing(.forward) = state.phase, !isAtRelease else { return false }
        return !hasHandedOver || hasFailedToComeHome
    }

    /// The traffic could not be brought home, and nothing is under way: what was adopted can still be taken back.
    private var hasFailedToComeHome: Bool {
        guard isComingHome, state.running == nil, let place = state.place, let last = state.tries[place]?.end else {
            return false
        }
        if case .failed = last { return true } else { return false }
    }

    /// Why an abort comes too late; nil where it does not.
    package var refusalToReturn: String? {
        switch state.phase {
        case .closing(.forward) where !canReturn:
            hasHandedOver
                ? "the rollout is promoted, and \(plan.stable.name) is being retired: there is nothing to return to"
                : "the rollout is promoted"
        case .opening, .step, .closing: nil
        case .finished: "the rollout is over"
        }
    }
}

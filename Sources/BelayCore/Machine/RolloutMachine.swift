/// One rollout as a value. It knows no I/O and no clock.
///
/// `decide` judges and changes nothing, `apply` folds a journaled event and judges nothing, `work` says what is pending.
/// Recovery is the fold and nothing else, so a restart re-derives what was in flight.
package struct RolloutMachine: Hashable, Sendable {
    package enum Decision: Equatable, Sendable {
        case events([Event])
        /// Nothing changes; the reason is a sentence for the operator.
        case refused(String)
    }

    package let started: Event.Started
    package internal(set) var state: MachineState
    /// How many events have been applied; the next one's place in the journal.
    package internal(set) var position: Int

    package var plan: Plan { started.plan }

    package init(_ started: Event.Started, at now: Timestamp) {
        self.started = started
        state = MachineState(metrics: started.plan.metrics.count, at: now)
        state.asked = [.zero]
        position = 1
    }

    /// - Returns: nil where the first record is not the beginning of a rollout.
    package init?(replaying records: some Sequence<(event: Event, at: Timestamp)>) {
        var machine: RolloutMachine?
        for record in records {
            if machine != nil {
                machine!.apply(record.event, at: record.at)
            } else if case .started(let started) = record.event {
                machine = RolloutMachine(started, at: record.at)
            } else {
                return nil
            }
        }
        guard let machine else { return nil }
        self = machine
    }

    /// What follows from an input now: the events to journal, or a refusal that changes nothing.
    package func decide(_ input: Input, at now: Timestamp) -> Decision {
        var draft = Draft(self, at: max(now, state.lastEventAt))
        if case .command(let command) = input {
            if let refusal = draft.obey(command) { return .refused(refusal) }
        } else {
            draft.take(input)
        }
        draft.advance()
        return .events(draft.events)
    }

    /// The canary share that the present phase wants; nil where Belay asks for nothing (yet, or any more).
    package var wantedShare: Weight? {
        switch state.phase {
        case .claiming, .finished: nil
        case .pinning, .settling, .returning, .releasing: .zero
        case .routing(let step), .holding(let step), .approving(let step, _): plan.share(ofStep: step)
        case .adopting: .full
        }
    }

    /// From when on a measurement's window has to lie. Another process has another clock, so a takeover begins anew.
    package var verifiedAt: Timestamp { max(state.confirmedAt, state.tookOverAt) }

    /// The share in force during the whole window of a measurement now; nil where it changed meanwhile.
    package func shareDuringWindow(of index: Int, at now: Timestamp) -> Weight? {
        guard let share = state.confirmed, share == wantedShare,
            now >= verifiedAt.advanced(by: plan.metrics[index].window)
        else { return nil }
        return share
    }

    /// The metrics that are measured and count now, by their place in the plan.
    package var activeMetrics: [Int] { plan.metrics.indices.filter(isActive) }

    private func isActive(_ index: Int) -> Bool {
        guard let present = state.step, plan.isMeasured(index, inStep: present) else { return false }
        switch plan.metrics[index].scope {
        case .always: return state.watchingSince != nil
        case .step(let step):
            switch state.phase {
            case .holding(step), .approving(step, _): return true
            default: return false
            }
        }
    }

    /// Active metrics that have a say: neither skipped nor a dry run.
    package var gates: [Int] { plan.metrics.indices.filter(isGate) }

    func isGate(_ index: Int) -> Bool {
        !state.metrics[index].isSkipped && !plan.metrics[index].isDryRun && isActive(index)
    }
}

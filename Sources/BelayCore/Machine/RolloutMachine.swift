/// One rollout as a value. It knows no I/O and no clock.
///
/// `decide` judges and changes nothing, `apply` folds a journaled event and judges nothing, `work` says what is pending.
/// Recovery is the fold and nothing else, so a restart re-derives what was in flight.
package struct RolloutMachine: Hashable, Sendable {
    /// What follows from an input.
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
        var draft = DecisionDraft(self, at: max(now, state.lastEventAt))
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
        case .opening(.acting(0)), .finished: nil
        case .opening(.acting), .opening(.pinning), .opening(.settling), .closing(.returning), .closing(.back): .zero
        case .step(_, .acting): state.shareBefore
        case .step(let step, .routing), .step(let step, .holding), .step(let step, .approving):
            plan.share(ofStep: step)
        case .closing(.forward): plan.comesHome && hasHandedOver ? .zero : .full
        }
    }

    /// Whether a reading during an adoption shows another share than the one that belongs there.
    func departs(_ reading: Reading) -> Bool {
        if isComingHome { return reading.instances.contains { $0.foreign != nil } }
        return reading.departs(from: wantedShare ?? .full)
    }

    /// The traffic is on its way home after an adoption: the router may show the canary at 100 % or at 0 %.
    var isComingHome: Bool {
        guard plan.comesHome, hasHandedOver, case .closing(.forward(let index)) = state.phase else { return false }
        return actions(in: .forward)[index...].contains(.handOver)
    }

    /// The actions of a list, in their order. They follow from the plan and from what has been done, and stay the same as long
    /// as the list lasts.
    package func actions(in list: ActionList) -> [ActionKind] {
        let workload = plan.target.workload.command
        let managed = plan.target.workload.managed
        switch list {
        case .opening:
            if managed != nil { return [.claim, .deploy, .awaitReady] }
            return [.claim] + (workload?.deploy == nil ? [] : [.deploy])
                + (workload?.awaitReady == nil ? [] : [.awaitReady])
        case .step(let step): return plan.steps[step].run == nil ? [] : [.hook]
        case .forward:
            if let managed {
                return (managed.comesHome ? [.adopt] : []) + [.handOver, .drain, .retire, .release]
            }
            return (workload?.adopt == nil ? [] : [.adopt])
                + (workload?.retire == nil ? [] : [.handOver, .drain, .retire])
                + [.release]
        case .back:
            // A version that was never deployed is not retired. A cancelled job has only seconds to live, so it waits
            // for no long connection, unless the retirement that follows would cut it.
            if workload?.retireCanary != nil || managed != nil, state.hasCanary { return [.drain, .retire, .release] }
            if case .closing(.back(let cause, _)) = state.phase, cause.kind == .cancelled { return [.release] }
            return [.drain, .release]
        }
    }

    /// The step that metrics are about now: the last one also while its outcome is adopted, for as long as there is something to
    /// return to.
    package var watchedStep: Int? {
        switch state.phase {
        case .step(let step, _): step
        case .closing(.forward): canReturn ? plan.steps.count - 1 : nil
        case .opening, .closing(.returning), .closing(.back), .finished: nil
        }
    }

    /// A measurement's window has to lie after this moment. Another process has another clock, so a takeover begins
    /// anew.
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
        guard watchedStep != nil, let share = wantedShare, plan.isMeasured(index, at: share) else { return false }
        switch plan.metrics[index].scope {
        case .always: return state.watchingSince != nil
        case .step(let step):
            switch state.phase {
            case .step(let present, .holding), .step(let present, .approving): return step == present
            case .opening, .step(_, .acting), .step(_, .routing), .closing, .finished: return false
            }
        }
    }

    /// Active metrics that have a say: neither skipped nor a dry run.
    package var gates: [Int] { plan.metrics.indices.filter(isGate) }

    func isGate(_ index: Int) -> Bool {
        !state.metrics[index].isSkipped && !plan.metrics[index].isDryRun && isActive(index)
    }
}

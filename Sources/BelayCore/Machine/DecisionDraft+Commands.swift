extension DecisionDraft {
    /// Obeys an operator's command.
    /// - Returns: Why it is refused; nil where it is obeyed, now or before.
    mutating func obey(_ command: Command) -> String? {
        if state.obeyed.contains(command.id) { return nil }  // The command was obeyed before.
        if let refusal = refusal(of: command) { return refusal }
        let answerable = machine.answerable
        emit(.obeyed(command))
        let who = command.actor.name + (command.reason.isEmpty ? "" : ": \(command.reason)")
        switch command.verb {
        case .pause: emit(.paused(message: "by \(who)", until: now.advanced(by: plan.waitLimit)))
        case .abort: returnTraffic(Cause(.person, "aborted by \(who)"))
        case .deny: returnTraffic(Cause(.person, "denied by \(who)"))
        case .approve, .skip, .resume, .rerun: break
        // Where no action is in question, `advance` sees that the wait is over.
        case .promote: if let answerable { emit(.actionEnded(answerable, .assumed)) }
        }
        return nil
    }

    private func refusal(of command: Command) -> String? {
        if machine.answerable != nil, let answer = refusalToAnswer(command) { return answer.refusal }
        switch state.phase {
        case .finished: return "the rollout is over"
        case .closing(.returning), .closing(.back):
            if case .abort = command.verb { return nil }
            return "traffic is on its way back to stable"
        case .closing(.forward):
            if case .abort = command.verb { return machine.refusalToReturn }
            return "the rollout is promoted"
        case .opening, .step: break
        }
        switch command.verb {
        case .abort, .pause: return nil
        case .rerun: return "no action is in question"
        case .resume: return state.pause == nil ? "it is not paused" : nil
        case .promote(let isFull): return refusalToPromote(command, isFull: isFull)
        case .approve, .deny:
            guard case .step(let step, .approving) = state.phase, let approval = plan.steps[step].approval else {
                return "nothing waits for approval"
            }
            if !approval.admits(command.actor) {
                return "\(command.actor.name) may not decide here; asked are \(approval.from.joined(separator: ", "))"
            }
            if case .approve = command.verb, state.approvers.contains(command.actor.name) {
                return "\(command.actor.name) has approved already; \(approval.count) different people are asked"
            }
            if case .approve = command.verb, !approval.isSharedUser, state.approvingUsers.contains(command.actor.person)
            {
                return
                    "\(command.actor.person), who says to be \(command.actor.name), has approved already; one system user "
                    + "counts once (`approval: {sharedUser: true}` allows it)"
            }
            return staleness(of: command)
        case .skip(let name):
            guard plan.metrics.contains(where: { $0.name == name }) else {
                return "there is no metric \(name); there are \(plan.metrics.map(\.name).joined(separator: ", "))"
            }
            return nil
        }
    }

    private func refusalToPromote(_ command: Command, isFull: Bool) -> String? {
        if let stale = staleness(of: command) { return stale }
        if isFull, let step = stepWithForeignApproval(command.actor) {
            return "step \(step + 1) asks for an approval that is not \(command.actor.name)'s to skip"
        }
        if let bad = machine.gates.first(where: { state.metrics[$0].lastPhase == .failed }) {
            return "the last measurement of \(plan.metrics[bad].name) failed; `skip` it first if it is wrong"
        }
        let isPaused = state.pause != nil
        switch state.phase {
        case .step(_, .holding): return nil
        case .step(_, .approving): return isFull ? nil : "the step waits for approval: use `approve`"
        case .step(_, .acting) where !isPaused && !isFull:
            return "nothing waits: \(state.running.map { plan.words(for: $0.run) } ?? "the step's hook") is under way"
        case .opening, .step(_, .acting), .step(_, .routing), .closing, .finished:
            return !isPaused && !isFull ? "nothing waits: the step is still being routed" : nil
        }
    }

    /// How a command is judged while a person is asked what came of an action; nil where the command is no answer to
    /// that.
    private func refusalToAnswer(_ command: Command) -> (refusal: String?, Void)? {
        switch command.verb {
        case .promote(full: false) where machine.answerable.map(plan.isOwn) == true:
            ("the target adopts by itself: `resume --rerun` tries it again, `abort` returns the traffic", ())
        case .rerun, .promote(full: false): (staleness(of: command), ())
        case .pause, .resume: ("it waits for an answer: \(state.pause?.message ?? state.attention ?? "")", ())
        case .promote(full: true): ("an action is in question: `promote` or `resume --rerun` first", ())
        case .abort, .approve, .deny, .skip: nil
        }
    }

    /// `--full` skips every approval that is left, so its actor has to be admitted by each.
    private func stepWithForeignApproval(_ actor: Actor) -> Int? {
        plan.steps.indices.first { index in
            index >= state.step ?? 0 && !(plan.steps[index].approval?.admits(actor) ?? true)
        }
    }

    /// A command aimed at an earlier wait must not end the present one.
    private func staleness(of command: Command) -> String? {
        guard let aimedAt = command.aimedAt, aimedAt < state.waitBegan else { return nil }
        return "the rollout has moved on since you looked; look again"
    }
}

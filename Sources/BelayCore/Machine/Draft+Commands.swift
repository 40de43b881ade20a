extension Draft {
    /// Obeys an operator, or says why not.
    mutating func obey(_ command: Command) -> String? {
        if state.obeyed.contains(command.id) { return nil }  // Told twice, obeyed once.
        if let refusal = refusal(of: command) { return refusal }
        emit(.obeyed(command))
        let who = command.actor.name + (command.reason.isEmpty ? "" : ": \(command.reason)")
        switch command.verb {
        case .pause: emit(.paused(message: "by \(who)", until: now.advanced(by: plan.waitLimit)))
        case .abort: returnTraffic(Cause(.person, "aborted by \(who)"))
        case .deny: returnTraffic(Cause(.person, "denied by \(who)"))
        case .approve, .skip, .resume: break
        case .promote: break  // `advance` sees that the wait is ended.
        }
        return nil
    }

    private func refusal(of command: Command) -> String? {
        switch state.phase {
        case .finished: return "the rollout is over"
        case .returning, .releasing:
            if case .abort = command.verb { return nil }
            return "traffic is on its way back to stable"
        case .adopting: return "the rollout is promoted"
        case .claiming, .pinning, .settling, .routing, .holding, .approving: break
        }
        switch command.verb {
        case .abort, .pause: return nil
        case .resume: return state.pause == nil ? "it is not paused" : nil
        case .promote(let isFull): return refusalToPromote(command, isFull: isFull)
        case .approve, .deny:
            guard case .approving(let step, _) = state.phase, let approval = plan.steps[step].approval else {
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
        switch state.phase {
        case .holding: return nil
        case .approving where isFull: return nil
        case .approving: return "the step waits for approval: use `approve`"
        case .claiming, .pinning, .settling, .routing, .adopting, .returning, .releasing, .finished:
            return state.pause == nil && !isFull ? "nothing waits: the step is still being routed" : nil
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

/// What follows from comparisons. Their numbers are computed outside the machine and journaled; the decisions are made
/// here.
extension DecisionDraft {
    /// What may pass the present step: the last window since its share was confirmed.
    private func evidence(of index: Int) -> Evidence? {
        state.metrics[index].evidence.last(ofStep: machine.watchedStep)
    }

    /// Why the canary does harm, by the latest evidence of metric `index`; nil where that is not shown.
    ///
    /// Several comparisons share one probability of a false abort: their e-values are averaged by weight, each divided
    /// by its own limit. A mean of e-values is an e-value, however they depend on each other. A catastrophe in the
    /// warm-up is judged alone.
    func harm(seenBy index: Int) -> String? {
        guard plan.metrics[index].comparison != nil, let latest = state.metrics[index].evidence.last,
            latest.step == machine.watchedStep
        else { return nil }
        if latest.test == .warmUp {
            return latest.harm >= latest.harmLimit ? explain(index, "a catastrophe in the warm-up") : nil
        }
        let comparing = plan.metrics.indices.filter {
            plan.metrics[$0].comparison != nil && !plan.metrics[$0].isDryRun
        }
        let weights = comparing.reduce(0) { $0 + (plan.metrics[$1].comparison?.weight ?? 0) }
        var (total, culprit) = (0.0, (index: index, part: 0.0))
        for other in comparing where !state.metrics[other].isSkipped {
            guard let comparison = plan.metrics[other].comparison, let seen = state.metrics[other].evidence.last,
                seen.test != .warmUp
            else { continue }
            let part = comparison.weight / weights * seen.harm / seen.harmLimit
            total += part
            if part > culprit.part { culprit = (other, part) }
        }
        return total >= 1 ? explain(culprit.index, "worse than stable") : nil
    }

    /// A sentence for people. The last measured value in it names the evidence and its limit.
    private func explain(_ index: Int, _ what: String) -> String {
        "\(plan.metrics[index].name): \(what): \(state.metrics[index].lastValue)"
    }

    /// Whether metric `index` has shown in this step that the canary is no worse.
    func isNoWorse(_ index: Int) -> Bool {
        guard let comparison = plan.metrics[index].comparison, let evidence = evidence(of: index) else { return false }
        return evidence.promotion >= comparison.promotionLimit
    }

    /// Pauses a step in which a comparison has a doubt, once it was watched for `suspicionLimit` and its hold: a person
    /// has to decide within `waitLimit`. It does the same where everybody has approved and only a comparison stands in
    /// the way.
    mutating func checkSuspicion() {
        guard state.pause == nil, !state.isHoldEnded else { return }
        for index in machine.gates {
            guard let comparison = plan.metrics[index].comparison, hasWaited(comparison.suspicionLimit),
                let doubt = machine.doubt(about: index)
            else { continue }
            return emit(.paused(message: doubt, until: now.advanced(by: plan.waitLimit)))
        }
    }

    private func hasWaited(_ limit: Duration) -> Bool {
        switch state.phase {
        case .step(let step, .holding):
            return state.watched - state.watchedAtResume >= max(limit, plan.steps[step].hold.max)
        case .step(let step, .approving(let until)):
            guard let approval = plan.steps[step].approval else { return false }
            return state.approvers.count >= approval.count || now >= until && approval.onTimeout == .proceed
        case .opening, .step(_, .acting), .step(_, .routing), .closing, .finished: return false
        }
    }
}

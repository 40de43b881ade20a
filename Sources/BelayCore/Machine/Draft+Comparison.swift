/// What the machine makes of comparisons. The numbers are computed outside it and journaled; what follows from them is here.
extension Draft {
    /// What may pass the present step: the last window since its share was confirmed.
    private func evidence(of index: Int) -> Evidence? { state.metrics[index].evidence(ofStep: state.step) }

    /// Why the canary does harm, with the latest evidence of metric `index`; nil where it is not shown to.
    ///
    /// Several comparisons share one probability of a false abort: their e-values are averaged by weight, each over its
    /// own limit. The mean of e-values is one, whatever depends on what. A catastrophe in the warm-up stands alone.
    func harm(seenBy index: Int) -> String? {
        guard plan.metrics[index].comparison != nil, let latest = state.metrics[index].evidence.last,
            latest.step == state.step
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

    /// What was measured tells the evidence and its limit.
    private func explain(_ index: Int, _ what: String) -> String {
        "\(plan.metrics[index].name): \(what): \(state.metrics[index].lastValue)"
    }

    /// Why metric `index` does not let its step end by itself; nil where it has no doubt.
    func doubt(about index: Int) -> String? {
        let metric = plan.metrics[index]
        guard let comparison = metric.comparison else { return nil }
        guard let evidence = evidence(of: index), evidence.requests >= Double(comparison.minRequests) else {
            let seen = Int(evidence(of: index)?.requests ?? 0)
            return "\(metric.name): \(seen) requests of the canary in this step, minRequests \(comparison.minRequests)"
        }
        guard evidence.reference > 0 else { return "\(metric.name): stable showed no requests to compare with" }
        guard evidence.harm < comparison.suspicion else {
            return "\(metric.name) is suspicious: \(state.metrics[index].lastValue)"
        }
        return nil
    }

    /// Whether metric `index` has shown in this step that the canary is no worse.
    func isNoWorse(_ index: Int) -> Bool {
        guard let comparison = plan.metrics[index].comparison, let evidence = evidence(of: index) else { return false }
        return evidence.promotion >= comparison.promotionLimit
    }

    /// Nothing is promoted on suspicion: after its limit a person is called, within the pause's own limit. The same where
    /// everybody has approved and only a comparison stands in the way.
    mutating func checkSuspicion() {
        guard state.pause == nil, !state.isHoldEnded else { return }
        for index in machine.gates {
            guard let comparison = plan.metrics[index].comparison, hasWaited(comparison.suspicionLimit),
                let doubt = doubt(about: index)
            else { continue }
            return emit(.paused(message: doubt, until: now.advanced(by: plan.waitLimit)))
        }
    }

    private func hasWaited(_ limit: Duration) -> Bool {
        switch state.phase {
        case .holding(let step):
            return state.watched - state.watchedAtResume >= max(limit, plan.steps[step].hold.max)
        case .approving(let step, let until):
            guard let approval = plan.steps[step].approval else { return false }
            return state.approvers.count >= approval.count || now >= until && approval.onTimeout == .proceed
        case .claiming, .pinning, .settling, .routing, .adopting, .returning, .releasing, .finished: return false
        }
    }
}

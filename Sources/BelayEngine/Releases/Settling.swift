internal import BelayCore

/// Settling: the first canary request waits, so that errors of an earlier release on the same side condemn nobody.
extension Releases {
    /// How many of a target's latest rollouts are looked at.
    private static let memory = 50

    /// Until when the first canary request has to wait: until no metric's window reaches back to the time at which the
    /// canary's side last had traffic. The journal or the target's own record knows that time; a side that never had
    /// traffic has nothing to settle.
    /// - Returns: nil where nothing has to be waited for.
    func settleUntil(_ plan: Plan, at now: Timestamp) async throws(ReleaseRefusal) -> Timestamp? {
        if plan.settle == .zero { return nil }
        let recorded = await kit(for: plan.target.traffic).ownership.lastTraffic(of: plan.canary.name)
        let known = try await lastTraffic(of: plan.canary.name, on: plan.target.identity)
        // A time that lies in the future comes from a wrong clock; it counts as now.
        guard let last = [known, recorded].compactMap(\.self).max().map({ min($0, now) }) else { return nil }
        let until = last.advanced(by: plan.settle ?? plan.longestWindow)
        return until > now ? until : nil
    }

    private func lastTraffic(of side: String, on target: String) async throws(ReleaseRefusal) -> Timestamp? {
        var last: Timestamp?
        try await eachExposed(on: target) { machine in
            let isPromoted = machine.state.phase == .finished(.promoted)
            let isSwapped = isPromoted && !machine.plan.comesHome
            guard (isSwapped ? machine.plan.stable : machine.plan.canary).name == side else { return true }
            last = machine.state.phaseSince
            return false
        }
        return last
    }

    /// Visits the latest rollouts of a target that are over and gave their canary traffic, newest first.
    /// - Parameter body: Called with each rollout's machine, which is read only then; returns whether it wants the next
    ///   one.
    private func eachExposed(
        on target: String, _ body: (RolloutMachine) -> Bool
    ) async throws(ReleaseRefusal) {
        guard let store else { return }
        let ids = try await orRefuse { () throws(JournalFailure) in try await store.finishedRollouts(on: target) }
        for id in ids.suffix(Self.memory).reversed() {
            guard let machine = try? await store.machine(of: id), machine.state.isFinished,
                machine.state.watchingSince != nil
            else { continue }
            if !body(machine) { return }
        }
    }

    /// The revision that was last released to each side, by the side's name, as the journal knows it.
    package func released(on target: String) async throws(ReleaseRefusal) -> [String: String] {
        var revisions: [String: String] = [:]
        try await eachExposed(on: target) { machine in
            // A clone is gone after its release; what was promoted runs as stable.
            if machine.plan.comesHome, machine.state.phase != .finished(.promoted) { return true }
            let side = (machine.plan.comesHome ? machine.plan.stable : machine.plan.canary).name
            revisions[side] = revisions[side] ?? machine.plan.revision
            return revisions.count < (machine.plan.comesHome ? 1 : 2)
        }
        return revisions
    }
}

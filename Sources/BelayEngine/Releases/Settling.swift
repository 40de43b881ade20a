internal import BelayCore

/// So that an earlier release's errors condemn no one.
extension Releases {
    /// The latest so many rollouts of a target are looked at.
    private static let memory = 50

    /// Until no window reaches back to when the canary's side last had traffic, as the record or the target's own knows. A side
    /// that never had any has nothing to settle.
    /// - Returns: nil where nothing has to be waited for.
    func settleUntil(_ plan: Plan, at now: Timestamp) async throws(ReleaseRefusal) -> Timestamp? {
        if plan.settle == .zero { return nil }
        let recorded = kit(for: plan.target.traffic).ownership.lastTraffic(of: plan.canary.name)
        let known = try await lastTraffic(of: plan.canary.name, on: plan.target.identity)
        // A record from the future is a clock's mistake, and nobody waits for it longer than from now.
        guard let last = [known, recorded].compactMap(\.self).max().map({ min($0, now) }) else { return nil }
        let until = last.advanced(by: plan.settle ?? plan.longestWindow)
        return until > now ? until : nil
    }

    private func lastTraffic(of side: String, on target: String) async throws(ReleaseRefusal) -> Timestamp? {
        var last: Timestamp?
        try await eachExposed(on: target) { machine in
            let isPromoted = machine.state.phase == .finished(.promoted)
            guard (isPromoted ? machine.plan.stable : machine.plan.canary).name == side else { return true }
            last = machine.state.phaseSince
            return false
        }
        return last
    }

    /// The latest rollouts of a target that are over and gave their canary traffic, newest first.
    /// - Parameter body: Returns whether it wants to see the next one; each is read when it is asked for.
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

    /// What was last released to each side, by its name, as the record knows.
    package func released(on target: String) async throws(ReleaseRefusal) -> [String: String] {
        var revisions: [String: String] = [:]
        try await eachExposed(on: target) { machine in
            let side = machine.plan.canary.name
            revisions[side] = revisions[side] ?? machine.plan.revision
            return revisions.count < 2
        }
        return revisions
    }
}

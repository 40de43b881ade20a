internal import BelayAnalysis
internal import BelayCore

/// What a cluster adds to the world: endpoints follow what was written in their own time or never, a server refuses writes or does them
/// and does not answer, a watch shows what was before, and a controller undoes what was written.
extension SimulatedWorld {
    /// A reading as it is taken now.
    func read(startedAt: Timestamp) -> Reading {
        router.read(at: now, startedAt: startedAt, ignoresEndpoints: bug == .patchTakenForEndpoints)
    }

    /// Lets the endpoints of each instance come to what falls due.
    func follow() {
        for index in router.instances.indices {
            guard let next = router.instances[index].follows, let at = next.at, at <= now else { continue }
            router.instances[index].follows = nil
            guard router.instances[index].served != next.share else { continue }
            router.instances[index].served = next.share
            laws.noteServed(self)
        }
    }

    /// After each step: plans when the endpoints follow what was written, and sometimes lets a controller undo that.
    func beSlow() {
        if !isCalm, drivers.count == 1, slowness.once(in: 1500) { undo() }
        for index in router.instances.indices {
            let instance = router.instances[index]
            guard instance.served != instance.share else {
                router.instances[index].follows = nil  // Controllers look at what is there now.
                continue
            }
            if let next = instance.follows, next.share == instance.share, next.at != nil || !isCalm { continue }
            router.instances[index].follows = (instance.share, moment(after: instance))
        }
    }

    /// When the endpoints will be what was written: pods of a new version take their time, and sometimes never become ready; those that are
    /// there already take seconds.
    private func moment(after instance: SimulatedRouter.Instance) -> Timestamp? {
        if isCalm { return now.advanced(by: .milliseconds(slowness.between(1, 300))) }
        if instance.share > instance.served, slowness.once(in: 25) {
            census.note(.podsNeverReady)
            return nil
        }
        census.note(.podsSlow)
        let isLong = slowness.once(in: 6)
        return now.advanced(by: .milliseconds(isLong ? slowness.between(2000, 40_000) : slowness.between(1, 1500)))
    }

    /// A controller puts back what was there before.
    private func undo() {
        let index = slowness.below(router.instances.count)
        let instance = router.instances[index]
        guard router.answers(index, at: now), instance.former != instance.share else { return }
        census.note(.writeUndone)
        router.instances[index].share = instance.former
        laws.noteOutsideHand(self)
    }

    /// Whether the server refuses a write for what somebody else has changed meanwhile.
    func isRefusedByServer() -> Bool {
        guard isSlow, !isCalm, slowness.once(in: 25) else { return false }
        census.note(.writeConflict)
        return true
    }

    /// Whether the connection is cut after a write was done, before its answer.
    func isCutOff() -> Bool {
        guard isSlow, !isCalm, slowness.once(in: 40) else { return false }
        census.note(.writeUnanswered)
        return true
    }

    /// Whether a reading shows what was there when it began, whenever it ends: it comes from a watch that is behind.
    func isLateWatch(_ job: Driver.Job) -> Bool {
        guard isSlow, !isCalm, case .read = job, slowness.once(in: 12) else { return false }
        census.note(.watchLate)
        return true
    }
}

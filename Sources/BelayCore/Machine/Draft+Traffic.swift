extension Draft {
    mutating func takeWrite(_ write: TrafficWrite, _ reading: Reading, _ result: WriteResult) {
        guard let work = machine.trafficWork, work == write else { return }  // Late: nobody wants it any more.
        var message = describe(reading)
        if case .refused(let why) = result {
            message = why
        } else if reading.confirms(write) {
            guard isFinal(reading) else { return emit(.trafficAccepted(share: write.share)) }
            return emit(.trafficConfirmed(share: write.share, incarnations: knownIncarnations(reading)))
        }
        if write.kind == .forward {
            if let found = foreign(in: reading) { return refuseForeign(found) }
            noteReload(reading)
        }
        emit(
            result == .accepted
                ? .trafficAccepted(share: write.share) : .trafficFailed(share: write.share, message: message))
    }

    /// A target that took a raise and never showed it may still follow: stable has to hold for a while before it counts.
    private func isFinal(_ reading: Reading) -> Bool {
        !state.isReturning || !state.isRaiseUnseen
            || reading.startedAt >= state.phaseSince.advanced(by: RolloutMachine.acceptedAgainAfter)
    }

    /// Whether what the target had taken is in force now.
    private mutating func noteFollowed(_ reading: Reading) {
        guard let accepted = state.accepted, reading.startedAt > accepted.at, let write = machine.trafficWork,
            write.share == accepted.share, reading.confirms(write), isFinal(reading)
        else { return }
        emit(.trafficConfirmed(share: write.share, incarnations: knownIncarnations(reading)))
    }

    mutating func takeReading(_ reading: Reading) {
        if case .returning = state.phase { return noteFollowed(reading) }
        guard reading.startedAt > state.confirmedAt, state.claimedEpoch == state.epoch else { return }
        if reading.isComplete, reading.oldProcesses != state.oldProcesses { emit(.oldProcesses(reading.oldProcesses)) }
        switch state.phase {
        case .claiming, .returning, .finished: return
        case .adopting: return noteDeparture(reading)
        case .releasing: return noteUndone(reading)
        case .pinning, .settling, .routing, .holding, .approving: break
        }
        noteReach(reading)
        if let found = foreign(in: reading) { return refuseForeign(found) }
        noteReload(reading)
        noteFollowed(reading)
    }

    /// While connections drain, another hand or an old driver's late write may raise the canary once more.
    private mutating func noteUndone(_ reading: Reading) {
        if state.confirmed == .zero, reading.departs(from: .zero) { emit(.returnUndone(describe(reading))) }
    }

    private mutating func noteReload(_ reading: Reading) {
        let isReloaded = zip(reading.instances, state.incarnations).contains { instance, known in
            known != nil && instance.incarnation != nil && instance.incarnation != known
        }
        if isReloaded {
            emit(
                .routerReloaded(
                    incarnations: knownIncarnations(reading), found: reading.instances.compactMap(\.running)))
        }
    }

    mutating func takeClaim(_ claim: Claim) {
        guard state.claimedEpoch != state.epoch else { return }
        switch claim {
        case .taken(let holder): emit(.finished(.refused(holder)))
        case .failed(let message): emit(.claimFailed(message))
        case .ours(let reading, let wasMarked):
            let isTakeover = state.claimedEpoch != nil
            if state.phase == .adopting { return takeOverAdoption(reading, wasMarked: wasMarked) }
            emit(.claimed(epoch: state.epoch))
            if case .releasing(let cause) = state.phase, !wasMarked {
                // The mark goes last: whoever took it away had seen stable 100 %, and what is there now is another's.
                return emit(.finished(.rolledBack(cause)))
            }
            if isTakeover { takeOverTraffic(reading, wasMarked: wasMarked) }
        }
    }

    /// The record says that the canary is the stable side, and the router may say otherwise: an earlier driver lost its journal,
    /// or a person returned the traffic.
    private mutating func takeOverAdoption(_ reading: Reading, wasMarked: Bool) {
        guard reading.isComplete else { return emit(.claimFailed("the router cannot be read: \(describe(reading))")) }
        emit(.claimed(epoch: state.epoch))
        guard !reading.departs(from: .full) else {
            let cause = departure(reading)
            return emit(wasMarked ? .wayBackBegan(cause) : .finished(.rolledBack(cause)))
        }
        if !wasMarked { emit(.finished(.promoted)) }
    }

    /// Until the mark is gone another hand is one, in the runtime and in what the router starts with.
    private mutating func noteDeparture(_ reading: Reading) {
        if reading.departs(from: .full) { emit(.wayBackBegan(departure(reading))) }
    }

    private func departure(_ reading: Reading) -> Cause {
        Cause(.outsideChange, "promoted by the record, but the router was found otherwise: \(describe(reading))")
    }

    mutating func takeRelease(_ error: String?) {
        switch state.phase {
        case .adopting where error == nil: emit(.finished(.promoted))
        case .releasing(let cause) where error == nil: emit(.finished(.rolledBack(cause)))
        case .adopting, .releasing: emit(.claimFailed(error ?? ""))
        case .claiming, .pinning, .settling, .routing, .holding, .approving, .returning, .finished: break
        }
    }

    /// A new driver reads before it writes: what an earlier one returned stays returned, and what another hand set in
    /// the meantime is not overwritten.
    private mutating func takeOverTraffic(_ reading: Reading, wasMarked: Bool) {
        switch state.phase {
        case .claiming, .adopting, .returning, .releasing, .finished: return
        case .pinning, .settling, .routing, .holding, .approving: break
        }
        noteReach(reading)
        if !wasMarked {
            return returnTraffic(
                Cause(
                    .outsideChange,
                    "the mark at the target was gone: a person returned the traffic (`rescue`), and it is not raised again"
                ))
        }
        let found = reading.instances.compactMap(\.running)
        let starts = reading.instances.compactMap(\.startsWith)
        let wasReturned =
            (found + starts).contains(.zero) && !state.expected.contains(.zero) && machine.wantedShare != .zero
        if wasReturned {
            return returnTraffic(
                Cause(.outsideChange, "the router was found at stable 100 %: an earlier driver or a person returned it")
            )
        }
        if let foreign = foreign(in: reading) { return refuseForeign(foreign) }
        let isRight =
            machine.wantedShare.map { reading.confirms(TrafficWrite(share: $0, kind: .forward)) } ?? false
        if !isRight || state.confirmed != machine.wantedShare || reading.incarnations != state.incarnations {
            emit(
                .routerReloaded(
                    incarnations: knownIncarnations(reading), found: found + starts.filter { !found.contains($0) }))
        }
    }

    private mutating func refuseForeign(_ found: String) {
        let wanted = machine.wantedShare ?? .zero
        returnTraffic(
            Cause(
                .outsideChange,
                "the canary's share was changed to \(found) by another hand; Belay had asked for \(wanted.text)"))
    }

    private mutating func noteReach(_ reading: Reading) {
        switch (reading.isComplete, state.lostSince) {
        case (false, nil): emit(.routerLost(describe(reading)))
        case (true, .some): emit(.routerFound)
        case (true, nil), (false, .some): break
        }
    }

    /// What was found that is neither the share being asked for nor one last seen with our knowledge, in force or as what
    /// the router starts with. After a reload any share that was ever asked for is ours, too; nothing but a write of ours
    /// changes what it starts with. What cannot be read is unknown, and no finding.
    private func foreign(in reading: Reading) -> String? {
        for (index, instance) in reading.instances.enumerated() {
            if let words = instance.foreign { return words }
            let known = state.incarnations.indices.contains(index) ? state.incarnations[index] : nil
            let isReloaded = known != nil && instance.incarnation != nil && instance.incarnation != known
            if let share = instance.running, !isExpected(share), !(isReloaded && state.asked.contains(share)) {
                return share.text
            }
            if case .share(let share) = instance.start, !isExpected(share) || isTakenBack(share, reading) {
                return "\(share.text), for the next reload,"
            }
        }
        return nil
    }

    /// The target had taken another share, and what it starts with was that share then.
    private func isTakenBack(_ share: Weight, _ reading: Reading) -> Bool {
        guard let accepted = state.accepted, accepted.share == machine.wantedShare else { return false }
        return reading.startedAt > accepted.at && share != accepted.share
    }

    private func isExpected(_ share: Weight) -> Bool { share == machine.wantedShare || state.expected.contains(share) }

    /// An instance out of reach keeps the incarnation it was last seen with, so that its return is noticed.
    private func knownIncarnations(_ reading: Reading) -> [String?] {
        reading.incarnations.enumerated().map { index, incarnation in
            incarnation ?? (state.incarnations.indices.contains(index) ? state.incarnations[index] : nil)
        }
    }

    private func describe(_ reading: Reading) -> String {
        reading.instances.enumerated().map { index, instance in
            let running = instance.running.map(\.text) ?? instance.foreign ?? "out of reach"
            let starts =
                switch instance.start {
                case .share(let share): ", starts with \(share.text)"
                case .unknown: ", starts with unknown"
                case .same, .unknowable: ""
                }
            return "instance \(index + 1): \(running)\(starts)"
        }.joined(separator: "; ")
    }
}

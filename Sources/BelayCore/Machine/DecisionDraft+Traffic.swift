extension DecisionDraft {
    mutating func takeWrite(_ write: TrafficWrite, _ reading: Reading, _ result: WriteResult) {
        guard let work = machine.trafficWork, work == write else { return }  // Late: another write is wanted now.
        var message = describe(reading)
        if case .refused(let why) = result {
            message = why
        } else if result == .done, reading.confirms(write) {
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

    /// Whether a reading may confirm the write. A target that accepted a raise and never showed it may still follow it,
    /// so then stable 100 % counts only in a reading that began `acceptedAgainAfter` after the way back or later.
    private func isFinal(_ reading: Reading) -> Bool {
        !state.isReturning || !state.isRaiseUnseen
            || reading.startedAt >= state.phaseSince.advanced(by: RolloutMachine.acceptedAgainAfter)
    }

    /// Notes that a share which the target had accepted is in force now.
    private mutating func noteFollowed(_ reading: Reading) {
        guard let accepted = state.accepted, reading.startedAt > accepted.at, let write = machine.trafficWork,
            write.share == accepted.share, reading.confirms(write), isFinal(reading)
        else { return }
        emit(.trafficConfirmed(share: write.share, incarnations: knownIncarnations(reading)))
    }

    mutating func takeReading(_ reading: Reading) {
        if case .closing(.returning) = state.phase { return noteFollowed(reading) }
        guard reading.startedAt > state.confirmedAt, state.claimedEpoch == state.epoch else { return }
        if reading.isComplete, reading.oldProcesses != state.oldProcesses { emit(.oldProcesses(reading.oldProcesses)) }
        switch state.phase {
        case .opening(.acting(0)), .closing(.returning), .finished: return
        case .closing(.forward): return noteDeparture(reading)
        case .closing(.back): return noteUndone(reading)
        case .opening, .step: break
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

    /// Looks during an adoption for another share than the one that belongs there, in force or as what the router starts with. Until the
    /// mark is taken away such a share is an outside change.
    mutating func noteDeparture(_ reading: Reading) {
        guard machine.departs(reading) else {
            // The share is seen again after another one was found, or the traffic has come home: what is stopped next has no
            // traffic.
            let share = machine.wantedShare ?? .full
            if !machine.isComingHome, state.confirmed != share,
                reading.confirms(TrafficWrite(share: share, kind: .forward))
            {
                emit(.trafficConfirmed(share: share, incarnations: knownIncarnations(reading)))
            }
            return
        }
        let cause = departure(reading)
        if !machine.hasHandedOver { return emit(.wayBackBegan(cause)) }
        // After the hand-over there is nothing to return to. Nothing is stopped while this is so, and a person is
        // called.
        if state.confirmed != nil { emit(.returnUndone(describe(reading))) }
        if state.attention == nil {
            let idle = plan.idle(after: .forward).name
            emit(.attentionNeeded("\(cause.message); \(idle) is being retired, so that nothing is returned"))
        }
    }

    func departure(_ reading: Reading) -> Cause {
        Cause(.outsideChange, "promoted by the record, but the router was found otherwise: \(describe(reading))")
    }

    mutating func refuseForeign(_ found: String) {
        let wanted = machine.wantedShare ?? .zero
        returnTraffic(
            Cause(
                .outsideChange,
                "the canary's share was changed to \(found) by another hand; Belay had asked for \(wanted.text)"))
    }

    mutating func noteReach(_ reading: Reading) {
        switch (reading.isComplete, state.lostSince) {
        case (false, nil): emit(.routerLost(describe(reading)))
        case (true, .some): emit(.routerFound)
        case (true, nil), (false, .some): break
        }
    }

    /// What somebody else has set, in words; nil where there is no such finding. It is any share, in force or as what
    /// the router starts with, that is neither asked for nor in `MachineState.expected`. After a reload every share in
    /// force that was ever asked for is ours, too; but what the router starts with changes by our own writes alone.
    /// What could not be read is unknown, and no finding.
    func foreign(in reading: Reading) -> String? {
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

    /// Whether the router starts with another share now, although the target had accepted the wanted one and would have
    /// started with it: then somebody has changed it since.
    private func isTakenBack(_ share: Weight, _ reading: Reading) -> Bool {
        guard let accepted = state.accepted, accepted.share == machine.wantedShare else { return false }
        return reading.startedAt > accepted.at && share != accepted.share
    }

    private func isExpected(_ share: Weight) -> Bool { share == machine.wantedShare || state.expected.contains(share) }

    /// An instance out of reach keeps the incarnation it was last seen with, so that its return is noticed.
    func knownIncarnations(_ reading: Reading) -> [String?] {
        reading.incarnations.enumerated().map { index, incarnation in
            incarnation ?? (state.incarnations.indices.contains(index) ? state.incarnations[index] : nil)
        }
    }

    func describe(_ reading: Reading) -> String {
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

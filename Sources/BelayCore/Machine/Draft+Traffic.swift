extension Draft {
    mutating func takeWrite(_ write: TrafficWrite, _ reading: Reading, _ error: String?) {
        guard let work = machine.trafficWork, work == write else { return }  // Late: nobody wants it any more.
        if error == nil, reading.confirms(write) {
            return emit(.trafficConfirmed(share: write.share, processes: knownProcesses(reading)))
        }
        if write.kind == .forward {
            if let found = foreignShares(in: reading).first { return refuseForeign(found) }
            noteReload(reading)
        }
        emit(.trafficFailed(share: write.share, message: error ?? describe(reading)))
    }

    mutating func takeReading(_ reading: Reading) {
        guard state.claimedEpoch == state.epoch, reading.startedAt > state.confirmedAt else { return }
        switch state.phase {
        case .claiming, .adopting, .returning, .releasing, .finished: return
        case .pinning, .settling, .routing, .holding, .approving: break
        }
        noteReach(reading)
        if let found = foreignShares(in: reading).first { return refuseForeign(found) }
        noteReload(reading)
    }

    private mutating func noteReload(_ reading: Reading) {
        let isReloaded = zip(reading.instances, state.processes).contains { instance, known in
            known != nil && instance.process != nil && instance.process != known
        }
        if isReloaded {
            emit(.routerReloaded(processes: knownProcesses(reading), found: reading.instances.compactMap(\.running)))
        }
    }

    mutating func takeClaim(_ claim: Claim) {
        guard state.claimedEpoch != state.epoch else { return }
        switch claim {
        case .taken(let holder): emit(.finished(.refused(holder)))
        case .failed(let message): emit(.claimFailed(message))
        case .ours(let reading):
            let isTakeover = state.claimedEpoch != nil
            emit(.claimed(epoch: state.epoch))
            if isTakeover { takeOverTraffic(reading) }
        }
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
    private mutating func takeOverTraffic(_ reading: Reading) {
        switch state.phase {
        case .claiming, .adopting, .returning, .releasing, .finished: return
        case .pinning, .settling, .routing, .holding, .approving: break
        }
        noteReach(reading)
        let found = reading.instances.compactMap(\.running)
        let wasReturned = found.contains(.zero) && !state.expected.contains(.zero) && machine.wantedShare != .zero
        if wasReturned {
            return returnTraffic(
                Cause(.outsideChange, "the router was found at stable 100 %: an earlier driver or a person returned it")
            )
        }
        if let foreign = foreignShares(in: reading).first { return refuseForeign(foreign) }
        let isRight = reading.instances.allSatisfy {
            $0.running == machine.wantedShare && $0.startsWith == machine.wantedShare
        }
        if !isRight || state.confirmed != machine.wantedShare || reading.processes != state.processes {
            emit(.routerReloaded(processes: knownProcesses(reading), found: found))
        }
    }

    private mutating func refuseForeign(_ found: Weight) {
        let wanted = machine.wantedShare ?? .zero
        returnTraffic(
            Cause(
                .outsideChange,
                "the canary's share was changed to \(found.text) by another hand; Belay had asked for \(wanted.text)"))
    }

    private mutating func noteReach(_ reading: Reading) {
        switch (reading.isComplete, state.lostSince) {
        case (false, nil): emit(.routerLost(describe(reading)))
        case (true, .some): emit(.routerFound)
        case (true, nil), (false, .some): break
        }
    }

    /// Shares that are neither the one being asked for nor one last seen with our knowledge. After a reload any share
    /// that was ever asked for is ours, too.
    private func foreignShares(in reading: Reading) -> [Weight] {
        reading.instances.enumerated().compactMap { index, instance in
            guard let share = instance.running else { return nil }
            if share == machine.wantedShare || state.expected.contains(share) { return nil }
            let known = state.processes.indices.contains(index) ? state.processes[index] : nil
            let isReloaded = known != nil && instance.process != known
            return isReloaded && state.asked.contains(share) ? nil : share
        }
    }

    /// An instance out of reach keeps the process it was last seen with, so that its return is noticed.
    private func knownProcesses(_ reading: Reading) -> [Int64?] {
        reading.processes.enumerated().map { index, process in
            process ?? (state.processes.indices.contains(index) ? state.processes[index] : nil)
        }
    }

    private func describe(_ reading: Reading) -> String {
        reading.instances.enumerated().map { index, instance in
            let running = instance.running.map(\.text) ?? "out of reach"
            let starts = instance.startsWith.map(\.text) ?? "unknown"
            return "instance \(index + 1): \(running), starts with \(starts)"
        }.joined(separator: "; ")
    }
}

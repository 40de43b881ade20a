internal import BelayAnalysis
internal import BelayCore

/// The record: appends, the lease, commands that wait.
extension Engine {
    func append(_ append: Driver.Append, _ drive: inout Drive) async {
        let known = drive.driver.unwritten.count
        var failure: Driver.AppendFailure?
        if drive.owesAnswer {
            failure = .unavailable("the disk does not answer")
        } else {
            let answer = await disk.run { [setup] in
                Self.append(append, setup)
            } late: { [inbox] failure in
                inbox.post(.appendAnswered(failure))
            }
            drive.owesAnswer = answer == nil
            failure = answer ?? .unavailable("no answer within \(Disk.patience.text)")
        }
        let new = append.records.dropFirst(known)
        guard let failure else {
            CrashPoint.afterAppend.reached()
            drive.driver.appended(append)
            for record in new { setup.report(record.event, record.at, drive.driver.machine) }
            return
        }
        let wasWithoutJournal = drive.driver.isWithoutJournal
        drive.driver.appendFailed(append, failure, at: setup.clock.now)
        if case .unavailable(let reason) = failure, !wasWithoutJournal {
            setup.warn("the journal cannot be written (\(reason)); traffic goes back to stable without it")
        }
        let kept = drive.driver.unwritten.dropFirst(known)
        for record in kept { setup.report(record.event, record.at, drive.driver.machine) }
    }

    private static func append(_ append: Driver.Append, _ setup: Setup) -> Driver.AppendFailure? {
        for mayFreeReserve in [true, false] {
            do throws(JournalFailure) {
                try setup.journal.append(append, under: setup.lease)
                return nil
            } catch {
                if error.kind == .fenced { return .fenced(error.message) }
                guard mayFreeReserve, append.isWayBack, error.kind == .full else { return .unavailable(error.message) }
                setup.journal.releaseReserve()
            }
        }
        return nil
    }

    /// What had counted as unwritten may be written: the fold begins anew.
    func find(_ failure: Driver.AppendFailure?, _ drive: inout Drive) async {
        drive.owesAnswer = false
        if case .fenced(let holder) = failure { return drive.driver.leaseLost(to: holder) }
        let stored = await disk.run { [setup] in
            Swift.Result { () throws(JournalFailure) in try setup.journal.machine(of: setup.lease.rollout) }
        }
        guard case .success(let machine) = stored else { return }
        drive.driver.found(machine, at: setup.clock.now)
        drive.comparators = metrics.indices.map { Comparator($0, of: machine.plan) }
    }

    /// Whether the lease is still ours; a disk that does not answer says no.
    func isOurs() async -> Bool {
        await disk.run { [setup] in (try? setup.journal.holds(setup.lease)) ?? false } ?? false
    }

    /// A process that was suspended asks first whether the lease is still its own, before it gives anything up.
    func renew(_ drive: inout Drive) async {
        switch await renewal() {
        case .success(let until): drive.driver.leaseRenewed(until: until)
        case .failure(let failure) where failure.kind == .fenced: drive.driver.leaseLost(to: failure.message)
        case .failure, nil: break
        }
    }

    private func renewal() async -> Swift.Result<Timestamp, JournalFailure>? {
        await disk.run { [setup] in
            Swift.Result { () throws(JournalFailure) in try setup.journal.renew(setup.lease, at: setup.clock.now) }
        }
    }

    // MARK: Beside the loop

    func keepLease() async {
        while (try? await setup.clock.sleep(for: Lease.renewal)) != nil {
            switch await renewal() {
            case .success(let until): inbox.post(.leaseRenewed(until))
            case .failure(let failure) where failure.kind == .fenced: inbox.post(.leaseLost(failure.message))
            case .failure, nil: break  // Tried again in five seconds; with half its life gone the traffic goes back.
            }
            await setup.router.renew(setup.mark)
        }
    }

    func pollInbox() async {
        while (try? await setup.clock.sleep(for: .milliseconds(100))) != nil {
            let commands = await disk.run { [setup] in
                (try? setup.journal.waitingCommands(for: setup.lease.rollout)) ?? []
            }
            for command in commands ?? [] where told.withLock({ $0.insert(command.id).inserted }) {
                inbox.post(.input(.command(command)))
            }
        }
    }

    /// A jump of more than five seconds between the system's clock and ours is an event and a gap.
    func watchClock() async {
        var offset = setup.clock.now.duration(to: setup.clock.wall)
        while (try? await setup.clock.sleep(for: .seconds(1))) != nil {
            let now = setup.clock.now.duration(to: setup.clock.wall)
            let jump = now - offset
            guard abs(jump.wholeMilliseconds) > 5000 else { continue }
            inbox.post(.input(.clockJumped(milliseconds: jump.wholeMilliseconds)))
            offset = now
        }
    }
}

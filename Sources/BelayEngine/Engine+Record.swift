internal import BelayAnalysis
internal import BelayCore
internal import BelayPlatform

/// The journal's side of a drive: appends, the lease, and commands that wait in the inbox.
extension Engine {
    func append(_ append: Driver.Append, _ drive: inout Drive) async {
        let (known, records) = (drive.driver.unwritten.count, append.records)
        if drive.driver.owesAnswer {
            if drive.driver.keep(append, at: setup.clock.now) { follow(records.dropFirst(known), &drive) }
            return
        }
        let answer = await disk.run { [setup] in
            Self.append(append, setup)
        } late: { [inbox] failure in
            inbox.post(.appendAnswered(failure))
        }
        guard let answer else {
            setup.warn("the journal has not answered for \(Disk.patience.text); nobody waits for it")
            drive.driver.unanswered(append, at: setup.clock.now)
            return follow(drive.driver.unwritten.dropFirst(known), &drive)
        }
        guard let failure = answer else {
            CrashPoint.afterAppend.reached()
            drive.driver.appended(append)
            return follow(records.dropFirst(known), &drive)
        }
        fail(failure, &drive) { $0.appendFailed(append, failure, at: setup.clock.now) }
    }

    /// Tells the driver of a failure, and people of what it means.
    private func fail(_ failure: Driver.AppendFailure, _ drive: inout Drive, _ tell: (inout Driver) -> Void) {
        let (known, wasWithoutJournal) = (drive.driver.unwritten.count, drive.driver.isWithoutJournal)
        tell(&drive.driver)
        if case .unavailable(let reason) = failure, !wasWithoutJournal {
            setup.warn("the journal cannot be written (\(reason)); traffic goes back to stable without it")
        }
        follow(drive.driver.unwritten.dropFirst(known), &drive)
    }

    /// Tells the comparisons and the observer of the events that the driver has adopted, and the running jobs which of
    /// them nobody wants any more.
    private func follow(_ records: ArraySlice<Driver.Record>, _ drive: inout Drive) {
        for record in records {
            drive.comparators.apply(record.event)
            setup.report(record.event, record.at, drive.driver.machine)
        }
        for attempt in drive.driver.withdraw() { drive.jobs[attempt.number]?.cancel() }
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

    /// Takes the journal's late answer to an append that had counted as unwritten: it was written, or it failed.
    func answered(_ failure: Driver.AppendFailure?, _ drive: inout Drive) async {
        if let failure {
            fail(failure, &drive) { _ = $0.answered(failure, at: setup.clock.now) }
        } else {
            setup.warn("the journal answers again")
            for record in drive.driver.answered(nil, at: setup.clock.now) { drive.comparators.apply(record.event) }
        }
        let deferred = drive.deferred
        drive.deferred = []
        for input in deferred { await take(input, into: &drive) }
    }

    /// Whether this driver still holds the lease; false also where the journal does not answer.
    func isOurs() async -> Bool {
        await disk.run { [setup] in (try? setup.journal.holds(setup.lease)) ?? false } ?? false
    }

    /// Renews a lease of which less than half is left, before the driver gives anything up: a process that was
    /// suspended may still hold it.
    func renew(_ drive: inout Drive) async {
        // Once the lease has run out the driver may do nothing else, so the renewal is tried a few times.
        for _ in 0..<5 {
            switch await renewal() {
            case .success(let until): return drive.driver.leaseRenewed(until: until)
            case .failure(let failure) where failure.kind == .fenced: return drive.driver.leaseLost(to: failure.message)
            case .failure, nil: if setup.clock.now < drive.driver.leaseUntil { return }
            }
        }
    }

    private func renewal() async -> Swift.Result<Timestamp, JournalFailure>? {
        await disk.run { [setup] in
            let asked = setup.clock.now
            return Swift.Result { () throws(JournalFailure) in
                asked.advanced(by: try setup.journal.renew(setup.lease))
            }
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

    /// Posts an event where the system's clock has moved against this process's clock by more than five seconds. The
    /// driver counts such a jump as a gap in the watched time.
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

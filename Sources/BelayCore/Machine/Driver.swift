/// The order of decide, append, adopt and start, for one holder of a lease. The program's shell and the simulation run
/// this same value, so that what is simulated is what runs. It is synchronous: it hands out the events to append and,
/// told that they are durable, the work to start.
package struct Driver: Sendable {
    package enum Job: Hashable, Sendable {
        case traffic(TrafficWrite)
        case action(Work.Action)
        case measure(Int)
        case read
    }

    /// One try at a job. Its number grows with each, so that of two writes to the router the later one is known.
    package struct Attempt: Hashable, Sendable {
        package let number: Int
        package let job: Job

        package init(number: Int, job: Job) {
            self.number = number
            self.job = job
        }

        package var isWrite: Bool { if case .traffic = job { true } else { false } }

        /// It changes something at the router, or its mark.
        package var isAtRouter: Bool {
            switch job {
            case .traffic, .action: true
            case .measure, .read: false
            }
        }
    }

    /// Events that must be durable before anything follows from them.
    package struct Append: Sendable {
        package let records: [Record]
        /// The journal's length before them; an append at a position already taken is refused.
        package let after: Int
        /// It must not wait long for a busy journal.
        package let isWayBack: Bool

        package init(records: [Record], after: Int, isWayBack: Bool) {
            self.records = records
            self.after = after
            self.isWayBack = isWayBack
        }
    }

    package struct Record: Hashable, Sendable {
        package let event: Event
        package let at: Timestamp

        package init(event: Event, at: Timestamp) {
            self.event = event
            self.at = at
        }
    }

    package enum Taken: Sendable {
        case nothing
        case refused(String)
        case append(Append)
    }

    package enum AppendFailure: Hashable, Sendable {
        /// Another holder has the lease, or the position is taken.
        case fenced(String)
        /// The journal cannot be written now.
        case unavailable(String)
    }

    /// Why this driver has nothing more to do.
    package enum End: Hashable, Sendable {
        case finished(Outcome)
        /// Somebody else drives now.
        case superseded(String)
        /// The way back is not confirmed; its intent stays for the next driver.
        case needsAttention(String)
    }

    package private(set) var machine: RolloutMachine
    /// Events of the way back that the journal could not take yet. The one exception to "intent first": the way back's
    /// intent and the originals were durable before the first canary request.
    package private(set) var unwritten: [Record] = []
    /// Begun and not ended, oldest first; what was given up stays here until it has ended.
    package private(set) var running: [Attempt] = []
    /// Numbers of running writes that nobody wants any more: they have been told, and are waited for.
    package private(set) var superseded: Set<Int> = []
    /// Numbers of running ways back that began beside such a write: what they read may change once more.
    private var disputed: Set<Int> = []
    private var lastNumber = 0
    /// Until when writing is ours.
    package private(set) var leaseUntil: Timestamp
    private var successor: String?
    private var journalFailure: String?
    /// An append that nobody knows yet whether it was written, since when, and the machine without it.
    private var owed: (append: Append, base: RolloutMachine, since: Timestamp)?
    /// When metrics were measured while it is owed: the machine does not know of it yet.
    private var measuredMeanwhile: [Int: Timestamp] = [:]
    private var nextReadAt: Timestamp
    private var confirmedWithoutJournalAt: Timestamp?

    /// How often the router is read back.
    package static let readInterval: Duration = .seconds(1)
    /// With half of its life left, a lease that cannot be renewed sends the traffic back.
    package static let leaseReserve: Duration = .seconds(15)

    package init(machine: RolloutMachine, leaseUntil: Timestamp, at now: Timestamp) {
        self.machine = machine
        self.leaseUntil = leaseUntil
        nextReadAt = now
    }

    package var isWithoutJournal: Bool { journalFailure != nil }

    /// An append has not been answered; until it is, nothing else may be appended.
    package var owesAnswer: Bool { owed != nil }

    /// How long an append may stay unanswered before the traffic goes back without it.
    package static let journalPatience: Duration = .seconds(10)

    /// Judges an input. What comes back has to be appended and then told to `appended` or `appendFailed`.
    package mutating func take(_ input: Input, at now: Timestamp) -> Taken {
        switch machine.decide(input, at: now) {
        case .refused(let reason): return .refused(reason)
        case .events(let events):
            let at = max(now, machine.state.lastEventAt)
            let records = unwritten + events.map { Record(event: $0, at: at) }
            guard !records.isEmpty else { return .nothing }
            let after = machine.position - unwritten.count
            return .append(Append(records: records, after: after, isWayBack: isReturning(after: events, at: at)))
        }
    }

    /// The events are durable: adopt them.
    package mutating func appended(_ append: Append) {
        adopt(append.records.dropFirst(unwritten.count))
        unwritten = []
        (journalFailure, confirmedWithoutJournalAt) = (nil, nil)
    }

    /// Without a journal only one thing is allowed: the way back, while the lease is good.
    package mutating func appendFailed(_ append: Append, _ failure: AppendFailure, at now: Timestamp) {
        switch failure {
        case .fenced(let holder): successor = holder
        case .unavailable(let reason):
            journalFailure = reason
            if !keep(append, at: now) { loseJournal(at: now) }
            noteConfirmation(at: now)
        }
    }

    /// The journal has not answered for a second: its events count as unwritten, and nobody waits for them. Verdicts and
    /// aborts are judged without them; those of the way back are adopted, as without a journal.
    package mutating func unanswered(_ append: Append, at now: Timestamp) {
        owed = (append, machine, now)
        if append.isWayBack { keep(append, at: now) }
    }

    /// While an answer is owed: adopts what belongs to the way back, to be written later.
    /// - Returns: Whether it did; else the events are given up, and whatever led to them comes again.
    @discardableResult
    package mutating func keep(_ append: Append, at now: Timestamp) -> Bool {
        guard append.isWayBack else { return false }
        let new = append.records.dropFirst(unwritten.count)
        adopt(new)
        unwritten += new
        return true
    }

    /// The append that was owed has its answer. Written after all, it is the truth, and what was decided since then without it
    /// is folded anew on top.
    package mutating func answered(_ failure: AppendFailure?, at now: Timestamp) {
        guard let owed else { return }
        self.owed = nil
        measuredMeanwhile = [:]
        switch failure {
        case .fenced(let holder): successor = holder
        case .unavailable(let reason):
            journalFailure = reason
            if !machine.state.isReturning { loseJournal(at: now) }
        case nil:
            (journalFailure, confirmedWithoutJournalAt) = (nil, nil)
            if owed.append.isWayBack { return unwritten.removeFirst(owed.append.records.count) }
            machine = owed.base
            adopt(owed.append.records[...])
            adopt(unwritten[...])
        }
    }

    package mutating func leaseRenewed(until: Timestamp) { leaseUntil = until }

    package mutating func leaseLost(to holder: String) { successor = holder }

    /// Attempts to start now, and running writes that nobody wants any more: they are to be told, and awaited.
    package mutating func start(at now: Timestamp) -> (started: [Attempt], cancelled: [Attempt]) {
        guard end(at: now) == nil else { return ([], supersede(allBut: nil)) }
        let work = machine.work(at: now)
        let cancelled = supersede(allBut: machine.trafficWork)
        var wanted: [Job] = []
        if let traffic = work.traffic, now < leaseUntil, traffic.kind == .wayBack || superseded.isEmpty {
            wanted.append(.traffic(traffic))
        }
        if let action = work.action, mayAct(action) { wanted.append(.action(action)) }
        wanted += work.measurements.filter { !wasMeasuredMeanwhile($0, at: now) }.map { .measure($0) }
        let isWriting = isWritingNow || work.traffic != nil
        if work.readsRouter, !isWriting, now >= nextReadAt { wanted.append(.read) }
        return (wanted.compactMap { begin($0) }, cancelled)
    }

    private func wasMeasuredMeanwhile(_ index: Int, at now: Timestamp) -> Bool {
        guard let last = measuredMeanwhile[index] else { return false }
        return now < last.advanced(by: machine.plan.metrics[index].interval)
    }

    private mutating func supersede(allBut wanted: TrafficWrite?) -> [Attempt] {
        let given = running.filter { attempt in
            guard case .traffic(let write) = attempt.job, !superseded.contains(attempt.number) else { return false }
            return write != wanted
        }
        superseded.formUnion(given.map(\.number))
        return given
    }

    private mutating func begin(_ job: Job) -> Attempt? {
        guard !running.contains(where: { $0.job == job && !superseded.contains($0.number) }) else { return nil }
        lastNumber += 1
        let attempt = Attempt(number: lastNumber, job: job)
        if attempt.isWrite, !superseded.isEmpty { disputed.insert(attempt.number) }
        running.append(attempt)
        return attempt
    }

    /// Without a journal the mark is still set, since the way back of a new driver waits for it, but never taken away.
    /// Nor is it while a write is on its way, wanted or not: the mark is what keeps others from the target.
    private func mayAct(_ action: Work.Action) -> Bool {
        switch action {
        case .claim: true
        case .release: !((isWithoutJournal || owesAnswer) && machine.state.isClosing) && !isWritingNow
        }
    }

    /// The attempt is over, with what came of it; nil where nothing did. What comes back is as for `take`.
    package mutating func ended(_ attempt: Attempt, _ input: Input?, at now: Timestamp) -> Taken {
        running.removeAll { $0.number == attempt.number }
        if attempt.job == .read { nextReadAt = now.advanced(by: Self.readInterval) }
        if owed != nil, case .measure(let index) = attempt.job { measuredMeanwhile[index] = now }
        if superseded.remove(attempt.number) != nil { return .nothing }  // Nobody wants it any more.
        guard let input else { return .nothing }
        // A reading ends a way back only if it was taken after every earlier write had ended.
        if case .read = input, machine.state.isReturning, isWritingNow { return .nothing }
        guard disputed.remove(attempt.number) != nil, case .wrote(let write, let reading, let result) = input else {
            return take(input, at: now)
        }
        if case .refused = result { return take(input, at: now) }
        if superseded.isEmpty { return .nothing }  // It is asserted once more at once.
        return take(.wrote(write, reading, .refused("an earlier write to the router has not ended yet")), at: now)
    }

    /// The next moment to look again, if nothing happens before.
    package func wakes(at now: Timestamp) -> Timestamp {
        let work = machine.work(at: now)
        var moments = [now.advanced(by: .seconds(1))]
        if isWithoutJournal { moments.append(now.advanced(by: .milliseconds(100))) }
        if work.readsRouter, !running.contains(where: { $0.job == .read }), !isWritingNow {
            moments.append(max(nextReadAt, now.advanced(by: .milliseconds(1))))
        }
        if let next = work.next { moments.append(next) }
        return moments.min() ?? now
    }

    private var isWritingNow: Bool { running.contains(where: \.isWrite) }

    /// Half of the lease's life is gone: time to renew it, or to return the traffic while that is still ours to do.
    package func isLeaseShort(at now: Timestamp) -> Bool { now >= leaseUntil.advanced(by: .zero - Self.leaseReserve) }

    /// Whether the traffic must be returned because the lease cannot be renewed.
    package func mustReturn(at now: Timestamp) -> Bool {
        let isOwedTooLong = owed.map { $0.since.duration(to: now) >= Self.journalPatience } ?? false
        return (isLeaseShort(at: now) || isOwedTooLong) && !machine.state.isClosing && !machine.state.isFinished
    }

    package func end(at now: Timestamp) -> End? {
        if let successor { return .superseded(successor) }
        if case .finished(let outcome) = machine.state.phase, unwritten.isEmpty { return .finished(outcome) }
        if now >= leaseUntil { return .needsAttention("the lease ran out; another driver may take over") }
        if let reason = journalFailure {
            if machine.state.claimedEpoch == nil {
                return .needsAttention("the journal cannot be written: \(reason)")
            }
            if let confirmed = confirmedWithoutJournalAt, confirmed.duration(to: now) >= .seconds(1) {
                let what = machine.state.isReturning ? "stable 100 % is confirmed" : "the traffic is where it should be"
                return .needsAttention("\(what), but the journal cannot be written: \(reason)")
            }
        }
        if machine.work(at: now).givesUp {
            return .needsAttention("stable 100 % could not be confirmed for ten minutes")
        }
        return nil
    }

    /// Since when there is nothing left to do but to write it down.
    private mutating func noteConfirmation(at now: Timestamp) {
        let isDone = machine.state.isFinished || machine.state.isReturning && machine.state.confirmed == .zero
        confirmedWithoutJournalAt = isDone ? confirmedWithoutJournalAt ?? now : nil
    }

    /// The way back without a record, which is written as soon as there is room.
    private mutating func loseJournal(at now: Timestamp) {
        let reason = "the journal cannot be written: \(journalFailure ?? "no answer")"
        guard case .events(let events) = machine.decide(.journalLost(reason), at: now) else { return }
        let records = events.map { Record(event: $0, at: max(now, machine.state.lastEventAt)) }
        adopt(records[...])
        unwritten += records
    }

    private mutating func adopt(_ records: ArraySlice<Record>) {
        for record in records { machine.apply(record.event, at: record.at) }
    }

    private func isReturning(after events: [Event], at now: Timestamp) -> Bool {
        // What is still to be written belongs to a way back, also once that has ended.
        if machine.state.isClosing || !unwritten.isEmpty { return true }
        return events.contains { if case .wayBackBegan = $0 { true } else { false } }
    }
}

/// The order of decide, append, adopt and start, for one holder of a lease. The program's shell and the simulation run
/// this same value, so that what is simulated is what runs. It is synchronous: it hands out the events to append and,
/// told that they are durable, the work to start.
package struct Driver: Sendable {
    package private(set) var machine: RolloutMachine
    /// The epoch of the lease under which this driver drives.
    private let epoch: Int
    /// The name of this driver in the record.
    private let holder: String
    /// Events of the way back that the journal could not take yet. The one exception to "intent first": the way back's
    /// intent and the originals were durable before the first canary request.
    package private(set) var unwritten: [Record] = []
    /// The attempts that have begun and not ended, oldest first. One that was given up stays here until it has ended.
    package private(set) var running: [Attempt] = []
    /// Numbers of running writes that are not wanted any more. They have been told so, and their end is waited for.
    package private(set) var superseded: Set<Int> = []
    /// Numbers of programs that were told that the rollout left them behind: one not begun by then does not begin.
    private var late: Set<Int> = []
    /// Numbers of running way-back writes that began beside a superseded one: it may still change what they read.
    private var disputed: Set<Int> = []
    private var lastNumber = 0
    /// The moment until which this driver may write, by its own clock.
    package private(set) var leaseUntil: Timestamp
    private var successor: String?
    private var journalFailure: String?
    /// An append without an answer, which may or may not be written; since when; and the machine without it.
    private var owed: (append: Append, base: RolloutMachine, since: Timestamp)?
    /// When metrics were measured while an append is owed: the machine does not know of these measurements yet.
    private var measuredMeanwhile: [Int: Timestamp] = [:]
    /// An action's end that is not recorded yet. Each tick tells it to the machine, and the action is not begun again.
    private var unrecorded: (run: ActionRun, answer: ActionAnswer)?
    private var nextReadAt: Timestamp
    private var confirmedWithoutJournalAt: Timestamp?

    /// How often the router is read back.
    package static let readInterval: Duration = .seconds(1)
    /// When only this much of a lease is left (half of its life), and it cannot be renewed, the traffic is sent back.
    package static let leaseReserve: Duration = .seconds(15)

    /// - Parameters:
    ///   - machine: As the journal says.
    ///   - epoch: The number of the lease that was taken for it.
    ///   - holder: Who drives, in words: `pid 4711 on build-3`.
    ///   - leaseUntil: By the driver's clock, as `now` is.
    package init(machine: RolloutMachine, epoch: Int, holder: String, leaseUntil: Timestamp, at now: Timestamp) {
        self.machine = machine
        (self.epoch, self.holder) = (epoch, holder)
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
        var input = input
        if let unrecorded, input == .tick { input = .acted(unrecorded.run, unrecorded.answer) }
        switch decide(input, at: now) {
        case .refused(let reason): return .refused(reason)
        case .events(let events):
            let at = max(now, machine.state.lastEventAt)
            let records = unwritten + events.map { Record(event: $0, at: at) }
            guard !records.isEmpty else { return .nothing }
            let after = machine.position - unwritten.count
            return .append(Append(records: records, after: after, isWayBack: isReturning(after: events, at: at)))
        }
    }

    /// What the machine decides on an input. The takeover comes first, at each input until it is recorded: before that,
    /// what an earlier driver has begun looks like this driver's own.
    private func decide(_ input: Input, at now: Timestamp) -> RolloutMachine.Decision {
        guard !hasTakenOver, case .events(let first) = machine.decide(.tookOver(epoch: epoch, holder: holder), at: now)
        else { return machine.decide(input, at: now) }
        if input == .tick { return .events(first) }
        var successor = machine
        for event in first { successor.apply(event, at: max(now, machine.state.lastEventAt)) }
        switch successor.decide(input, at: now) {
        case .events(let events): return .events(first + events)
        case .refused(let reason): return .refused(reason)  // The takeover is told with the next input.
        }
    }

    /// The machine knows of this driver.
    private var hasTakenOver: Bool { machine.state.epoch >= epoch }

    /// The events are durable: adopt them.
    package mutating func appended(_ append: Append) {
        adopt(append.records.dropFirst(unwritten.count))
        unwritten = []
        (journalFailure, confirmedWithoutJournalAt) = (nil, nil)
    }

    /// The events could not be made durable. Without a journal only the way back is allowed, while the lease is good.
    package mutating func appendFailed(_ append: Append, _ failure: AppendFailure, at now: Timestamp) {
        switch failure {
        case .fenced(let holder): successor = holder
        case .unavailable(let reason):
            journalFailure = reason
            if !keep(append, at: now) { loseJournal(at: now) }
            noteConfirmation(at: now)
        }
    }

    /// The journal has not answered for a second: the append counts as unwritten, and nobody waits for it. Verdicts and
    /// aborts are judged without its events; those of the way back are adopted, as without a journal.
    package mutating func unanswered(_ append: Append, at now: Timestamp) {
        owed = (append, machine, now)
        if append.isWayBack { keep(append, at: now) }
    }

    /// Adopts the events of an append that is not durable, if it belongs to the way back; they are written later.
    /// - Returns: Whether it did. Otherwise the events are dropped, and what led to them comes again.
    @discardableResult
    package mutating func keep(_ append: Append, at now: Timestamp) -> Bool {
        guard append.isWayBack else { return false }
        let new = append.records.dropFirst(unwritten.count)
        adopt(new)
        unwritten += new
        return true
    }

    /// The owed append has its answer. Where it was written after all, it is the truth: what was decided since then
    /// without it is folded again after it.
    /// - Returns: The records that are adopted now for the first time.
    @discardableResult
    package mutating func answered(_ failure: AppendFailure?, at now: Timestamp) -> [Record] {
        guard let owed else { return [] }
        self.owed = nil
        measuredMeanwhile = [:]
        switch failure {
        case .fenced(let holder): successor = holder
        case .unavailable(let reason):
            journalFailure = reason
            if !machine.state.isReturning { loseJournal(at: now) }
        case nil:
            (journalFailure, confirmedWithoutJournalAt) = (nil, nil)
            if owed.append.isWayBack {
                unwritten.removeFirst(owed.append.records.count)
                return []
            }
            machine = owed.base
            if !hasTakenOver { dropTakeover(writtenBy: owed.append) }
            adopt(owed.append.records[...])
            adopt(unwritten[...])
            return owed.append.records
        }
        return []
    }

    /// Drops the takeover from `unwritten` where the owed append has written it, so that it is not recorded twice.
    private mutating func dropTakeover(writtenBy append: Append) {
        let told = zip(unwritten, append.records).prefix { $0.event == $1.event }.count
        unwritten.removeFirst(told)
    }

    /// The lease was renewed: this driver may write until then, by its own clock.
    package mutating func leaseRenewed(until: Timestamp) { leaseUntil = until }

    /// Another one holds the lease: this driver does nothing more.
    package mutating func leaseLost(to holder: String) { successor = holder }

    /// The attempts to start now, and the running ones to cancel. The end of a cancelled one is still waited for.
    package mutating func start(at now: Timestamp) -> (started: [Attempt], cancelled: [Attempt]) {
        guard end(at: now) == nil else { return ([], supersede(allBut: nil)) }
        guard hasTakenOver else { return ([], []) }
        let work = machine.work(at: now)
        let cancelled = withdraw()
        var wanted: [Job] = []
        if let traffic = work.traffic, now < leaseUntil, traffic.kind == .wayBack || superseded.isEmpty {
            wanted.append(.traffic(traffic))
        }
        noteTooLate()
        if unrecorded?.run != machine.state.running?.run { unrecorded = nil }
        if let action = work.action, unrecorded == nil, mayAct(action, isWriteWanted: work.traffic != nil) {
            wanted.append(.action(action))
        }
        wanted += work.measurements.filter { !wasMeasuredMeanwhile($0, at: now) }.map { .measure($0) }
        let isWriting = isWritingNow || work.traffic != nil
        if work.readsRouter, !isWriting, now >= nextReadAt { wanted.append(.read) }
        return (wanted.compactMap { begin($0) }, cancelled)
    }

    /// Ends an action that never began: the rollout left its list in the turn that recorded its beginning.
    private mutating func noteTooLate() {
        guard let action = machine.state.running, action.epoch == machine.state.epoch, machine.isTooLate(action.run),
            !running.contains(where: { $0.run == action.run }), unrecorded?.run != action.run
        else { return }
        unrecorded = (action.run, .ended(error: "it was not begun: the rollout has left it behind"))
    }

    /// The running attempts that are not wanted any more and have not been told so yet. The shell asks for them after each
    /// append: what is about to begin does not wait for the other messages of the turn.
    package mutating func withdraw() -> [Attempt] { supersede(allBut: machine.trafficWork) + tellTooLate() }

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

    /// Programs to tell that the rollout has left them behind. This stops those that are about to begin; others run on.
    private mutating func tellTooLate() -> [Attempt] {
        let told = running.filter { attempt in
            guard let run = attempt.run, attempt.isProgram else { return false }
            return machine.isTooLate(run) && !late.contains(attempt.number)
        }
        late.formUnion(told.map(\.number))
        return told
    }

    private mutating func begin(_ job: Job) -> Attempt? {
        guard !running.contains(where: { $0.job == job && !superseded.contains($0.number) }) else { return nil }
        lastNumber += 1
        let attempt = Attempt(number: lastNumber, job: job)
        if attempt.isWrite, !superseded.isEmpty { disputed.insert(attempt.number) }
        running.append(attempt)
        return attempt
    }

    /// Whether an action may begin. A claim always may: the way back of a new driver waits for it. Any other needs the
    /// journal, and one of a closing list waits for all writes, since the mark keeps others from the target.
    private func mayAct(_ action: Work.Action, isWriteWanted: Bool) -> Bool {
        if case .claim = action.deed { return true }
        let isBeginningDurable = !isWithoutJournal && !owesAnswer && unwritten.isEmpty
        return isBeginningDurable && !(action.run.list.isClosing && (isWritingNow || isWriteWanted))
    }

    /// The attempt is over, with what came of it; nil where nothing did. What comes back is as for `take`.
    package mutating func ended(_ attempt: Attempt, _ input: Input?, at now: Timestamp) -> Taken {
        running.removeAll { $0.number == attempt.number }
        late.remove(attempt.number)
        if attempt.isProgram, case .acted(let run, let answer)? = input { unrecorded = (run, answer) }
        if attempt.job == .read { nextReadAt = now.advanced(by: Self.readInterval) }
        if owed != nil, case .measure(let index) = attempt.job { measuredMeanwhile[index] = now }
        if superseded.remove(attempt.number) != nil { return .nothing }  // Its result is not wanted any more.
        guard let input else { return .nothing }
        // A reading ends a way back only if it was taken after every earlier write had ended.
        if case .read = input, machine.state.isReturning, isWritingNow { return .nothing }
        guard disputed.remove(attempt.number) != nil, case .wrote(let write, let reading, let result) = input else {
            return take(input, at: now)
        }
        if case .refused = result { return take(input, at: now) }
        if superseded.isEmpty { return .nothing }  // The way back is written again at once.
        return take(.wrote(write, reading, .refused("an earlier write to the router has not ended yet")), at: now)
    }

    /// The next moment to look again, if nothing happens before.
    package func wakes(at now: Timestamp) -> Timestamp {
        let work = machine.work(at: now)
        var moments = [now.advanced(by: .seconds(1))]
        if isWithoutJournal { moments.append(now.advanced(by: .milliseconds(100))) }
        if unrecorded != nil {
            moments.append(now.advanced(by: .milliseconds(isWithoutJournal || owesAnswer ? 100 : 1)))
        }
        if work.readsRouter, !running.contains(where: { $0.job == .read }), !isWritingNow {
            moments.append(max(nextReadAt, now.advanced(by: .milliseconds(1))))
        }
        if let next = work.next { moments.append(next) }
        return moments.min() ?? now
    }

    private var isWritingNow: Bool { running.contains(where: \.isWrite) }

    /// Whether half of the lease's life is gone: it has to be renewed, or the traffic returned while that is allowed.
    package func isLeaseShort(at now: Timestamp) -> Bool { now >= leaseUntil.advanced(by: .zero - Self.leaseReserve) }

    /// Whether the traffic must be returned because the lease cannot be renewed.
    package func mustReturn(at now: Timestamp) -> Bool {
        let isOwedTooLong = owed.map { $0.since.duration(to: now) >= Self.journalPatience } ?? false
        return (isLeaseShort(at: now) || isOwedTooLong) && !machine.state.isClosing && !machine.state.isFinished
    }

    /// Why there is nothing more to do; nil while there is.
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
        if machine.givesUp(at: now) {
            return .needsAttention("\(machine.missing ?? "what is left has not been done") for ten minutes")
        }
        return nil
    }

    /// Notes since when nothing is left to do but to write the events down.
    private mutating func noteConfirmation(at now: Timestamp) {
        let isDone = machine.state.isFinished || machine.state.isReturning && machine.state.confirmed == .zero
        confirmedWithoutJournalAt = isDone ? confirmedWithoutJournalAt ?? now : nil
    }

    /// Begins the way back without a record; its events are written as soon as there is room.
    private mutating func loseJournal(at now: Timestamp) {
        let reason = "the journal cannot be written: \(journalFailure ?? "no answer")"
        guard case .events(let events) = decide(.journalLost(reason), at: now), isReturning(after: events, at: now)
        else {
            return
        }
        let records = events.map { Record(event: $0, at: max(now, machine.state.lastEventAt)) }
        adopt(records[...])
        unwritten += records
    }

    private mutating func adopt(_ records: ArraySlice<Record>) {
        for record in records { machine.apply(record.event, at: record.at) }
    }

    private func isReturning(after events: [Event], at now: Timestamp) -> Bool {
        // Unwritten events belong to a way back, also after that has ended.
        if machine.state.isReturning || machine.isAtRelease || !unwritten.isEmpty { return true }
        return events.contains { if case .wayBackBegan = $0 { true } else { false } }
    }
}

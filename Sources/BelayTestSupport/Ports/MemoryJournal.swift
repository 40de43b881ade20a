package import BelayCore
package import BelayEngine
internal import BelayPlatform
internal import Dispatch

/// A record in memory that fails when it is told to.
package final class MemoryJournal: RolloutJournal {
    private struct State {
        var records: [Driver.Record]
        var epoch: Int
        var commands: [Command] = []
        var answers: [String: String?] = [:]
        var calls = 0
        var appends = 0
    }

    /// What goes wrong, by the number of the call or append; the first is 1.
    package struct Trouble: Sendable {
        /// Appends that fail; nil: none.
        package var failing: (@Sendable (Int) -> JournalFailure?)?
        /// At this append the disk hangs until `thaw`, and writes then.
        package var hangsAt: Int?
        /// At this call, whichever it is, another driver takes over.
        package var lostAt: Int?
        /// How many answers to commands fail to be written; the later ones are written.
        package var losesAnswers = 0

        package init() {}
    }

    private let state: Locked<State>
    private let trouble: Locked<Trouble>
    private let clock: SkippingClock
    private let ice = DispatchSemaphore(value: 0)

    package init(_ started: Event.Started, _ clock: SkippingClock, epoch: Int = 1, trouble: Trouble = Trouble()) {
        self.clock = clock
        state = Locked(State(records: [.init(event: .started(started), at: clock.now)], epoch: epoch))
        self.trouble = Locked(trouble)
    }

    package var records: [Driver.Record] { state.withLock { $0.records } }
    package var events: [Event] { records.map(\.event) }
    package var answers: [String: String?] { state.withLock { $0.answers } }
    package var calls: Int { state.withLock { $0.calls } }
    package var machine: RolloutMachine { RolloutMachine(replaying: records.lazy.map { ($0.event, $0.at) })! }

    /// Leaves a command for the driver.
    package func send(_ command: Command) { state.withLock { $0.commands.append(command) } }

    /// A newer driver has the lease from here on.
    package func takeOver() { state.withLock { $0.epoch += 1 } }

    /// The disk that hung writes what it was given, and answers.
    package func thaw() {
        clock.hold()
        ice.signal()
    }

    private func enter() {
        let lostAt = trouble.withLock { $0.lostAt }
        state.withLock { state in
            state.calls += 1
            if state.calls == lostAt { state.epoch += 1 }
        }
    }

    private func check(_ lease: Lease) throws(JournalFailure) {
        let epoch = state.withLock { $0.epoch }
        if epoch != lease.epoch { throw JournalFailure(.fenced, "driver \(epoch)") }
    }

    /// As its protocol says.
    package func append(_ append: Driver.Append, under lease: Lease) throws(JournalFailure) {
        enter()
        let number = state.withLock { state in
            state.appends += 1
            return state.appends
        }
        let trouble = trouble.withLock { $0 }
        if let failure = trouble.failing?(number) { throw failure }
        if trouble.hangsAt == number {
            clock.letGo()
            ice.wait()
        }
        try check(lease)
        let isTaken = state.withLock { state in
            guard state.records.count == append.after else { return true }
            state.records += append.records
            return false
        }
        if isTaken { throw JournalFailure(.fenced, "the position is taken") }
    }

    /// As its protocol says.
    package func renew(_ lease: Lease) throws(JournalFailure) -> Duration {
        enter()
        try check(lease)
        return Lease.life
    }

    /// As its protocol says.
    package func holds(_ lease: Lease) throws(JournalFailure) -> Bool {
        enter()
        return state.withLock { $0.epoch } == lease.epoch
    }

    /// As its protocol says.
    package func waitingCommands(for rollout: String) throws(JournalFailure) -> [Command] {
        state.withLock { state in state.commands.filter { state.answers[$0.id] == nil } }
    }

    /// As its protocol says.
    package func answer(_ command: String, refusal: String?) throws(JournalFailure) {
        let isLost = trouble.withLock { trouble in
            trouble.losesAnswers -= 1
            return trouble.losesAnswers >= 0
        }
        if isLost { throw JournalFailure(.unavailable, "busy") }
        state.withLock { $0.answers[command] = .some(refusal) }
    }

    /// As its protocol says.
    package func releaseReserve() {}
}

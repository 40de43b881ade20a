internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform
internal import BelayReport
internal import Foundation

/// An operator's word to a rollout: left in the journal's inbox, where its driver looks ten times a second.
struct Operation {
    let journal: SQLiteJournal
    let clock: WallClock
    let id: String

    /// - Throws: ``CommandFailure`` 1 where there is no such rollout, or it is over.
    init(_ word: String?, _ store: StoreOptions, access: SQLiteJournal.Access = .operate) throws(CommandFailure) {
        clock = WallClock()
        let journal = try store.open(access, clock: clock)
        let found = try Self.meant(by: word, in: journal)
        guard let found else { throw CommandFailure(.failure, "no rollout is under way") }
        if let outcome = found.outcome { throw CommandFailure(.failure, "\(found.id) is over: \(outcome)") }
        (self.journal, id) = (journal, found.id)
    }

    /// The rollout that an operator means: the one named, else the one that is under way. Never a finished one that was not
    /// named.
    /// - Returns: nil where none was named and none is under way.
    /// - Throws: ``CommandFailure`` 64 where several are under way, with their names; 1 where the named one is not there.
    static func meant(by word: String?, in journal: SQLiteJournal) throws(CommandFailure) -> RolloutSummary? {
        if let word { return try orFail { () throws(JournalFailure) in try journal.find(word) } }
        let underWay = try orFail { () throws(JournalFailure) in try journal.underWay() }
        guard underWay.count > 1 else { return underWay.first }
        throw CommandFailure(
            .usage,
            lines: ["\(underWay.count) rollouts are under way; say which one you mean:"]
                + underWay.map { "  \($0.id)  revision \($0.revision), since \(TimeText.full($0.started))" })
    }

    init(journal: SQLiteJournal, clock: WallClock, id: String) {
        (self.journal, self.clock, self.id) = (journal, clock, id)
    }

    func isDriven() throws(CommandFailure) -> Bool {
        let holder = try orFail { () throws(JournalFailure) in try journal.holder(of: id) }
        return holder?.isLive(at: clock.now) ?? false
    }

    /// A command that is aimed at the rollout's present position.
    func command(_ verb: Command.Verb, _ who: ActorOptions) throws(CommandFailure) -> Command {
        let position = try orFail { () throws(JournalFailure) in try journal.head(of: id)?.length }
        return Command(id: UUID().uuidString, verb: verb, actor: who.person, reason: who.reason, aimedAt: position)
    }

    /// Tells the driver and waits for its answer.
    /// - Throws: ``CommandFailure`` 1 with the refusal, or where nobody drives; the command is then taken back.
    func tell(_ verb: Command.Verb, _ who: ActorOptions, output: OutputFormat) async throws {
        let command = try command(verb, who)
        guard try isDriven() else { throw nobodyDrives }
        try orFail { () throws(JournalFailure) in try journal.send(command, to: id) }
        switch try await reply(to: command, within: .seconds(10)) {
        case .obeyed:
            Console.say("\(id): \(verb.word), recorded for \(command.actor.name)")
            if output == .json {
                Console.print(JSONText.write(.object([.init("rollout", .string(id)), .init("obeyed", .bool(true))])))
            }
        case .refused(let reason): throw CommandFailure(.failure, "\(id): refused: \(reason)")
        case .waiting:
            let isBack = try orFail { () throws(JournalFailure) in try journal.withdraw(command.id, of: id) }
            if isBack { throw nobodyDrives }
            Console.say("\(id): \(verb.word), recorded for \(command.actor.name)")
        }
    }

    func reply(to command: Command, within limit: Duration) async throws -> SQLiteJournal.Reply {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            let reply = try orFail { () throws(JournalFailure) in try journal.reply(to: command.id) }
            if reply != .waiting { return reply }
            try await Task.sleep(for: .milliseconds(5))
        }
        return .waiting
    }

    private var nobodyDrives: CommandFailure {
        CommandFailure(.failure, "nobody drives \(id), so nothing was done; `belay resume \(id)` picks it up")
    }
}

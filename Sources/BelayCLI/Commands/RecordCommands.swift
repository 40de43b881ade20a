internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the rollouts of this journal, newest first.")

    @Argument(help: "Only those of this name.") var name: String?
    @Option(help: "At most so many.") var limit = 50
    @OptionGroup var store: StoreOptions

    func run() throws {
        Signals.unblock()
        let journal = try store.open(.operate)
        let found = try orFail { () throws(JournalFailure) in try journal.rollouts(named: name, limit: limit) }
        if store.output == .json {
            for item in found { Console.print(JSONText.write(json(item))) }
            return
        }
        let width = found.map(\.id.count).max() ?? 0
        for item in found {
            let outcome = item.outcome ?? "under way"
            let padding = String(repeating: " ", count: width - item.id.count)
            Console.print("\(item.id)\(padding)  \(TimeText.full(item.started))  \(item.revision)  \(outcome)")
        }
        if found.isEmpty { Console.say("no rollouts yet") }
    }

    private func json(_ item: RolloutSummary) -> JSONValue {
        .object([
            .init("rollout", .string(item.id)), .init("name", .string(item.name)),
            .init("revision", .string(item.revision)),
            .init("started", .string(TimeText.iso(item.started))),
            .init("finished", item.finished.map { .string(TimeText.iso($0)) } ?? .null),
            .init("outcome", item.outcome.map { .string($0) } ?? .null),
        ])
    }
}

/// The records of one rollout.
struct RecordOptions: ParsableArguments {
    @Argument(help: "The rollout's id, or a name: its latest rollout.") var rollout: String?
    @OptionGroup var store: StoreOptions

    func load() throws(CommandFailure) -> (id: String, records: [StoredRecord]) {
        Signals.unblock()
        let journal = try store.open(.operate)
        let found = try orFail { () throws(JournalFailure) in try journal.find(rollout) }
        return (found.id, try orFail { () throws(JournalFailure) in try journal.records(of: found.id) })
    }
}

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a rollout's story: steps, weights, measurements with values, who did what."
    )
    @Flag(help: "Show every window of the comparisons, and decide again from them.") var evidence = false
    @OptionGroup var options: RecordOptions

    func run() throws {
        let (id, records) = try options.load()
        guard let first = records.first, case .started(let started) = first.event else {
            throw CommandFailure(.invalid, "the beginning of \(id) cannot be read by this version")
        }
        if options.store.output == .json {
            if evidence {
                throw ValidationError("--evidence has no JSON; `belay events --output json` has every window")
            }
            for record in records { Console.print(EventsCommand.json(id, record)) }
            return
        }
        let plan = started.plan
        if evidence { return try showEvidence(id, plan, records) }
        Console.print("\(id)  \(plan.name) \(plan.revision)")
        let found = started.original.string ?? JSONText.write(started.original)
        Console.print(
            "target \(plan.target.identity), stable \(plan.stable.name), canary \(plan.canary.name), found at \(found)"
        )
        Console.print("steps \(plan.steps.map { "\($0.weight.text) for \($0.hold.max.text)" }.joined(separator: ", "))")
        let text = EventText(plan: plan)
        for record in records {
            guard let (line, _) = text.line(record.event) else { continue }
            Console.print("\(TimeText.full(record.at))  \(line)")
        }
        if let head = records.last?.hash { Console.print("journal head \(head)") }
    }
}

extension ShowCommand {
    private func showEvidence(_ id: String, _ plan: Plan, _ records: [StoredRecord]) throws {
        guard plan.metrics.contains(where: { $0.comparison != nil }) else {
            throw CommandFailure(.failure, "\(id) compares nothing; `belay show \(id)` has its measurements")
        }
        guard let (lines, isSame) = EvidenceText(plan: plan, records: records.map { ($0.event, $0.at) }).lines() else {
            throw CommandFailure(.invalid, "the beginning of \(id) cannot be read by this version")
        }
        Console.print("\(id)  \(plan.name) \(plan.revision)")
        for line in lines { Console.print(line) }
        guard isSame else {
            throw CommandFailure(.failure, "the journal's windows do not give what was decided on them")
        }
    }
}

struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Print a rollout's events as they are stored, with their hashes.")
    @OptionGroup var options: RecordOptions

    func run() throws {
        let (id, records) = try options.load()
        for record in records {
            if options.store.output == .json {
                Console.print(Self.json(id, record))
            } else {
                Console.print(
                    "\(record.position)\t\(TimeText.iso(record.at))\t\(record.name)\t\(record.payload)\t\(record.hash.prefix(12))"
                )
            }
        }
    }

    static func json(_ id: String, _ record: StoredRecord) -> String {
        // The payload is JSON already, and is shown as it is stored.
        let head =
            "{\"rollout\":\(JSONText.write(.string(id))),\"position\":\(record.position),\"time\":\"\(TimeText.iso(record.at))\","
        return head + "\"event\":\"\(record.name)\",\"payload\":\(record.payload),\"hash\":\"\(record.hash)\"}"
    }
}

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check the journal's hash chains; a changed journal shows.")
    @Argument(help: "The rollout's id, or a name; else all.") var rollout: String?
    @Option(help: ArgumentHelp("A head that a run printed: it has to be in this journal.", valueName: "hash"))
    var head: String?
    @OptionGroup var store: StoreOptions

    func run() throws {
        Signals.unblock()
        let journal = try store.open(.operate)
        if let head { return try check(head, in: journal) }
        let ids = try orFail { () throws(JournalFailure) in
            rollout == nil ? try journal.rollouts(limit: 1_000_000).map(\.id) : [try journal.find(rollout).id]
        }
        let found = try orFail { () throws(JournalFailure) in try journal.verify(ids) }
        for item in found {
            if store.output == .json {
                Console.print(
                    JSONText.write(
                        .object([
                            .init("rollout", .string(item.rollout)), .init("ok", .bool(item.problems.isEmpty)),
                            .init("events", .int(Int64(item.length))), .init("head", .string(item.head)),
                            .init("problems", .array(item.problems.map { .string($0) })),
                        ])))
            } else if item.problems.isEmpty {
                Console.print("\(item.rollout)  ok  \(item.length) events, head \(item.head)")
            }
        }
        if ids.isEmpty { Console.say("no rollouts yet") }
        let broken = found.flatMap { item in item.problems.map { "\(item.rollout): \($0)" } }
        if !broken.isEmpty { throw CommandFailure(.failure, lines: broken) }
    }

    private func check(_ head: String, in journal: SQLiteJournal) throws {
        guard head.count >= 12, head.allSatisfy(\.isHexDigit) else {
            throw ValidationError("--head: the hash that a run printed is expected, or its first 12 digits")
        }
        switch try orFail({ () throws(JournalFailure) in try journal.place(ofHead: head) }) {
        case .end(let id): Console.print("\(id)  ok  this is its head")
        case .inside(let id, let since): Console.print("\(id)  ok  it was its head, \(since) events ago")
        case nil:
            throw CommandFailure(
                .failure,
                "no chain of \(journal.path) has the head \(head): events were cut off, or the chain was built anew")
        }
    }
}

internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

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

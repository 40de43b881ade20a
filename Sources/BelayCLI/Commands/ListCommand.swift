internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

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

internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform
internal import BelayReport

struct HistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "The releases of one name over a period, with the four figures of DORA.",
        discussion: """
            How often is promoted, how long that takes from the release's start, how many are taken back or undone, and how long it takes until \
            stable is confirmed again.
            """)

    @Argument(help: "The name.") var name: String
    @Option(help: "So many days, up to now.") var days = 30
    @OptionGroup var store: StoreOptions

    func validate() throws {
        guard (1...3660).contains(days) else { throw ValidationError("--days is between 1 and 3660") }
    }

    func run() throws {
        Signals.unblock()
        let journal = try store.open(.operate)
        let period = Duration.seconds(days * 86_400)
        let since = WallClock.systemTime.advanced(by: .zero - period)
        let found = try orFail { () throws(JournalFailure) in try journal.rollouts(named: name) }
            .filter { $0.started >= since }
        guard !found.isEmpty else {
            throw CommandFailure(.failure, "\(journal.path) has no rollouts of `\(name)` in \(days) days")
        }
        let stories = try found.compactMap { item in
            try orFail { () throws(JournalFailure) in try Pipeline.story(item.id, journal) }
        }
        let figures = DeliveryFigures(stories, over: period)
        if store.output == .json { return Console.print(JSONText.write(json(figures))) }
        let width = stories.map(\.id.count).max() ?? 0
        for story in stories {
            let padding = String(repeating: " ", count: width - story.id.count)
            Console.print(
                "\(story.id)\(padding)  \(TimeText.full(story.startedAt))  \(story.plan.revision)  \(story.headline)")
        }
        Console.print("")
        Console.print("over \(days) days:")
        Console.print("  promoted          \(figures.promoted), \(Self.rounded(figures.perWeek)) a week")
        Console.print(
            "  lead time         \(figures.leadTime.map(TimeText.span) ?? "nothing was promoted") (median, from start to promotion)"
        )
        let rate = figures.failureRate.map { "\(Self.rounded($0 * 100)) %" } ?? "nothing has ended"
        Console.print("  failure rate      \(rate) (\(figures.failed) of \(figures.releases) taken back or undone)")
        let restored = figures.timeToRestore.map(TimeText.span) ?? "nothing was taken back"
        Console.print("  time to restore   \(restored) (median, from the decision to stable 100 % confirmed)")
    }

    private static func rounded(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

    private func json(_ figures: DeliveryFigures) -> JSONValue {
        func seconds(_ duration: Duration?) -> JSONValue {
            duration.map { .double(Double($0.wholeMilliseconds) / 1000) } ?? .null
        }
        return .members([
            "name": .string(name), "days": .count(days), "releases": .count(figures.releases),
            "promoted": .count(figures.promoted), "promotedPerWeek": .double(figures.perWeek),
            "leadTimeSeconds": seconds(figures.leadTime), "failed": .count(figures.failed),
            "changeFailureRate": figures.failureRate.map { .double($0) } ?? .null,
            "timeToRestoreSeconds": seconds(figures.timeToRestore),
        ])
    }
}

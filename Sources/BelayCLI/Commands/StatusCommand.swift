internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Show what is going on.")

    @Argument(help: "The rollout's id, or a name: its latest rollout.") var rollout: String?
    @Flag(help: "Stay and redraw; without a terminal, print a line per change.") var watch = false
    @OptionGroup var store: StoreOptions

    func run() async throws {
        Signals.unblock()
        let clock = WallClock()
        let journal = try store.open(.operate, clock: clock)
        let ids = try shown(journal)
        if ids.count > 1, !watch {
            for (index, id) in ids.enumerated() {
                var follower = try Follower(journal, id)
                let view = try follower.view(at: clock.now)
                if store.output == .json {
                    Console.print(JSONText.write(view.json))
                } else {
                    for line in (index == 0 ? [] : [""]) + view.lines(columns: Console.size.columns) {
                        Console.print(line)
                    }
                }
            }
            return
        }
        guard ids.count == 1, let id = ids.first else {
            throw CommandFailure(
                .usage, "several rollouts are under way; say which to watch: \(ids.joined(separator: ", "))")
        }
        var follower = try Follower(journal, id)
        repeat {
            let view = try follower.view(at: clock.now)
            if store.output == .json {
                show(JSONText.write(view.json), ifChangedIn: &follower)
            } else if watch, Console.mayRedraw {
                redraw(view)
            } else if watch {
                show(view.line, ifChangedIn: &follower)
            } else {
                for line in view.lines(columns: Console.size.columns) { Console.print(line) }
            }
            if follower.machine.state.isFinished || !watch || Console.isReaderGone { return }
            try await Task.sleep(for: .milliseconds(250))
        } while true
    }

    /// The one that was named, all that are under way, else the latest.
    private func shown(_ journal: SQLiteJournal) throws -> [String] {
        if let rollout { return [try orFail { () throws(JournalFailure) in try journal.find(rollout) }.id] }
        let underWay = try orFail { () throws(JournalFailure) in try journal.underWay() }
        if !underWay.isEmpty { return underWay.map(\.id) }
        return [try orFail { () throws(JournalFailure) in try journal.find(nil) }.id]
    }

    private func show(_ line: String, ifChangedIn follower: inout Follower) {
        if follower.changed(line) { Console.print(line) }
    }

    /// Moves the cursor home, writes each line and clears the rest of it, and then clears what is below. So nothing
    /// flickers, and nothing is left of a longer line.
    private func redraw(_ view: StatusView) {
        let size = Console.size
        let lines = view.screen(columns: size.columns, rows: size.rows)
        Console.write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J", to: 1)
    }
}

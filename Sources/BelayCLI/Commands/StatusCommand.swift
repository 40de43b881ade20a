internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal

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

    /// Home, each line with its rest cleared, then what is below: no flicker, nothing left of a longer line.
    private func redraw(_ view: StatusView) {
        let size = Console.size
        let lines = view.screen(columns: size.columns, rows: size.rows)
        Console.write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J", to: 1)
    }
}

/// A rollout's machine that is kept up with the journal, and what the view needs beside it.
struct Follower {
    private(set) var machine: RolloutMachine
    private var recent: [[String]]
    private var lastLine = ""
    private let journal: SQLiteJournal
    private let id: String

    init(_ journal: SQLiteJournal, _ id: String) throws(CommandFailure) {
        (self.journal, self.id) = (journal, id)
        let records = try orFail { () throws(JournalFailure) in try journal.records(of: id) }
        guard let first = records.first, case .started(let started) = first.event else {
            throw CommandFailure(.invalid, "the beginning of \(id) cannot be read by this version")
        }
        machine = RolloutMachine(started, at: first.at)
        recent = Array(repeating: [], count: started.plan.metrics.count)
        for record in records.dropFirst() { fold(record) }
    }

    private mutating func fold(_ record: StoredRecord) {
        let event = record.event
        machine.apply(event, at: record.at)
        guard case .measured(let measured) = event, recent.indices.contains(measured.measurement.metric) else { return }
        let (index, value) = (measured.measurement.metric, measured.measurement.value)
        recent[index] = recent[index].suffix(9) + [value]
    }

    mutating func view(at now: Timestamp) throws(CommandFailure) -> StatusView {
        for record in try orFail({ () throws(JournalFailure) in try journal.records(of: id, from: machine.position) }) {
            fold(record)
        }
        let holder = try orFail { () throws(JournalFailure) in try journal.holder(of: id) }
        return StatusView(id: id, machine: machine, recent: recent, holder: holder, now: now)
    }

    mutating func changed(_ line: String) -> Bool {
        defer { lastLine = line }
        return line != lastLine
    }
}

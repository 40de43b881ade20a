internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

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

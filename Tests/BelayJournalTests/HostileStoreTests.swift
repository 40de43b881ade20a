import BelayCore
import BelayEngine
import BelayPlatform
import Foundation
import GRDB
import Testing

@testable import BelayJournal

/// Journals that are changed, cut, moved or laid out by other hands.
extension JournalTests {
    /// A journal with two rollouts, of which the first has ended.
    private func twoRollouts(_ folder: Folder) throws -> SQLiteJournal {
        let journal = try journal(folder)
        for (id, target) in [("a-1", "t"), ("b-1", "u")] {
            let lease = try journal.create(id, started(target: target), key: nil, process: .current, at: clock.now)
            let events = Array(everyEvent[1...8]) + (id == "a-1" ? [.finished(.rolledBack(Cause(.gate, "bad")))] : [])
            try journal.append(append(events, after: 1), under: lease)
        }
        for trigger in ["changed", "removed"] {
            try journal.write { try $0.execute(sql: "DROP TRIGGER events_are_never_\(trigger)") }
        }
        return journal
    }

    @Test(
        "whatever rebuilds no chain shows",
        arguments: [
            ("DELETE FROM events WHERE rollout = 'a-1' AND position >= 8", "a-1", "its end"),
            ("DELETE FROM events WHERE rollout = 'a-1'", "a-1", "its events are gone"),
            ("DELETE FROM events WHERE rollout = 'a-1' AND position = 3", "a-1", "event 3 is missing"),
            ("UPDATE rollouts SET outcome = 'promoted' WHERE id = 'a-1'", "a-1", "its row says outcome `promoted`"),
            ("UPDATE rollouts SET revision = '3' WHERE id = 'a-1'", "a-1", "its row says revision `3`"),
            (
                "UPDATE rollouts SET finished = 5, outcome = 'promoted' WHERE id = 'b-1'", "b-1",
                "the event of its end is not there"
            ),
            (
                "DELETE FROM events WHERE rollout = 'a-1' AND position >= 8; UPDATE rollouts SET finished = NULL, outcome = NULL WHERE id = 'a-1'",
                "a-1", "a later start holds its end"
            ),
            (
                "DELETE FROM events WHERE rollout = 'a-1'; DELETE FROM leases WHERE rollout = 'a-1'; DELETE FROM rollouts WHERE id = 'a-1'",
                "a-1", "it is gone"
            ),
        ])
    func changesShow(sql: String, id: String, words: String) throws {
        let folder = try Folder()
        let journal = try twoRollouts(folder)
        func problems() throws -> [String] {
            let ids = try journal.rollouts().map(\.id)
            return try journal.verify(ids.count == 1 ? ids + ["b-1"] : ids).filter { $0.rollout == id }.flatMap(
                \.problems)
        }
        #expect(try problems().isEmpty)
        try journal.write { try $0.execute(sql: sql) }
        let found = try problems()
        #expect(found.contains { $0.contains(words) }, "\(found)")
    }

    @Test func `a head that was printed is found, at the end, inside, or not any more`() throws {
        let folder = try Folder()
        let journal = try twoRollouts(folder)
        let head = try #require(try journal.head(of: "b-1")?.hash)
        let earlier = try journal.records(of: "b-1")[4].hash
        #expect(try journal.place(ofHead: head) == .end(of: "b-1"))
        #expect(try journal.place(ofHead: String(head.prefix(12))) == .end(of: "b-1"))
        #expect(try journal.place(ofHead: earlier) == .inside("b-1", eventsSince: 4))
        try journal.write { try $0.execute(sql: "DELETE FROM events WHERE rollout = 'b-1' AND position = 8") }
        #expect(try journal.place(ofHead: head) == nil)
    }

    @Test(
        "a journal that is gone, replaced or cut while it is driven is a lost one",
        arguments: ["gone", "renamed", "replaced", "truncated", "log"])
    func lostFile(how: String) throws {
        let folder = try Folder()
        let journal = try journal(folder)
        let lease = try journal.create("a-1", started(), key: nil, process: .current, at: clock.now)
        try journal.append(append([.claimed(epoch: 1)], after: 1), under: lease)
        try journal.append(append([.claimed(epoch: 1)], after: 2), under: lease)
        switch how {
        case "gone": unlink(journal.path)
        case "renamed": rename(journal.path, journal.path + ".old")
        case "replaced":
            try Data(contentsOf: URL(fileURLWithPath: journal.path)).write(
                to: URL(fileURLWithPath: journal.path + ".new"))
            rename(journal.path + ".new", journal.path)
        case "truncated": truncate(journal.path, 0)
        default: unlink(journal.path + "-wal")
        }
        #expect {
            try journal.append(append([.claimed(epoch: 1)], after: 3), under: lease)
        } throws: { ($0 as? JournalFailure)?.kind == .unavailable }
        #expect(throws: JournalFailure.self) { _ = try journal.renew(lease) }
    }

    @Test func `its files are their owner's alone whatever the umask, and the group's in a shared folder`() throws {
        let old = umask(0)
        defer { umask(old) }
        func modes(_ mode: mode_t) throws -> Set<mode_t> {
            let folder = try Folder()
            chmod(folder.path, mode)
            let journal = try journal(folder)
            _ = try journal.create("a-1", started(), key: nil, process: .current, at: clock.now)
            return Set(
                ["", "-wal", "-shm", ".reserve"].map { suffix in
                    var info = stat()
                    stat(journal.path + suffix, &info)
                    return info.st_mode & 0o777
                })
        }
        #expect(try modes(0o755) == [0o600])
        #expect(try modes(0o2775) == [0o660])
        #expect(throws: JournalFailure.self) { try modes(0o777) }
    }

    @Test func `a journal is not made through a link that leads nowhere`() throws {
        let folder = try Folder()
        symlink(folder.path + "/elsewhere", folder.path + "/j.db")
        #expect(throws: JournalFailure.self) { try journal(folder) }
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/elsewhere"))
    }

    @Test func `what an older version stored with control characters is read without them`() throws {
        let record = StoredRecord(
            position: 1, at: clock.now, name: "rollout.paused",
            payload: #"{"message":"a\u001b[2J\n::error::b‮c","until":5}"#, hash: "")
        guard case .paused(let message, _) = record.event else {
            Issue.record("\(record.event)")
            return
        }
        #expect(message == #"a\u001b[2J\n::error::b\u202ec"#)
    }

    /// What came after the golden journal was written.
    @Test func `events that are younger than the golden journal read back`() {
        for event in [
            Event.actionBegan(ActionRun(.claim, .opening, index: 0, attempt: 3)),
            .actionEnded(ActionRun(.hook, .step(2), index: 0, attempt: 1), .failed("m")),
            .actionEnded(ActionRun(.awaitReady, .opening, index: 2, attempt: 1), .done),
            .actionEnded(ActionRun(.retire, .forward, index: 2, attempt: 1), .interrupted),
            .actionBegan(ActionRun(.handOver, .forward, index: 1, attempt: 1)),
            .obeyed(Command(id: "r", verb: .rerun, actor: Actor(name: "x"), reason: "", aimedAt: 7)),
            .actionEnded(ActionRun(.drain, .back, index: 0, attempt: 1), .assumed),
            .returnUndone("m"), .oldProcesses([7]), .oldProcesses([]), .trafficAccepted(share: .full),
            .trafficConfirmed(share: .zero, incarnations: ["7", nil, "uid-3/412"]),
            .routerReloaded(incarnations: ["7", "uid-3/412"], found: [.full]),
        ] {
            #expect(StoredEvent.event(named: StoredEvent.name(of: event), StoredEvent.payload(of: event)) == event)
        }
    }
}

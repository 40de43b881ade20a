import BelayCore
import BelayEngine
import BelayPlatform
import Foundation
import GRDB
import Testing

@testable import BelayJournal

@Suite("The journal")
struct JournalTests {
    let clock = WallClock()

    func started(target: String = "t") -> Event.Started {
        var metric = Metric(name: "errors", query: PrometheusQuery(address: "http://p", query: "q"))
        metric.limits.count = 3
        metric.minRequests = 5
        metric.scope = .step(1)
        metric.prometheus?.server.bearer = "env:TOKEN"
        metric.prometheus?.server.headers = [.init(name: "X-Scope-OrgID", value: "a")]
        var approval = Approval()
        approval.from = ["alice"]
        let sides = Sides(first: Side(name: "blue", backend: "b"), second: Side(name: "green", backend: "g"))
        var plan = Plan(
            name: "app", revision: "2",
            target: Target(
                traffic: .haproxy(HAProxyTraffic(sockets: ["/s"], mapFile: "/m", key: "k", sides: sides)),
                identity: target),
            roles: Roles(canaryIsSecond: true),
            steps: [
                PlanStep(
                    name: "first", weight: Weight(basisPoints: 2500)!, hold: Hold(min: .seconds(1), max: .seconds(5)),
                    approval: approval), PlanStep(weight: .full),
            ],
            metrics: [metric])
        plan.settle = .seconds(3)
        return .init(
            plan: plan, original: "0", settleUntil: Timestamp(milliseconds: 5), deadline: Timestamp(milliseconds: 9),
            actor: Actor(name: "alice", groups: ["ops"]), reason: "because")
    }

    /// One of every event.
    /// What the golden journal of 0.1.0 has.
    var everyEvent: [Event] {
        let now = Timestamp(milliseconds: 1_700_000_000_123)
        let measurement = Measurement(
            metric: 0, phase: .failed, value: "0.5", message: "no", startedAt: now, finishedAt: now)
        let command = Command(
            id: "c", verb: .promote(full: true), actor: Actor(name: "bob", groups: ["ops"]), reason: "r", aimedAt: 3)
        return [
            .started(started()), .tookOver(epoch: 2, holder: "pid 1"), .claimed(epoch: 2), .claimFailed("m"),
            .stepStarted(step: 1, share: .full), .trafficConfirmed(share: .full, incarnations: ["1", nil]),
            .trafficFailed(share: .zero, message: "m"), .routerLost("m"), .routerFound,
            .routerReloaded(incarnations: ["7"], found: [.zero, .full]),
            .measured(.init(measurement: measurement, isFresh: true, watched: .seconds(4), watchedUntil: now)),
            .measured(.init(measurement: measurement, isFresh: false, watched: .zero, watchedUntil: nil)),
            .verdict(metric: 0, verdict: .failed, message: "m"), .watched(total: .seconds(1), until: now),
            .settlingBegan(until: now),
            .approvalAsked(step: 0, until: now), .stepPassed(step: 0), .paused(message: "m", until: now),
            .obeyed(command),
            .obeyed(Command(id: "d", verb: .skip(metric: "errors"), actor: Actor(name: "x"), reason: "", aimedAt: nil)),
            .approvalTimedOut(step: 0), .wayBackBegan(Cause(.blind, "m")), .attentionNeeded("m"),
            .clockJumped(milliseconds: -7000),
            .adopted, .finished(.promoted), .finished(.rolledBack(Cause(.gate, "m"))), .finished(.refused("x")),
        ]
    }

    @Test func `every event reads back as it was written`() throws {
        for event in everyEvent {
            let text = JSONText.write(StoredEvent.payload(of: event))
            #expect(StoredEvent.event(named: StoredEvent.name(of: event), try JSONText.parse(text)) == event)
        }
    }

    @Test func `a plan with programs reads back as it was written`() throws {
        var started = started()
        var action = CommandAction(["./deploy.sh", "green"])
        (action.timeout, action.onCrash, action.directory) = (.seconds(90), .rerun, "/srv")
        var look = CommandAction(["./ready.sh"])
        look.isRepeated = true
        var workload = CommandWorkload()
        (workload.deploy, workload.awaitReady, workload.retire) = (action, look, action)
        started.plan.target.workload = .command(workload)
        started.plan.steps[1].run = CommandAction(["./smoke.sh"])
        let text = JSONText.write(StoredEvent.payload(of: .started(started)))
        #expect(StoredEvent.event(named: "rollout.started", try JSONText.parse(text)) == .started(started))
    }

    @Test func `what a newer version wrote is unreadable, and blocks nothing`() {
        #expect(StoredEvent.event(named: "from.the-future", .object([])) == .unreadable(name: "from.the-future"))
        #expect(StoredEvent.event(named: "step.started", .object([])) == .unreadable(name: "step.started"))
    }

    func journal(_ folder: Folder, access: SQLiteJournal.Access = .drive) throws -> SQLiteJournal {
        try SQLiteJournal(path: folder.path + "/j.db", access: access, clock: clock)
    }

    func append(_ events: [Event], after: Int) -> Driver.Append {
        var driver = Driver(
            machine: RolloutMachine(started(), at: clock.now), epoch: 1, holder: "p",
            leaseUntil: clock.now.advanced(by: .seconds(30)),
            at: clock.now)
        _ = driver.take(.tick, at: clock.now)
        return Driver.Append(records: events.map { .init(event: $0, at: clock.now) }, after: after, isWayBack: false)
    }

    @Test func `it writes ahead and fully synchronous`() throws {
        let folder = try Folder()
        let journal = try journal(folder)
        #expect(try journal.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
        #expect(try journal.read { try Int.fetchOne($0, sql: "PRAGMA synchronous") } == 2)
        #expect(FileManager.default.fileExists(atPath: journal.path + ".reserve"))
        journal.releaseReserve()
        #expect(!FileManager.default.fileExists(atPath: journal.path + ".reserve"))
    }

    @Test func `an append at a position already taken is refused, and so is an old epoch`() throws {
        let folder = try Folder()
        let journal = try journal(folder)
        let lease = try journal.create("a-1", started(), key: nil, process: .current, at: clock.now)
        try journal.append(append([.claimed(epoch: 1)], after: 1), under: lease)
        #expect(throws: JournalFailure.self) {
            try journal.append(append([.claimed(epoch: 1)], after: 1), under: lease)
        }
        let taken = try journal.acquire("a-1", process: .current, at: clock.now, isForced: true)
        #expect(taken.epoch == 2)
        #expect(try !journal.holds(lease))
        let fenced = #expect(throws: JournalFailure.self) {
            try journal.append(append([.adopted], after: 2), under: lease)
        }
        #expect(fenced?.kind == .fenced)
        #expect(try journal.records(of: "a-1").count == 2)
    }

    @Test func `a live lease is not taken, a dead process's is at once`() throws {
        let folder = try Folder()
        let journal = try journal(folder)
        _ = try journal.create("a-1", started(), key: nil, process: .current, at: clock.now)
        let other = ProcessIdentity(
            host: ProcessIdentity.hostName, bootID: ProcessIdentity.current.bootID, pid: 1, startTime: -5)
        #expect(throws: JournalFailure.self) { try journal.acquire("a-1", process: other, at: clock.now) }
        _ = try journal.acquire("a-1", process: other, at: clock.now, isForced: true)
        #expect(try journal.acquire("a-1", process: .current, at: clock.now).epoch == 3)
    }

    @Test func `one rollout is under way per target`() throws {
        let folder = try Folder()
        let journal = try journal(folder)
        let lease = try journal.create("a-1", started(), key: "k", process: .current, at: clock.now)
        let busy = #expect(throws: JournalFailure.self) {
            try journal.create("a-2", started(), key: nil, process: .current, at: clock.now)
        }
        #expect(busy?.message.contains("a-1") == true)
        _ = try journal.create("b-1", started(target: "other"), key: nil, process: .current, at: clock.now)
        try journal.append(append([.finished(.promoted)], after: 1), under: lease)
        _ = try journal.create("a-3", started(), key: nil, process: .current, at: clock.now)
        #expect(try journal.rollout(withKey: "k") == "a-1")
        #expect(try journal.finishedRollouts(on: "t") == ["a-1"])
        #expect(try journal.find("app").id != "a-1")
    }

    @Test func `a changed journal shows`() throws {
        let folder = try Folder()
        let journal = try journal(folder)
        let lease = try journal.create("a-1", started(), key: nil, process: .current, at: clock.now)
        try journal.append(append(Array(everyEvent[1...8]), after: 1), under: lease)
        #expect(try journal.verify(["a-1"])[0].problems.isEmpty)
        #expect(try journal.head(of: "a-1")?.length == 9)
        #expect(try journal.head(of: "a-1")?.hash == journal.verify(["a-1"])[0].head)
        #expect(try journal.head(of: "nobody") == nil)
        try journal.write { db in
            try db.execute(sql: "DROP TRIGGER events_are_never_changed")
            try db.execute(sql: "UPDATE events SET payload = replace(payload, '10000', '9999') WHERE position = 4")
        }
        #expect(try journal.verify(["a-1"])[0].problems == ["event 4 was changed after it was written"])
    }

    @Test func `events are only ever appended`() throws {
        let folder = try Folder()
        let journal = try journal(folder)
        _ = try journal.create("a-1", started(), key: nil, process: .current, at: clock.now)
        for sql in ["UPDATE events SET name = 'x'", "DELETE FROM events"] {
            #expect(throws: JournalFailure.self) { try journal.write { try $0.execute(sql: sql) } }
        }
    }

    @Test func `commands wait in the inbox until they are answered`() throws {
        let folder = try Folder()
        let journal = try journal(folder)
        _ = try journal.create("a-1", started(), key: nil, process: .current, at: clock.now)
        let command = Command(id: "c", verb: .abort, actor: Actor(name: "bob"), reason: "r", aimedAt: 4)
        try journal.send(command, to: "a-1")
        #expect(try journal.waitingCommands(for: "a-1") == [command])
        #expect(try journal.reply(to: "c") == .waiting)
        try journal.answer("c", refusal: "no")
        #expect(try journal.reply(to: "c") == .refused("no"))
        #expect(try journal.waitingCommands(for: "a-1").isEmpty)
    }

    @Test func `a file of a newer version, one of another program and a damaged one are named as such`() throws {
        let folder = try Folder()
        var journal: SQLiteJournal? = try journal(folder)
        try journal?.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('9: from the future')") }
        journal = nil
        let newer = #expect(throws: JournalFailure.self) { try self.journal(folder) }
        #expect(newer?.message.contains("newer version") == true)
        let text = folder.path + "/text.db"
        try String(repeating: "no database\n", count: 500).write(toFile: text, atomically: true, encoding: .utf8)
        let other = #expect(throws: JournalFailure.self) { try SQLiteJournal(path: text, access: .drive, clock: clock) }
        #expect(other?.kind == .unusable)
        let missing = #expect(throws: JournalFailure.self) {
            try SQLiteJournal(path: folder.path + "/none/j.db", access: .drive, clock: clock)
        }
        #expect(missing?.message.contains("folder") == true)
        let none = #expect(throws: JournalFailure.self) {
            try SQLiteJournal(path: folder.path + "/none.db", access: .operate, clock: clock)
        }
        #expect(none?.kind == .refused)
    }

    @Test func `a page overwritten in the middle is found before the first append`() throws {
        let folder = try Folder()
        do {
            let journal = try journal(folder)
            let lease = try journal.create("a-1", started(), key: nil, process: .current, at: clock.now)
            try journal.append(
                append(Array(repeating: .routerLost(String(repeating: "x", count: 900)), count: 200), after: 1),
                under: lease)
            try journal.queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.path + "/j.db"))
        try file.seek(toOffset: 4096 * 20)
        file.write(Data(repeating: 0xAA, count: 4096 * 10))
        try file.close()
        let damaged = #expect(throws: JournalFailure.self) { try journal(folder) }
        #expect(damaged?.kind == .unusable)
    }

    @Test func `a full journal refuses, and takes the records again once there is room`() throws {
        let folder = try Folder()
        let journal = try journal(folder)
        let lease = try journal.create("a-1", started(), key: nil, process: .current, at: clock.now)
        let pages = try journal.read { try Int.fetchOne($0, sql: "PRAGMA page_count")! }
        try journal.queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = \(pages)") }
        let long = Event.routerLost(String(repeating: "x", count: 20_000))
        let full = #expect(throws: JournalFailure.self) { try journal.append(append([long], after: 1), under: lease) }
        #expect(full?.kind == .full)
        #expect(full?.message.contains("make room") == true)
        try journal.queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
        try journal.append(append([long], after: 1), under: lease)
        #expect(try journal.verify(["a-1"])[0].problems.isEmpty)
    }

    @Test func `network file systems are known by their mount`() {
        let mounts =
            "36 35 98:0 / / rw - ext4 /dev/vda rw\n40 36 0:50 / /mnt/nfs rw,relatime shared:1 - nfs4 server:/x rw\n"
        #expect(StoreFile.fileSystem(of: "/mnt/nfs/a", mounts: mounts) == "nfs4")
        #expect(StoreFile.fileSystem(of: "/mnt/nfsx", mounts: mounts) == "ext4")
    }

    /// Written by version 0.1.0. A binary that cannot fold this into the same history must not be released.
    @Test func `the golden journal reads into the same history`() throws {
        let folder = try Folder()
        let path = folder.path + "/golden.db"
        let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden")
        let dump = fixtures.appending(path: "journal-0.1.0.sql")
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil,
            !FileManager.default.fileExists(atPath: dump.path)
        {
            try makeGolden(at: dump)
        }
        try DatabaseQueue(path: path).write { try $0.execute(sql: String(contentsOf: dump, encoding: .utf8)) }
        let journal = try SQLiteJournal(path: path, access: .drive, clock: clock)
        #expect(try journal.verify(["golden-1"])[0].problems.isEmpty)
        let records = try journal.records(of: "golden-1")
        #expect(records.count == everyEvent.count)
        for (record, event) in zip(records, everyEvent) { #expect(record.event == event, "\(record.name)") }
    }

    private static let cause = Cause(.gate, "errors: 1 failed, failureLimit 0, last value 0")

    /// Recorded by the last version that had no actions, each cut off in one of its phases.
    private static let phases: [(id: String, phase: MachineState.Phase)] = [
        ("claiming", .opening(.acting(0))), ("pinning", .opening(.pinning)),
        ("settling", .opening(.settling(until: Timestamp(milliseconds: 1_700_000_030_000)))),
        ("routing", .step(0, .routing)), ("holding", .step(0, .holding)),
        ("approving", .step(0, .approving(until: Timestamp(milliseconds: 1_700_003_651_000)))),
        ("adopting", .closing(.forward(0))), ("returning", .closing(.returning(cause))),
        ("releasing", .closing(.back(cause, 0))), ("promoted", .finished(.promoted)),
        ("rolled-back", .finished(.rolledBack(cause))),
    ]

    @Test func `a journal without actions folds into the present phases, and each of its rollouts goes on`() throws {
        let folder = try Folder()
        let path = folder.path + "/phases.db"
        let dump = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "Golden/journal-of-each-phase.sql")
        try DatabaseQueue(path: path).write { try $0.execute(sql: String(contentsOf: dump, encoding: .utf8)) }
        let journal = try SQLiteJournal(path: path, access: .drive, clock: clock)
        for (id, phase) in Self.phases {
            #expect(try journal.verify(["phase-\(id)"])[0].problems.isEmpty)
            var machine = try journal.machine(of: "phase-\(id)")
            #expect(machine.state.phase == phase, "\(id)")
            #expect(machine.state.unreadable == 0)
            let now = Timestamp(milliseconds: 1_700_000_100_000)
            guard case .events(let events) = machine.decide(.tookOver(epoch: 2, holder: "p"), at: now) else { continue }
            for event in events { machine.apply(event, at: now) }
            // Whoever takes over marks the target first; what is over has nothing left to do.
            #expect((machine.work(at: now).action?.run.kind == .claim) == !machine.state.isFinished, "\(id)")
        }
    }

    private func makeGolden(at url: URL) throws {
        let folder = try Folder()
        let journal = try journal(folder)
        let lease = try journal.create(
            "golden-1", started(), key: "key", process: ProcessIdentity(host: "h", bootID: "b", pid: 1, startTime: 2),
            at: Timestamp(milliseconds: 1_700_000_000_000))
        let records = everyEvent.dropFirst().map {
            Driver.Record(event: $0, at: Timestamp(milliseconds: 1_700_000_001_000))
        }
        try journal.append(Driver.Append(records: Array(records), after: 1, isWayBack: false), under: lease)
        var sql = ""
        try journal.read { db in
            for row in try Row.fetchAll(
                db, sql: "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
            { sql += "\(row["sql"] as String);\n" }
            for table in ["grdb_migrations", "rollouts", "events", "leases"] {
                let columns = try db.columns(in: table).map { "quote(\"\($0.name)\")" }.joined(separator: " || ',' || ")
                for values in try String.fetchAll(db, sql: "SELECT \(columns) FROM \(table)") {
                    sql += "INSERT INTO \(table) VALUES (\(values));\n"
                }
            }
        }
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try sql.write(to: url, atomically: true, encoding: .utf8)
    }
}

/// A folder that goes with the test.
final class Folder {
    let path: String
    init() throws {
        path = NSTemporaryDirectory() + "/belay-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        chmod(path, 0o755)  // Another test may have taken the umask away.
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}

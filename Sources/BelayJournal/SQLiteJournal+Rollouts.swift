package import BelayCore
package import BelayEngine
package import BelayPlatform
internal import Foundation
internal import GRDB

extension SQLiteJournal {
    /// Makes a rollout: its row, its first event and its lease, in one transaction.
    /// - Throws: ``JournalFailure`` `.refused`, naming the rollout that is under way on the same target; `.unavailable`
    ///   where another rollout has the key.
    package func create(
        _ id: String, _ started: Event.Started, key: String?, process: ProcessIdentity, at now: Timestamp
    ) throws(JournalFailure) -> Lease {
        let (plan, until) = (started.plan, now.advanced(by: Lease.life))
        return try write { db in
            let busy = try String.fetchOne(
                db, sql: "SELECT id FROM rollouts WHERE target = ? AND finished IS NULL",
                arguments: [plan.target.identity])
            if let busy { throw JournalFailure(.refused, "\(busy) is under way on this target") }
            try db.execute(
                sql: "INSERT INTO rollouts VALUES (?, ?, ?, ?, ?, ?, NULL, NULL)",
                arguments: [id, plan.name, plan.revision, plan.target.identity, key, now.milliseconds])
            try Self.setLease(id, epoch: 1, until: Self.expiry(now), process, db)
            var started = started
            started.previous = try Self.lastEnd(db)
            try Self.insert([.init(event: .started(started), at: now)], into: id, after: 0, db)
            return Lease(rollout: id, epoch: 1, until: until)
        }
    }

    /// The last event of the rollout that ended last in this journal; nil where none has ended.
    private static func lastEnd(_ db: Database) throws -> Event.Started.End? {
        let sql = """
            SELECT id, position, hash FROM rollouts JOIN events ON events.rollout = rollouts.id
            WHERE finished IS NOT NULL ORDER BY finished DESC, id DESC, position DESC LIMIT 1
            """
        return try Row.fetchOne(db, sql: sql).map { row in
            let hash: Data = row[2]
            return .init(rollout: row[0], length: row[1] + 1, head: Chain.text(Array(hash)))
        }
    }

    /// Takes the lease where nobody holds it.
    /// - Parameter isForced: Whether to take it from a live holder as well, whose next append is then refused.
    /// - Throws: ``JournalFailure`` `.fenced`, naming the live holder.
    package func acquire(
        _ id: String, process: ProcessIdentity, at now: Timestamp, isForced: Bool = false
    ) throws(JournalFailure) -> Lease {
        let until = now.advanced(by: Lease.life)
        return try write { db in
            let holder = try Self.holder(of: id, db)
            if let holder, !isForced, holder.isLive(at: now) {
                throw JournalFailure(.fenced, "\(id) is driven by \(holder.process.text)")
            }
            let epoch = (holder?.epoch ?? 0) + 1
            try Self.setLease(id, epoch: epoch, until: Self.expiry(now), process, db)
            return Lease(rollout: id, epoch: epoch, until: until)
        }
    }

    /// Gives the lease up, so that the next driver can take it at once.
    package func release(_ lease: Lease) throws(JournalFailure) {
        try write { db in
            try db.execute(
                sql: "UPDATE leases SET expires = 0 WHERE rollout = ? AND epoch = ?",
                arguments: [lease.rollout, lease.epoch])
        }
    }

    /// Who has, or last had, the lease; nil where nobody ever did.
    package func holder(of id: String) throws(JournalFailure) -> LeaseHolder? {
        try read { try Self.holder(of: id, $0) }
    }

    private static func holder(of id: String, _ db: Database) throws -> LeaseHolder? {
        try Row.fetchOne(db, sql: "SELECT * FROM leases WHERE rollout = ?", arguments: [id]).map { row in
            LeaseHolder(
                epoch: row["epoch"], until: Timestamp(milliseconds: row["expires"]),
                process: ProcessIdentity(
                    host: row["host"], bootID: row["boot"], pid: row["pid"], startTime: row["pid_started"]))
        }
    }

    /// When a lease that is given now runs out. Other processes compare this with their own clocks, so it counts from
    /// the system's clock where that is ahead of the driver's.
    static func expiry(_ now: Timestamp) -> Timestamp { max(now, WallClock.systemTime).advanced(by: Lease.life) }

    private static func setLease(
        _ id: String, epoch: Int, until: Timestamp, _ process: ProcessIdentity, _ db: Database
    ) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?, ?)",
            arguments: [id, epoch, until.milliseconds, process.host, process.bootID, process.pid, process.startTime])
    }

    /// The machine as the journal says.
    /// - Throws: ``JournalFailure`` `.unusable` where the first event cannot be read.
    package func machine(of id: String) throws(JournalFailure) -> RolloutMachine {
        try fold(try events(of: id), id)
    }

    /// The machine and the record it was folded from, oldest first.
    package func history(of id: String) throws(JournalFailure) -> (machine: RolloutMachine, events: [Event]) {
        let events = try events(of: id)
        return (try fold(events, id), events.map(\.event))
    }

    private func fold(_ events: [(event: Event, at: Timestamp)], _ id: String) throws(JournalFailure) -> RolloutMachine
    {
        if let machine = RolloutMachine(replaying: events) { return machine }
        throw JournalFailure(.unusable, "\(path): the beginning of \(id) cannot be read by this version")
    }

    /// What a machine is folded from, and nothing more of the record: a driver that takes over waits for it.
    private func events(of id: String) throws(JournalFailure) -> [(event: Event, at: Timestamp)] {
        try read { db in
            let sql = "SELECT time, name, payload FROM events WHERE rollout = ? ORDER BY position"
            let rows = try Row.fetchCursor(db, sql: sql, arguments: [id])
            var events: [(event: Event, at: Timestamp)] = []
            while let row = try rows.next() {
                events.append(
                    (StoredRecord.event(named: row[1], payload: row[2]), Timestamp(milliseconds: row[0])))
            }
            return events
        }
    }

    /// A rollout's records from a position on, oldest first.
    package func records(of id: String, from position: Int = 0) throws(JournalFailure) -> [StoredRecord] {
        try read { db in
            let sql =
                "SELECT position, time, name, payload, hash FROM events WHERE rollout = ? AND position >= ? ORDER BY position"
            let rows = try Row.fetchCursor(db, sql: sql, arguments: [id, position])
            var records: [StoredRecord] = []
            while let row = try rows.next() {
                let hash: Data = row[4]
                records.append(
                    StoredRecord(
                        position: row[0], at: Timestamp(milliseconds: row[1]), name: row[2], payload: row[3],
                        hash: Chain.text(Array(hash))))
            }
            return records
        }
    }

    /// The rollouts of that name, or all of them, newest first.
    /// - Parameter limit: How many at most.
    package func rollouts(named name: String? = nil, limit: Int = 1000) throws(JournalFailure) -> [RolloutSummary] {
        try read { db in
            let filter = name == nil ? "" : "WHERE name = ?"
            let arguments: StatementArguments = name.map { [$0, limit] } ?? [limit]
            let sql =
                "SELECT id, name, revision, target, started, finished, outcome FROM rollouts \(filter) ORDER BY started DESC, id DESC LIMIT ?"
            return try Row.fetchAll(db, sql: sql, arguments: arguments).map(Self.summary)
        }
    }

    /// A rollout by its id, or the latest of that name; without either the latest of all.
    /// - Throws: ``JournalFailure`` `.refused` where there is none.
    package func find(_ word: String?) throws(JournalFailure) -> RolloutSummary {
        let columns = "SELECT id, name, revision, target, started, finished, outcome FROM rollouts"
        let row: Row? = try read { db in
            guard let word else {
                return try Row.fetchOne(db, sql: "\(columns) ORDER BY started DESC, id DESC LIMIT 1")
            }
            return try Row.fetchOne(db, sql: "\(columns) WHERE id = ?", arguments: [word])
                ?? Row.fetchOne(
                    db, sql: "\(columns) WHERE name = ? ORDER BY started DESC, id DESC LIMIT 1", arguments: [word])
        }
        guard let row else {
            throw JournalFailure(
                .refused, word.map { "there is no rollout `\($0)` in \(path)" } ?? "\(path) has no rollouts")
        }
        return Self.summary(row)
    }

    /// Rollouts that are not over, newest first.
    package func underWay() throws(JournalFailure) -> [RolloutSummary] {
        let sql =
            "SELECT id, name, revision, target, started, finished, outcome FROM rollouts WHERE finished IS NULL ORDER BY started DESC, id DESC"
        return try read { db in try Row.fetchAll(db, sql: sql).map(Self.summary) }
    }

    private static func summary(_ row: Row) -> RolloutSummary {
        RolloutSummary(
            id: row[0], name: row[1], revision: row[2], target: row[3], started: Timestamp(milliseconds: row[4]),
            finished: (row[5] as Int64?).map { Timestamp(milliseconds: $0) }, outcome: row[6])
    }

    /// The id of the rollout of that key; nil where there is none.
    package func rollout(withKey key: String) throws(JournalFailure) -> String? {
        try read { db in try String.fetchOne(db, sql: "SELECT id FROM rollouts WHERE \"key\" = ?", arguments: [key]) }
    }

    /// As its protocol says.
    package func rolloutUnderWay(on target: String) throws(JournalFailure) -> String? {
        try read { db in
            try String.fetchOne(
                db, sql: "SELECT id FROM rollouts WHERE target = ? AND finished IS NULL", arguments: [target])
        }
    }

    /// Ids of the rollouts of a target that are over.
    package func finishedRollouts(on target: String) throws(JournalFailure) -> [String] {
        try read { db in
            try String.fetchAll(
                db, sql: "SELECT id FROM rollouts WHERE target = ? AND finished IS NOT NULL ORDER BY started",
                arguments: [target])
        }
    }

    /// Leaves a command for the driver.
    package func send(_ command: Command, to rollout: String) throws(JournalFailure) {
        let time = now.milliseconds
        try write { db in
            try db.execute(
                sql: "INSERT INTO inbox VALUES (?, ?, ?, ?, NULL, NULL)",
                arguments: [command.id, rollout, time, JSONText.write(StoredCommand.encode(command))])
        }
    }

    /// What a driver has said to a command.
    package enum Reply: Hashable, Sendable {
        case waiting, obeyed
        case refused(String)
    }

    /// What was said to that command so far.
    package func reply(to command: String) throws(JournalFailure) -> Reply {
        try read { db in
            guard
                let row = try Row.fetchOne(
                    db, sql: "SELECT answered, refusal FROM inbox WHERE id = ?", arguments: [command]),
                row["answered"] != nil
            else { return .waiting }
            return (row["refusal"] as String?).map { .refused($0) } ?? .obeyed
        }
    }

    /// Takes back a command that no driver has obeyed.
    /// - Returns: Whether it was taken back; false where it was obeyed or answered meanwhile.
    package func withdraw(_ command: String, of rollout: String) throws(JournalFailure) -> Bool {
        try write { db in
            // That a command was obeyed is in the record before the answer is written.
            let isObeyed = try Bool.fetchOne(
                db,
                sql: """
                    SELECT EXISTS (SELECT 1 FROM events WHERE rollout = ? AND name = 'operator.obeyed'
                        AND json_extract(payload, '$.id') = ?)
                    """, arguments: [rollout, command])
            if isObeyed == true { return false }
            try db.execute(sql: "DELETE FROM inbox WHERE id = ? AND answered IS NULL", arguments: [command])
            return db.changesCount > 0
        }
    }

    /// How many events a rollout has, and the head of its chain as it is stored: its last hash, in hexadecimal.
    package func head(of id: String) throws(JournalFailure) -> (length: Int, hash: String)? {
        try read { db in
            let sql = "SELECT position, hash FROM events WHERE rollout = ? ORDER BY position DESC LIMIT 1"
            return try Row.fetchOne(db, sql: sql, arguments: [id]).map { row in
                let hash: Data = row[1]
                return (row[0] + 1, Chain.text(Array(hash)))
            }
        }
    }
}

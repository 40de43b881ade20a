package import BelayCore
package import BelayEngine
internal import BelayPlatform
internal import Foundation
internal import GRDB

extension SQLiteJournal: RolloutJournal {
    /// As its protocol says.
    package func append(_ append: Driver.Append, under lease: Lease) throws(JournalFailure) {
        try checkIsThere()
        try hurrying(append.isWayBack) { () throws(JournalFailure) in
            try write { db in
                try Self.requireLease(lease, db)
                try Self.insert(append.records, into: lease.rollout, after: append.after, db)
                guard case .finished(let outcome)? = append.records.last?.event else { return }
                try db.cachedStatement(sql: "UPDATE rollouts SET finished = ?, outcome = ? WHERE id = ?")
                    .execute(arguments: [append.records.last!.at.milliseconds, outcome.summary, lease.rollout])
            }
        }
    }

    static func insert(_ records: [Driver.Record], into rollout: String, after: Int, _ db: Database) throws {
        let last = try Row.fetchOne(
            db.cachedStatement(
                sql: "SELECT position, hash FROM events WHERE rollout = ? ORDER BY position DESC LIMIT 1"),
            arguments: [rollout])
        let length = last.map { row -> Int in row["position"] + 1 } ?? 0
        guard length == after else {
            throw JournalFailure(.fenced, "position \(after) of \(rollout) is taken: another driver has appended")
        }
        var hash: [UInt8] = last.map { row -> Data in row["hash"] }.map(Array.init) ?? []
        let insert = try db.cachedStatement(sql: "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)")
        for (offset, record) in records.enumerated() {
            let (position, time) = (after + offset, record.at.milliseconds)
            let name = StoredEvent.name(of: record.event)
            let payload = JSONText.write(StoredEvent.payload(of: record.event))
            hash = Chain.hash(
                after: hash, rollout: rollout, position: position, time: time, name: name, payload: payload)
            try insert.execute(arguments: [rollout, position, time, name, payload, Data(hash)])
        }
    }

    private static func requireLease(_ lease: Lease, _ db: Database) throws {
        let row = try Row.fetchOne(
            db.cachedStatement(sql: "SELECT epoch, pid, host FROM leases WHERE rollout = ?"), arguments: [lease.rollout]
        )
        guard let row, row["epoch"] == lease.epoch else {
            let holder = row.map { "pid \($0["pid"] as Int) on \($0["host"] as String)" } ?? "nobody"
            throw JournalFailure(.fenced, "\(lease.rollout) is driven by \(holder) now")
        }
    }

    /// As its protocol says.
    package func renew(_ lease: Lease) throws(JournalFailure) -> Duration {
        try checkIsThere()
        let now = now
        try hurrying(true) { () throws(JournalFailure) in
            try write { db in
                try Self.requireLease(lease, db)
                try db.execute(
                    sql: "UPDATE leases SET expires = ? WHERE rollout = ?",
                    arguments: [Self.expiry(now).milliseconds, lease.rollout])
            }
        }
        return Lease.life
    }

    /// As its protocol says.
    package func holds(_ lease: Lease) throws(JournalFailure) -> Bool {
        try read { db in
            try Int.fetchOne(
                db.cachedStatement(sql: "SELECT epoch FROM leases WHERE rollout = ?"), arguments: [lease.rollout])
                == lease.epoch
        }
    }

    /// As its protocol says.
    package func waitingCommands(for rollout: String) throws(JournalFailure) -> [Command] {
        let rows = try read { db in
            try Row.fetchAll(
                db.cachedStatement(
                    sql: "SELECT id, command FROM inbox WHERE rollout = ? AND answered IS NULL ORDER BY sent"),
                arguments: [rollout])
        }
        var commands: [Command] = []
        for row in rows {
            if case .success(let command) = Result(catching: {
                try StoredCommand.decode(try JSONText.parse(row["command"] as String))
            }) {
                commands.append(command)
            } else {
                try answer(row["id"], refusal: "this driver's version does not know that command")
            }
        }
        return commands
    }

    /// As its protocol says.
    package func answer(_ command: String, refusal: String?) throws(JournalFailure) {
        let time = now.milliseconds
        try hurrying(true) { () throws(JournalFailure) in
            try write { db in
                try db.execute(
                    sql: "UPDATE inbox SET answered = ?, refusal = ? WHERE id = ? AND answered IS NULL",
                    arguments: [time, refusal, command])
            }
        }
    }

    /// As its protocol says.
    package func releaseReserve() { StoreFile.releaseReserve(of: path) }
}

extension Outcome {
    /// The stored summary; the event has the whole.
    var summary: String {
        switch self {
        case .promoted: "promoted"
        case .rolledBack(let cause): "rolled back: \(cause.message)"
        case .refused(let holder): "refused: \(holder)"
        }
    }
}

internal import BelayCore
package import BelayEngine
internal import BelayPlatform
internal import Foundation
internal import GRDB
internal import Glibc

/// The record of all rollouts of one store, in SQLite (WAL, `synchronous=FULL`). Events are only ever appended.
///
/// Calls are synchronous and block for as long as the disk takes: GRDB's async writes would end with their task.
package final class SQLiteJournal: Sendable {
    /// What a journal is opened for.
    package enum Access: Sendable {
        /// May drive: the file is made where there is none, and checked before the first append.
        case drive
        /// Reads and sends commands; there must be a file.
        case operate
    }

    /// The room kept for the records of the way back, in bytes.
    package static let reserveSize = 1 << 20

    package let path: String
    let queue: DatabaseQueue
    private let patience: Patience
    private let clock: WallClock
    /// The identities of the journal's file and of its log (`-wal`), as this process has seen them.
    private let files = Locked<[String: StoreFile.Identity]>([:])

    /// How many half milliseconds to wait for a busy file.
    private final class Patience: Sendable {
        static let ordinary = 20_000
        static let wayBack = 2_000
        private let tries = Locked(ordinary)
        var limit: Int { tries.withLock { $0 } }
        func set(_ limit: Int) { tries.withLock { $0 = limit } }
    }

    /// Opens a store.
    /// - Throws: ``JournalFailure`` `.unusable` for a file that is none of ours, a newer version's, damaged or on a
    ///   network file system; `.unavailable` where it cannot be opened now.
    package init(path: String, access: Access, clock: WallClock) throws(JournalFailure) {
        self.path = path
        self.clock = clock
        let patience = Patience()
        self.patience = patience
        try StoreFile.check(path, mayCreate: access == .drive)
        queue = try Self.open(path, access, patience)
        if access == .drive { StoreFile.makeReserve(for: path, size: Self.reserveSize) }
    }

    /// Several processes may make the file at the same instant: changing to WAL answers "busy" without asking the busy
    /// callback (https://www.sqlite.org/c3ref/busy_handler.html), so the whole opening is tried again for a while.
    private static func open(_ path: String, _ access: Access, _ patience: Patience) throws(JournalFailure)
        -> DatabaseQueue
    {
        var tries = 0
        while true {
            do {
                let queue = try DatabaseQueue(path: path, configuration: configuration(patience))
                try prepare(queue, access)
                return queue
            } catch let error as DatabaseError where isPassing(error) && tries < 500 {
                tries += 1
                usleep(10_000)
            } catch {
                throw failure(error, path)
            }
        }
    }

    /// Whether another try may help: the file is busy, or another process is making its tables at this moment.
    private static func isPassing(_ error: DatabaseError) -> Bool {
        error.resultCode == .SQLITE_BUSY || error.message?.hasPrefix("no such table: grdb_migrations") == true
    }

    private static func configuration(_ patience: Patience) -> Configuration {
        var configuration = Configuration()
        // Not `journalMode`: GRDB's own WAL setting turns `synchronous` down to NORMAL.
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA journal_mode=WAL")
            try db.execute(sql: "PRAGMA synchronous=FULL")
            guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2 else {
                throw JournalFailure(.unusable, "SQLite does not keep synchronous=FULL")
            }
        }
        configuration.busyMode = .callback { tries in
            if tries >= patience.limit { return false }
            usleep(500)
            return true
        }
        return configuration
    }

    private static func prepare(_ queue: DatabaseQueue, _ access: Access) throws {
        let migrator = Schema.migrator
        let (isNewer, isComplete) = try queue.read { db in
            (try migrator.hasBeenSuperseded(db), try migrator.hasCompletedMigrations(db))
        }
        if isNewer { throw JournalFailure(.unusable, "was written by a newer version of Belay; use that one") }
        if !isComplete {
            do {
                try migrator.migrate(queue)
            } catch {
                // Another process may have made the tables between our look and our transaction.
                guard try queue.read(migrator.hasCompletedMigrations) else { throw error }
            }
        }
        guard access == .drive else { return }
        try limitPages(queue)
        let verdict = try queue.read { db in try String.fetchOne(db, sql: "PRAGMA quick_check(1)") }
        if verdict != "ok" { throw JournalFailure(.unusable, "is damaged: \(verdict ?? "no answer")") }
    }

    /// For the acceptance tests, in debug builds: `BELAY_SPARE_PAGES=0` makes this journal's disk full at once.
    private static func limitPages(_ queue: DatabaseQueue) throws {
        #if DEBUG
            guard let spare = ProcessInfo.processInfo.environment["BELAY_SPARE_PAGES"].flatMap({ Int($0) }) else {
                return
            }
            try queue.writeWithoutTransaction { db in
                let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
                try db.execute(sql: "PRAGMA max_page_count = \(pages + spare)")
            }
        #endif
    }

    /// Checks that the file that is open is still the one at this path. SQLite goes on writing to a file that was
    /// deleted, renamed or replaced, and nobody would read those records.
    /// - Throws: ``JournalFailure`` `.unavailable`, naming what became of it.
    func checkIsThere() throws(JournalFailure) {
        for name in [path, path + "-wal"] {
            let (known, found) = (files.withLock { $0[name] }, StoreFile.identity(of: name))
            guard let known else {
                if let found { files.withLock { $0[name] = found } }
                continue
            }
            guard let found else { throw JournalFailure(.unavailable, "\(name) is gone: it was deleted or renamed") }
            guard (found.device, found.inode) == (known.device, known.inode) else {
                throw JournalFailure(.unavailable, "\(name) is another file now: it was replaced")
            }
            // The log is emptied by a checkpoint; the file itself only ever grows.
            if name == path, found.size < known.size {
                throw JournalFailure(.unavailable, "\(name) is shorter than it was: it was truncated")
            }
            if name == path { files.withLock { $0[name] = found } }
        }
    }

    /// - Throws: ``JournalFailure`` for whatever SQLite says.
    func write<Value>(_ body: (Database) throws -> Value) throws(JournalFailure) -> Value {
        do {
            return try queue.write(body)
        } catch {
            throw Self.failure(error, path)
        }
    }

    func read<Value>(_ body: (Database) throws -> Value) throws(JournalFailure) -> Value {
        do {
            return try queue.read(body)
        } catch {
            throw Self.failure(error, path)
        }
    }

    /// Runs calls that wait for a busy file: for 1 s at most where they are urgent, since the way back depends on them,
    /// else for 10 s.
    func hurrying<Value>(_ isUrgent: Bool, _ body: () throws(JournalFailure) -> Value) throws(JournalFailure) -> Value {
        patience.set(isUrgent ? Patience.wayBack : Patience.ordinary)
        defer { patience.set(Patience.ordinary) }
        return try body()
    }

    var now: Timestamp { clock.now }

    private static func failure(_ error: any Error, _ path: String) -> JournalFailure {
        if let failure = error as? JournalFailure {
            return failure.kind == .unusable ? JournalFailure(.unusable, "\(path): \(failure.message)") : failure
        }
        guard let error = error as? DatabaseError else { return JournalFailure(.unavailable, "\(path): \(error)") }
        let text = "\(path): \(error.message ?? "SQLite error \(error.resultCode.rawValue)")"
        switch error.resultCode {
        case .SQLITE_NOTADB, .SQLITE_CORRUPT: return JournalFailure(.unusable, text)
        case .SQLITE_READONLY:
            return JournalFailure(.unavailable, "\(text); the file and its folder must be writable, for reading too")
        case .SQLITE_FULL: return JournalFailure(.full, "\(text); make room on its disk")
        default: return JournalFailure(.unavailable, text)
        }
    }
}

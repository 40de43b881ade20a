internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import Foundation
internal import Glibc

/// Where the journal is.
struct StoreOptions: ParsableArguments {
    @Option(
        name: .customLong("db"),
        help: ArgumentHelp(
            "The journal's file; else $BELAY_DB, else /var/lib/belay/belay.db where writable, else below $XDG_STATE_HOME.",
            valueName: "file"))
    var path: String?

    @Option(help: "text for people on stderr, json for machines on stdout (one object a line).")
    var output: OutputFormat = .text

    func open(_ access: SQLiteJournal.Access, clock: WallClock = WallClock()) throws(CommandFailure) -> SQLiteJournal {
        let path = try resolvedPath(access)
        return try orFail { () throws(JournalFailure) in try SQLiteJournal(path: path, access: access, clock: clock) }
    }

    private func resolvedPath(_ access: SQLiteJournal.Access) throws(CommandFailure) -> String {
        let environment = ProcessInfo.processInfo.environment
        if let named = path ?? environment["BELAY_DB"], !named.isEmpty {
            if named.hasPrefix("postgres://") || named.hasPrefix("postgresql://") {
                throw CommandFailure(
                    .invalid, "a PostgreSQL journal: this version of Belay cannot do that yet; name a file")
            }
            return URL(fileURLWithPath: named).path
        }
        let system = "/var/lib/belay"
        if Glibc.access(system, W_OK) == 0 { return "\(system)/belay.db" }
        let home = environment["HOME"] ?? "/"
        let state = environment["XDG_STATE_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "\(home)/.local/state"
        if access == .drive { try makeFolder("\(state)/belay") }
        return "\(state)/belay/belay.db"
    }

    private func makeFolder(_ path: String) throws(CommandFailure) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw CommandFailure(
                .unreachable, "the journal's folder \(path) cannot be made: \(error.localizedDescription)")
        }
    }
}

internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import Foundation
internal import Glibc

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

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

/// Who acts.
struct ActorOptions: ParsableArguments {
    @Option(help: "Who acts, for the record; else $BELAY_ACTOR, the CI's own actor, or the user's name.")
    var actor: String?

    @Option(help: "Why, for the record.")
    var reason: String = ""

    var person: Actor {
        let environment = ProcessInfo.processInfo.environment
        let names = ["BELAY_ACTOR", "GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR", "BUILD_USER_ID"]
        let named = actor ?? names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        let user = Self.userName
        return Actor(name: named ?? user, groups: Self.groups, user: named == nil || named == user ? nil : user)
    }

    private static var userName: String {
        getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "uid \(getuid())"
    }

    private static var groups: [String] {
        var ids = [gid_t](repeating: 0, count: 128)
        let count = getgroups(Int32(ids.count), &ids)
        guard count > 0 else { return [] }
        return ids.prefix(Int(count)).compactMap { id in getgrgid(id).map { String(cString: $0.pointee.gr_name) } }
            .sorted()
    }
}

internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import Foundation
internal import Glibc

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

    /// Who and why, for places that take a line of text: `alice (too slow)`.
    var words: String {
        let person = person
        let name = person.user.map { "\(person.name), user \($0)" } ?? person.name
        return String((reason.isEmpty ? name : "\(name) (\(reason))").printable.prefix(300))
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

internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform
internal import BelayRouters
internal import BelaySpec
internal import Foundation

struct TargetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "target",
        abstract: "Say which side is idle and which is stable: what a job asks before it deploys.",
        discussion: """
            Prints the idle side, the stable one and what was released to them. 7 while a release is under way, since then
            neither side is free; --wait waits for its end. Changes nothing.
            """)

    @Argument(help: "The rollout's file.") var file: String
    @Flag(help: "Wait while a release is under way.") var wait = false
    @Option(name: .customLong("set"), help: ArgumentHelp("Overrides one value.", valueName: "path=value"))
    var overrides: [String] = []
    @OptionGroup var store: StoreOptions

    func run() async throws {
        Signals.unblock()
        let traffic = try SpecFiles.traffic(file, overrides: overrides)
        let journal = try? store.open(.operate)  // Without one nothing of ours has been released.
        var said = false
        while true {
            do throws(CommandFailure) {
                let releases = Release.releases(journal)
                let (roles, released) = try await unlessRefused { () throws(ReleaseRefusal) in
                    let roles = try Releases.roles(of: try await releases.survey(traffic))
                    return (roles, try await releases.released(on: Releases.identity(of: traffic)))
                }
                return show(traffic, roles, released)
            } catch {
                guard wait, error.code == .taken else { throw error }
                if !said { for line in error.lines { Console.say(line) } }
                said = true
            }
            try await Task.sleep(for: .milliseconds(500))
        }
    }

    /// - Parameter released: What was last released to each side.
    private func show(_ traffic: Traffic, _ roles: Roles, _ released: [String: String]) {
        let (idle, stable) = (roles.canary(of: traffic.sides), roles.stable(of: traffic.sides))
        if store.output == .json {
            func members(_ side: Side) -> JSONValue {
                .object([
                    .init("side", .string(side.name)), .init("backend", .string(side.backend)),
                    .init("revision", released[side.name].map { .string($0) } ?? .null),
                ])
            }
            return Console.print(
                JSONText.write(.object([.init("idle", members(idle)), .init("stable", members(stable))])))
        }
        func line(_ word: String, _ side: Side) -> String {
            "\(word)  \(side.name)  backend \(side.backend)  \(released[side.name].map { "revision \($0)" } ?? "revision unknown")"
        }
        Console.print(line("idle  ", idle))
        Console.print(line("stable", stable))
    }
}

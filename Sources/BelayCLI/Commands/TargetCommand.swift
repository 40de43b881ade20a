internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
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
                let survey = try await Release.survey(traffic, journal: journal)
                return try show(traffic, try Release.roles(of: survey), journal)
            } catch {
                guard wait, error.code == .taken else { throw error }
                if !said { for line in error.lines { Console.say(line) } }
                said = true
            }
            try await Task.sleep(for: .milliseconds(500))
        }
    }

    private func show(_ traffic: Traffic, _ roles: Roles, _ journal: SQLiteJournal?) throws(CommandFailure) {
        let (idle, stable) = (roles.canary(of: traffic.sides), roles.stable(of: traffic.sides))
        let released = try released(on: Release.identity(of: traffic), journal)
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

    /// What was last released to each side, as this journal knows.
    private func released(on identity: String, _ journal: SQLiteJournal?) throws(CommandFailure) -> [String: String] {
        guard let journal else { return [:] }
        var revisions: [String: String] = [:]
        for machine in try Release.exposed(on: identity, journal) {
            let side = machine.plan.canary.name
            revisions[side] = revisions[side] ?? machine.plan.revision
            if revisions.count == 2 { break }
        }
        return revisions
    }
}

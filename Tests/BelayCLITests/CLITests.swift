import ArgumentParser
import BelayCore
import BelayEngine
import BelayJournal
import BelaySpec
import Foundation
import Testing

@testable import BelayCLI

@Suite("The command line")
struct CLITests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test func `every ready file is in the binary, under its name and as it is`() throws {
        for (folder, files) in [("strategies", ReadyFiles.strategies), ("analysis-templates", ReadyFiles.templates)] {
            let path = Self.root.appending(path: folder).path
            let names = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".yaml") }
            #expect(Set(names) == Set(files.keys.map { "\($0).yaml" }))
            for (name, bytes) in files {
                #expect(FileManager.default.contents(atPath: "\(path)/\(name).yaml") == Data(bytes))
            }
        }
    }

    @Test(
        "an outcome has its exit code",
        arguments: [
            (Outcome.promoted, Int32(0)), (.rolledBack(Cause(.gate, "")), 1), (.rolledBack(Cause(.deadline, "")), 1),
            (.rolledBack(Cause(.person, "")), 3), (.rolledBack(Cause(.outsideChange, "")), 3),
            (.rolledBack(Cause(.cancelled, "")), 3),
            (.rolledBack(Cause(.journal, "")), 6), (.refused(""), 7), (.rolledBack(Cause(.blind, "")), 9),
        ])
    func exitCode(outcome: Outcome, code: Int32) { #expect(ExitStatus(outcome).rawValue == code) }

    @Test func `the help is as it was; UPDATE_GOLDEN=1 rewrites it`() throws {
        let file = Self.root.appending(path: "Tests/BelayCLITests/Golden/help.txt")
        var help = BelayCommand.helpMessage(columns: 100) + "\n"
        for command in BelayCommand.configuration.subcommands
            + BelayCommand.configuration.groupedSubcommands.flatMap(\.subcommands)
        where command.configuration.shouldDisplay {
            help +=
                "\n— \(command.configuration.commandName ?? "")\n"
                + BelayCommand.helpMessage(for: command, columns: 100) + "\n"
        }
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
            try help.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == help)
    }

    @Test func `ids of one name sort by time`() {
        let early = RolloutID.make(name: "app", at: Timestamp(milliseconds: 1_700_000_000_000))
        let late = RolloutID.make(name: "app", at: Timestamp(milliseconds: 1_700_000_000_001))
        #expect(early < late)
        #expect(early.count == "app-".count + 10)
    }

    @Test func `the status shows the step, the share as a bar, each metric against its limit and the time left`() {
        var machine = Self.machine()
        let now = Timestamp(milliseconds: 1_700_000_000_000)
        let events: [Event] = [
            .tookOver(epoch: 1, holder: "p"), .claimed(epoch: 1), .trafficConfirmed(share: .zero, processes: [1]),
            .stepStarted(step: 0, share: Weight(basisPoints: 2500)!),
            .trafficConfirmed(share: Weight(basisPoints: 2500)!, processes: [1]),
            .watched(total: .seconds(20), until: now),
        ]
        for event in events { machine.apply(event, at: now) }
        let view = StatusView(
            id: "app-1", machine: machine, recent: [["[0.001]", "[0.5]"]], holder: nil, now: now, isColored: false)
        let text = view.lines(columns: 80).joined(separator: "\n")
        for part in [
            "step 1/2: watched 20s of 1m, 40s left", "█", "green 25 %, blue 75 %", "[25 %]  100 %",
            "errors  0.001 0.5  wants result[0] < 0.01",
            "nobody drives it",
        ] { #expect(text.contains(part), "\(part) is not in\n\(text)") }
    }

    @Test func `a name that is no path resolves beside the file first, then inside the binary`() {
        #expect(SpecFiles.resolve(.strategy, "quick", "/nowhere/release.yaml")?.file == "(built in) quick.yaml")
        #expect(
            SpecFiles.resolve(.strategy, "quick", Self.root.path + "/release.yaml")?.file.hasSuffix(
                "/strategies/quick.yaml") == true)
        #expect(SpecFiles.resolve(.strategy, "../strategies/quick", Self.root.path + "/docs/x.yaml") == nil)
    }

    private static func machine() -> RolloutMachine {
        var metric = Metric(name: "errors", query: PrometheusQuery(address: "http://p", query: "q"))
        metric.successCondition = "result[0] < 0.01"
        let sides = Sides(first: Side(name: "blue", backend: "b"), second: Side(name: "green", backend: "g"))
        let target = Target(
            haproxy: HAProxyTarget(sockets: ["/s"], mapFile: "/m", key: "k", sides: sides), identity: "t")
        let steps = [PlanStep(weight: Weight(basisPoints: 2500)!, hold: Hold(.seconds(60))), PlanStep(weight: .full)]
        let plan = Plan(
            name: "app", revision: "2", target: target, roles: Roles(canaryIsSecond: true), steps: steps,
            metrics: [metric])
        return RolloutMachine(
            .init(plan: plan, original: "0", actor: Actor(name: "a")), at: Timestamp(milliseconds: 1_699_999_000_000))
    }
}

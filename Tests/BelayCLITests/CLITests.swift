import ArgumentParser
import BelayCore
import BelayEngine
import BelayJournal
import BelayPlatform
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
            .tookOver(epoch: 1, holder: "p"), .claimed(epoch: 1), .trafficConfirmed(share: .zero, incarnations: ["1"]),
            .stepStarted(step: 0, share: Weight(basisPoints: 2500)!),
            .trafficConfirmed(share: Weight(basisPoints: 2500)!, incarnations: ["1"]),
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

    @Test(
        "on a small terminal nothing wraps, and what matters most stands first",
        arguments: [(80, 24), (40, 10), (20, 5), (1, 1)])
    func fits(columns: Int, rows: Int) {
        let long = "errors: worse than stable: 12/100 against 1/900, evidence 140 (taken back at 100), and more words"
        for events: [Event] in [[], [.wayBackBegan(Cause(.gate, long))], [.attentionNeeded(long)]] {
            let lines = Self.view(Self.machine(), events).screen(columns: columns, rows: rows)
            #expect(lines.count <= max(1, rows - 1))
            #expect(lines.allSatisfy { StatusView.width($0) <= columns }, "\(lines)")
            guard columns < 80 else { continue }
            #expect(
                lines.first?.hasPrefix(
                    events.contains { $0 == .wayBackBegan(Cause(.gate, long)) } ? "taking the t" : "step 1/2") == true
                    || columns == 1)
        }
    }

    @Test func `a clipped line ends its colours, and colours take no room`() {
        let line = "\u{1B}[31mred words\u{1B}[0m and more"
        #expect(StatusView.width(line) == 18)
        #expect(StatusView.clip(line, to: 18) == line)
        #expect(StatusView.clip(line, to: 5) == "\u{1B}[31mred …\u{1B}[0m")
    }

    private static let now = Timestamp(milliseconds: 1_700_000_000_000)

    /// Holding the first step, with these events behind it.
    private static func view(_ machine: RolloutMachine, _ events: [Event] = []) -> StatusView {
        var machine = machine
        let share = Weight(basisPoints: 2500)!
        let before: [Event] = [
            .tookOver(epoch: 1, holder: "p"), .claimed(epoch: 1), .trafficConfirmed(share: .zero, incarnations: ["1"]),
            .stepStarted(step: 0, share: share), .trafficConfirmed(share: share, incarnations: ["1"]),
        ]
        for event in before + events { machine.apply(event, at: now) }
        return StatusView(id: "app-1", machine: machine, recent: [], holder: nil, now: now, isColored: false)
    }

    private static func measured(
        _ phase: MeasurementPhase, _ value: String = "-", _ message: String = "", watched: Duration = .zero,
        evidence: Evidence? = nil
    ) -> Event {
        .measured(
            .init(
                measurement: Measurement(
                    metric: 0, phase: phase, value: value, message: message, startedAt: now, finishedAt: now,
                    evidence: evidence), isFresh: true, watched: watched, watchedUntil: now))
    }

    private static func text(_ view: StatusView) -> String { view.lines(columns: 100).joined(separator: "\n") }

    @Test
    func `what took the traffic back is shown as failed, with its cause, though its measurement is stored as good`() {
        let message = "errors: worse than stable: 12/100 against 1/900, evidence 140 (taken back at 100)"
        let view = Self.view(
            Self.machine(),
            [
                Self.measured(.successful, "12/100 against 1/900"),
                .verdict(metric: 0, verdict: .failed, message: message),
                .wayBackBegan(Cause(.gate, message)),
            ])
        #expect(Self.text(view).contains("✖ errors"))
        #expect(Self.text(view).contains(message))
        let json = JSONText.write(view.json)
        #expect(json.contains(#""last":"failed""#) && json.contains(#""failed":1"#), "\(json)")
    }

    @Test func `waiting is explained: requests, suspicion, approval`() {
        var compared = Self.machine().plan
        compared.metrics[0].comparison = Comparison()
        func evidence(_ requests: Double, _ harm: Double) -> Evidence {
            let window = CountWindow(
                from: Self.now, to: Self.now, since: Self.now, canaryRequests: requests, stableRequests: 900,
                bad: [.init(canary: 0, stable: 0)])
            return Evidence(
                test: .ratio, window: window, step: 0, isWhole: true, harm: harm, harmLimit: 100, promotion: 1,
                requests: requests, reference: 900)
        }
        func text(_ evidence: Evidence) -> String {
            let machine = RolloutMachine(.init(plan: compared, original: "0", actor: Actor(name: "a")), at: Self.now)
            return Self.text(
                Self.view(machine, [Self.measured(.successful, "0/63", watched: .seconds(60), evidence: evidence)]))
        }
        #expect(text(evidence(63, 1)).contains("errors: 63 of 100 requests; a person is called at 15m"))
        #expect(
            text(evidence(200, 12)).contains("suspicious, evidence 12.0 (taken back at 100); a person is called at 15m")
        )
        var approved = Self.machine().plan
        approved.steps[0].approval = Approval()
        approved.steps[0].approval?.from = ["alice", "group:release"]
        let machine = RolloutMachine(.init(plan: approved, original: "0", actor: Actor(name: "a")), at: Self.now)
        let asked = Self.view(machine, [.approvalAsked(step: 0, until: Self.now.advanced(by: .seconds(60)))])
        #expect(Self.text(asked).contains("waits for approval by alice, group:release: `belay approve app-1`"))
    }

    @Test func `a simulation of gates that cannot be modelled is refused`() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "belay-\(UUID().uuidString).yaml").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try """
        apiVersion: belay.dev/v1
        kind: Rollout
        metadata: {name: app}
        spec:
          workload: {external: {}}
          traffic: {haproxy: {instances: [{socket: /s}], map: {file: /m, key: k}, sides: {a: a, b: b}}}
          strategy: {ref: quick}
          analysis: {templates: [{metrics: [{name: m, max: 1, provider: {constant: {value: 0}}}]}]}
        """.write(toFile: path, atomically: true, encoding: .utf8)
        let command = try SimulateCommand.parse([path])
        await #expect(throws: CommandFailure.self) { try await command.run() }
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
            traffic: .haproxy(HAProxyTraffic(sockets: ["/s"], mapFile: "/m", key: "k", sides: sides)), identity: "t")
        let steps = [PlanStep(weight: Weight(basisPoints: 2500)!, hold: Hold(.seconds(60))), PlanStep(weight: .full)]
        let plan = Plan(
            name: "app", revision: "2", target: target, roles: Roles(canaryIsSecond: true), steps: steps,
            metrics: [metric])
        return RolloutMachine(
            .init(plan: plan, original: "0", actor: Actor(name: "a")), at: Timestamp(milliseconds: 1_699_999_000_000))
    }
}

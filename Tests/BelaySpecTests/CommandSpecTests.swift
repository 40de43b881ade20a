import BelayCore
import BelaySpec
import Foundation
import Testing

/// Programs of the user's in a rollout's file.
@Suite("Programs in files")
struct CommandSpecTests {
    private static func file(_ workload: String, steps: String = "[{setWeight: 50}, {setWeight: 100}]") -> SpecSource {
        let text = SpecTests.good
            .replacing("workload: {external: {}}", with: "workload: \(workload)")
            .replacing("strategy: {ref: canary-10-25-50-100}", with: "strategy: {canary: {steps: \(steps)}}")
        return SpecSource(file: "r.yaml", text: text)
    }

    private static func plan(
        _ workload: String, steps: String = "[{setWeight: 50}, {setWeight: 100}]", canaryIsSecond: Bool = true
    ) throws -> Plan {
        try SpecTests.loader().rollout(file(workload, steps: steps))
            .plan(roles: Roles(canaryIsSecond: canaryIsSecond), identity: "t")
    }

    private static func issues(_ workload: String, steps: String = "[{setWeight: 100}]") -> String {
        SpecTests.loader().lint(file(workload, steps: steps)).map(\.description).joined(separator: "\n")
    }

    @Test func `a workload's programs know the sides, whichever way round`() throws {
        let text = """
            {command: {deploy: [./deploy.sh, "{{canary.side}}", "{{revision}}"], awaitReady: {command: [curl, "http://{{canary.backend}}/"], timeout: 90s}, \
            adopt: {command: [./adopt.sh], onCrash: rerun, workingDirectory: /srv}, retire: [./stop.sh, "{{idle.side}}", "{{idle.backend}}"]}}
            """
        for (canaryIsSecond, canary, stable) in [(true, "green", "blue"), (false, "blue", "green")] {
            let workload = try #require(try Self.plan(text, canaryIsSecond: canaryIsSecond).target.workload.command)
            #expect(workload.deploy?.arguments == ["./deploy.sh", canary, "1.9.0"])
            #expect(workload.deploy?.onCrash == .ask && workload.deploy?.timeout == .seconds(600))
            #expect(workload.awaitReady?.arguments == ["curl", "http://checkout_\(canary)/"])
            #expect(workload.awaitReady?.isRepeated == true && workload.awaitReady?.onCrash == .rerun)
            #expect(workload.awaitReady?.timeout == .seconds(90))
            #expect(workload.adopt?.onCrash == .rerun && workload.adopt?.directory == "/srv")
            #expect(workload.retire?.onCrash == .rerun)
            #expect(workload.retire?.arguments == ["./stop.sh", stable, "checkout_\(stable)"])
            #expect(workload.retireCanary?.arguments == ["./stop.sh", canary, "checkout_\(canary)"])
        }
    }

    @Test func `a step's program is part of the plan, and is a step of its own where it has no weight`() throws {
        let steps =
            #"[{setWeight: 50}, {run: {command: [./smoke.sh, "{{canary.side}}"], timeout: 2m, onCrash: fail}}, {setWeight: 100}]"#
        let plan = try Self.plan("{external: {}}", steps: steps)
        #expect(plan.steps.map(\.weight.basisPoints) == [5000, 5000, 10_000])
        #expect(plan.steps[1].run?.arguments == ["./smoke.sh", "green"])
        #expect(plan.steps[1].run?.timeout == .seconds(120) && plan.steps[1].run?.onCrash == .fail)
    }

    @Test func `where the old version is stopped it stays warm for scaleDownDelay`() throws {
        let text = SpecTests.good
            .replacing("strategy: {ref: canary-10-25-50-100}", with: "strategy: {blueGreen: {scaleDownDelay: 10m}}")
        let external = try SpecTests.loader().rollout(SpecSource(file: "r.yaml", text: text))
        #expect(try external.plan(roles: Roles(canaryIsSecond: true), identity: "").steps.last?.hold.max == .zero)
        let retiring = text.replacing("{external: {}}", with: "{command: {retire: [./stop.sh]}}")
        let spec = try SpecTests.loader().rollout(SpecSource(file: "r.yaml", text: retiring))
        #expect(try spec.plan(roles: Roles(canaryIsSecond: true), identity: "").steps.last?.hold.max == .seconds(600))
    }

    @Test(
        "what is wrong with a program is said where it stands",
        arguments: [
            ("{command: {}}", "at least one of deploy, awaitReady, adopt, retire is expected"),
            ("{command: {deploy: []}}", "a program and its arguments are expected"),
            (#"{command: {deploy: [""]}}"#, "a program and its arguments are expected"),
            ("{command: {deploy: {timeout: 5m}}}", "`command` is missing"),
            ("{command: {deploy: {command: [a], timeout: 25h}}}", "a time of 1s to 24h is expected"),
            ("{command: {deploy: {command: [a], timeout: 10ms}}}", "a time of 1s to 24h is expected"),
            ("{command: {deploy: {command: [a], onCrash: maybe}}}", "there are ask, fail, rerun"),
            (#"{command: {deploy: [a, "{{idle.side}}"]}}"#, "`{{idle.side}}` has no value"),
            (#"{command: {retire: [a, "{{args.x}}"]}}"#, "`{{args.x}}` has no value"),
            ("{command: {deploys: [a]}}", "deploy"), ("{command: {deploy: [a]}, external: {}}", "exactly one"),
            ("{command: {deploy: [a, [b]]}}", "a single value is expected"),
        ])
    func mistakes(workload: String, says: String) {
        let issues = Self.issues(workload)
        #expect(issues.contains(says) && issues.hasPrefix("r.yaml:6:"), "\(issues)")
    }

    @Test func `all mistakes of all programs are told at once, and kinds that come later by name`() {
        let issues = Self.issues(
            #"{command: {deploy: [a, "{{x}}"], adopt: {command: [b], timeout: 0s}}}"#,
            steps: #"[{setWeight: 50, run: {job: {name: a}}}, {setWeight: 100, run: {command: [c, "{{y}}"]}}]"#)
        for text in ["`{{x}}` has no value", "1s to 24h", "job", "`{{y}}` has no value"] where !issues.contains(text) {
            Issue.record("\(text) is missing in\n\(issues)")
        }
    }
}

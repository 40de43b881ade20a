import BelayDemo
import Foundation
import Testing

/// Releases that deploy by themselves, and steps with programs of the user's.
@Suite("Releases that deploy", .serialized)
struct DeployTests {
    /// Starts, looks at and stops real servers behind a real HAProxy, as a team's own scripts would.
    private static func scripts(_ stage: Stage) throws -> String {
        let (folder, rig) = (stage.rig.folder, stage.rig)
        func write(_ name: String, _ text: String) throws {
            let path = "\(folder)/\(name)"
            try "#!/bin/bash\nset -eu\ncd \(folder)\necho $BELAY_ACTION $* >> story\n\(text)\n".write(
                toFile: path, atomically: true, encoding: .utf8)
            chmod(path, 0o755)
        }
        let service = "\(Stage.belay) demo-service --errors 0 --delay 0 --life 60"
        try write(
            "deploy.sh",
            """
            case $1 in blue) port=\(rig.port(of: "blue"));; green) port=\(rig.port(of: "green"));; esac
            setsid \(service) --port $port --name $2 > /dev/null 2>&1 < /dev/null &
            echo $! > $1.pid
            """)
        try write("ready.sh", ": < /dev/tcp/127.0.0.1/\(rig.port(of: "green"))")
        try write("stop.sh", "if [ -e $1.pid ]; then kill $(cat $1.pid); rm $1.pid; fi")
        try write("tell.sh", "")
        return """
            command:
                  deploy: [\(folder)/deploy.sh, "{{canary.side}}", "{{revision}}"]
                  awaitReady: {command: [\(folder)/ready.sh], timeout: 20s}
                  adopt: [\(folder)/tell.sh, "{{canary.side}}", "{{revision}}"]
                  retire: [\(folder)/stop.sh, "{{idle.side}}"]
            """
    }

    private static func story(_ stage: Stage) -> [String] {
        ((try? String(contentsOfFile: stage.rig.folder + "/story", encoding: .utf8)) ?? "")
            .split(separator: "\n").map(String.init)
    }

    @Test func `the new version is brought to the idle side, gets the traffic and replaces the old one`() async throws {
        try await Stage.with { stage in
            try await stage.rig.startBlue()
            let workload = try Self.scripts(stage)
            let file = try stage.file(Stage.canary([50, 100], hold: "500ms"), analysis: Stage.noGate)
            try stage.edit("rollout.yaml") {
                $0.replacing("workload: {external: {}}", with: "workload:\n    \(workload)")
            }
            let plan = try await stage.belay("plan", file)
            #expect(
                plan.code == 0 && plan.text.contains("deploy: `\(stage.rig.folder)/deploy.sh green 1.0`"),
                "\(plan.text)")
            #expect(!plan.text.contains("will refuse"), "\(plan.text)")
            let run = try await stage.belay("run", file)
            #expect(run.code == 0, "\(run.text)")
            #expect(stage.rig.value() == "10000")
            let story = Self.story(stage)
            #expect(
                story.first == "deploy green 1.0" && story.suffix(2) == ["adopt green 1.0", "retire blue"], "\(story)")
            // And back again: the way back retires what was brought.
            let failing = try stage.file(
                Stage.canary([50, 100], hold: "500ms")
                    .replacing("setWeight: 100,", with: "setWeight: 100, run: {command: [/bin/false]},"),
                name: "failing", analysis: Stage.noGate)
            try stage.edit("failing.yaml") {
                $0.replacing("workload: {external: {}}", with: "workload:\n    \(workload)")
            }
            let back = try await stage.belay("run", failing, "--revision", "1.1")
            #expect(back.code == 1 && back.text.contains("`/bin/false` ended with status 1"), "\(back.text)")
            #expect(stage.rig.value() == "10000")
            #expect(Self.story(stage).suffix(1) == ["retire blue"], "\(Self.story(stage))")
            _ = try await LocalProcess.start(
                "\(stage.rig.folder)/stop.sh", ["green"], log: stage.rig.folder + "/stop.log"
            ).wait()
        }
    }

    @Test func `a deployment that never becomes ready is waited for, and then taken back before it had traffic`()
        async throws
    {
        try await Stand.with { stand in
            let file = try stand.file(
                [50, 100], hold: "1s", more: stand.noting,
                workload: "{command: {deploy: [/bin/true], awaitReady: {command: [/bin/false], timeout: 3s}}}")
            let run = try await stand.belay("run", file)
            #expect(run.code == 1 && run.text.contains("the wait until green is ready"), "\(run.text)")
            #expect(stand.told.allSatisfy { $0 == "0" }, "\(stand.told)")
        }
    }

    /// Notes its beginning and its end.
    private static func slow(_ stand: Stand, onCrash: String) -> String {
        "{command: [/bin/sh, -c, 'echo began $BELAY_ATTEMPT >> \(stand.folder)/hook; sleep 2; echo ended >> \(stand.folder)/hook'], "
            + "timeout: 30s, onCrash: \(onCrash)}"
    }

    @Test func `a hook whose driver is killed runs on, and is run again by nobody but a person`() async throws {
        try await Stand.with { stand in
            let file = try stand.file([100], hold: "300ms", run: Self.slow(stand, onCrash: "ask"))
            let run = try await stand.start("run", file)
            try await Rig.until("the hook has begun") { stand.lines("hook") == ["began 1"] }
            run.signal(SIGKILL)
            _ = await run.wait()
            let status = try await stand.belay("status")
            #expect(status.text.contains("the hook of step 1"), "\(status.text)")
            let next = try await stand.start("resume")
            try await stand.expect(next, says: "nobody knows whether it was done")
            try await Rig.until("the hook has ended by itself") { stand.lines("hook") == ["began 1", "ended"] }
            // Another `resume`, by a timer perhaps, answers nothing; and the question outlives its driver.
            let timer = try await stand.belay("resume")
            #expect(timer.code == 1 && timer.text.contains("resume --rerun"), "\(timer.text)")
            next.signal(SIGKILL)
            _ = await next.wait()
            let promote = try await stand.belay("promote")
            #expect(promote.code == 0, "\(promote.text)")
            #expect(stand.lines("hook") == ["began 1", "ended"] && stand.share == "100")
        }
    }

    @Test func `one that may run again waits until the earlier one has ended, and never runs beside it`() async throws {
        try await Stand.with { stand in
            let file = try stand.file([100], hold: "300ms", run: Self.slow(stand, onCrash: "rerun"))
            let run = try await stand.start("run", file)
            try await Rig.until("the hook has begun") { stand.lines("hook") == ["began 1"] }
            run.signal(SIGKILL)
            _ = await run.wait()
            let next = try await stand.belay("resume")
            #expect(next.code == 0, "\(next.text)")
            #expect(stand.lines("hook") == ["began 1", "ended", "began 2", "ended"])
        }
    }

    @Test func `killed between a program's end and its record, the next one follows its onCrash`() async throws {
        try await Stand.with { stand in
            let file = try stand.file(
                [100], hold: "300ms",
                workload:
                    "{command: {deploy: {command: [/bin/sh, -c, 'echo deployed >> \(stand.folder)/hook'], onCrash: fail}}}"
            )
            let run = try await stand.start("run", file, environment: ["BELAY_CRASH_AT": "after-action:1"])
            #expect(await run.wait() == 137, "\(run.output)")
            let next = try await stand.belay("resume")
            #expect(next.code == 1 && next.text.contains("`onCrash: fail`"), "\(next.text)")
            #expect(stand.lines("hook") == ["deployed"] && stand.share == "0")
        }
    }

    @Test func `an abort during a hook returns the traffic at once, and the hook is not killed`() async throws {
        try await Stand.with { stand in
            let file = try stand.file([50], hold: "300ms", run: Self.slow(stand, onCrash: "ask"))
            let run = try await stand.start("run", file)
            try await Rig.until("the hook has begun") { stand.lines("hook") == ["began 1"] }
            #expect(try await stand.belay("abort").code == 0)
            #expect(await run.wait() == 3, "\(run.output)")
            #expect(stand.lines("hook") == ["began 1", "ended"])
        }
    }
}

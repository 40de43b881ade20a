import BelayCore
import BelayEngine
import BelayPlatform
import BelayTestSupport
import Foundation
import Testing

@testable import BelayCLI

/// Short scripts played through driver and engine on ports in memory: the whole story, as an operator reads it and as the
/// router was told it, is compared with `Golden/Stories`. `make golden` rewrites them; read the diff.
@Suite("Stories")
struct StoryTests {
    typealias Script = [(seconds: Double, body: @Sendable (Play) async -> Void)]

    struct Story: Sendable, CustomTestStringConvertible {
        let name: String
        var plan: Plan
        var script: @Sendable () -> Script = { [] }
        var trouble = MemoryJournal.Trouble()
        var answers: Play.Answers?
        /// What the user's programs do: how long they take, what goes wrong.
        var programs: MemoryPrograms.Answers = { _ in (.milliseconds(100), nil) }
        /// What the next driver meets, where the first one leaves.
        var next: (@Sendable () -> Script)?
        /// What happens between the two.
        var between: @Sendable (Play) -> Void = { _ in }

        var testDescription: String { name }
    }

    private static func plan(_ change: (inout Plan) -> Void = { _ in }) -> Plan {
        var metric = Metric(name: "errors", query: PrometheusQuery(address: "http://p", query: "q"))
        (metric.interval, metric.successCondition, metric.blindFor) = (.seconds(5), "result <= 0.01", .seconds(20))
        let sides = Sides(
            first: Side(name: "blue", backend: "app_blue"), second: Side(name: "green", backend: "app_green"))
        let target = Target(
            traffic: .haproxy(HAProxyTraffic(sockets: ["/s"], mapFile: "/m", key: "k", sides: sides)), identity: "t")
        var plan = Plan(
            name: "app", revision: "2", target: target, roles: Roles(canaryIsSecond: true),
            steps: [
                PlanStep(weight: Weight(basisPoints: 2500)!, hold: Hold(.seconds(10))),
                PlanStep(weight: .full, hold: Hold(.seconds(10))),
            ], metrics: [metric])
        (plan.progressDeadline, plan.waitLimit) = (.seconds(30), .seconds(60))
        change(&plan)
        return plan
    }

    /// With programs that deploy, look, adopt and retire, and a hook before the second step.
    private static func deploying(_ onCrash: CommandAction.OnCrash = .ask) -> Plan {
        plan { plan in
            func program(_ words: String...) -> CommandAction {
                var action = CommandAction(words)
                (action.timeout, action.onCrash) = (.seconds(60), onCrash)
                return action
            }
            var workload = CommandWorkload()
            workload.deploy = program("./deploy.sh", "green", "2")
            workload.awaitReady = program("./ready.sh", "green")
            workload.adopt = program("./adopt.sh", "2")
            workload.retire = program("./stop.sh", "blue")
            workload.retireCanary = program("./stop.sh", "green")
            plan.target.workload = .command(workload)
            plan.steps[1].run = program("./smoke.sh", "green")
        }
    }

    private static func fails(_ kind: ActionKind, after: Duration, _ error: String) -> MemoryPrograms.Answers {
        { $0.kind == kind ? (after, error) : (.milliseconds(100), nil) }
    }

    private static func from(_ second: Int64, _ answer: MetricAnswer) -> Play.Answers {
        { _, now in (now.milliseconds >= second * 1000 ? answer : .scalar(0), .milliseconds(11)) }
    }

    static let stories: [Story] = [
        Story(name: "a good release", plan: plan()),
        Story(name: "a failing gate", plan: plan(), answers: from(7, .scalar(0.25))),
        Story(name: "a gate that goes blind", plan: plan(), answers: from(7, .noData("the server does not answer"))),
        Story(
            name: "a query that cannot be evaluated", plan: plan(), answers: from(7, .error("bad_data: parse error"))),
        Story(name: "an abort", plan: plan(), script: { [(6.3, { $0.say(.abort, "a") })] }),
        Story(
            name: "a pause, a resume and a promote", plan: plan(),
            script: {
                [
                    (4.3, { $0.say(.pause, "1") }), (20.3, { $0.say(.resume, "2") }),
                    (22.3, { $0.say(.promote(full: true), "3") }),
                ]
            }),
        Story(name: "a pause that nobody ends", plan: plan(), script: { [(4.3, { $0.say(.pause, "1") })] }),
        Story(
            name: "an approval",
            plan: plan {
                $0.steps[0].approval = Approval()
                $0.steps[0].approval?.timeout = .seconds(60)
            },
            script: { [(20.3, { $0.say(.approve, "1") })] }),
        Story(
            name: "an approval that nobody gives",
            plan: plan {
                $0.steps[0].approval = Approval()
                $0.steps[0].approval?.timeout = .seconds(15)
            }),
        Story(name: "a reload that keeps the share", plan: plan(), script: { [(4.3, { $0.router.reload() })] }),
        Story(
            name: "another hand in the runtime", plan: plan(),
            script: { [(4.3, { play in play.router.world.withLock { $0.share = Weight(basisPoints: 7000)! } })] }),
        Story(
            name: "another hand in the file", plan: plan(),
            script: { [(4.3, { play in play.router.world.withLock { $0.file = .zero } })] }),
        Story(
            name: "a router out of reach for a while", plan: plan(),
            script: {
                [
                    (4.3, { play in play.router.world.withLock { $0.isUp = false } }),
                    (14.3, { play in play.router.world.withLock { $0.isUp = true } }),
                ]
            }),
        Story(
            name: "a router out of reach for too long", plan: plan(),
            script: {
                [
                    (4.3, { play in play.router.world.withLock { $0.isUp = false } }),
                    (44.3, { play in play.router.world.withLock { $0.isUp = true } }),
                ]
            }),
        Story(
            name: "a superseded raise that hangs", plan: plan(),
            script: {
                [
                    (8, { play in play.router.beforeFile.close() }),
                    (12.3, { $0.say(.abort, "a") }),
                    (16.3, { play in play.router.beforeFile.open() }),
                ]
            }),
        Story(
            name: "a raise while connections drain", plan: plan(),
            script: {
                [
                    (2, { play in play.router.beforeRelease.close() }), (4.3, { $0.say(.abort, "a") }),
                    (8.3, { play in play.router.world.withLock { $0.share = Weight(basisPoints: 2500)! } }),
                    (12.3, { play in play.router.beforeRelease.open() }),
                ]
            }),
        Story(
            name: "a journal that cannot be written any more", plan: plan(),
            trouble: {
                var trouble = MemoryJournal.Trouble()
                trouble.failing = { $0 >= 7 ? JournalFailure(.unavailable, "read-only file system") : nil }
                return trouble
            }()),
        Story(
            name: "a cancelled job", plan: plan(),
            script: { [(6.3, { $0.engine.send(.cancelled("SIGTERM")) })] }),
        Story(
            name: "a takeover", plan: plan(), script: { [(6.3, { $0.engine.leave() })] }, next: { [] }),
        Story(name: "a release that deploys by itself", plan: deploying()),
        Story(
            name: "a deployment that fails", plan: deploying(),
            programs: fails(.deploy, after: .seconds(3), "`./deploy.sh` ended with status 1: no space left on device")),
        Story(
            name: "a hook that fails", plan: deploying(),
            programs: fails(.hook, after: .seconds(2), "`./smoke.sh` ended with status 7: GET / gave 500")),
        Story(
            name: "a hook that runs on beside the way back", plan: deploying(),
            script: { [(12.3, { $0.say(.abort, "a") })] }, programs: { ($0.kind == .hook ? .seconds(9) : .zero, nil) }),
        Story(
            name: "a hook whose driver left, a person and its second run", plan: deploying(),
            script: { [(12.3, { $0.engine.leave() })] }, programs: { ($0.kind == .hook ? .seconds(9) : .zero, nil) },
            next: { [(20.3, { $0.say(.resume, "s") }), (22.3, { $0.say(.rerun, "r") })] }),
        Story(
            name: "a hook whose driver left, and a person who counts it as done", plan: deploying(),
            script: { [(12.3, { $0.engine.leave() })] }, programs: { ($0.kind == .hook ? .seconds(9) : .zero, nil) },
            next: { [(20.3, { $0.say(.promote(full: false), "p") })] }),
        Story(
            name: "a deployment whose driver left, and that may run again", plan: deploying(.rerun),
            script: { [(2.3, { $0.engine.leave() })] }, programs: { ($0.kind == .deploy ? .seconds(9) : .zero, nil) },
            next: { [] }),
        Story(
            name: "an adoption whose driver left, and that counts as failed then", plan: deploying(.fail),
            script: { [(24, { $0.engine.leave() })] }, programs: { ($0.kind == .adopt ? .seconds(9) : .zero, nil) },
            next: { [(40.3, { $0.say(.promote(full: false), "p") })] }),
        Story(
            name: "an adoption that fails twice, and a retirement that never works", plan: deploying(),
            programs: { run in
                switch run.kind {
                case .adopt where run.attempt < 3: (.seconds(1), "the registry does not answer")
                case .retire: (.seconds(1), "the host is gone")
                default: (.milliseconds(100), nil)
                }
            }),
        Story(
            name: "a rescue between two drivers", plan: plan(), script: { [(6.3, { $0.engine.leave() })] },
            next: { [] },
            between: { play in
                play.router.world.withLock { ($0.share, $0.file, $0.mark) = (.zero, .zero, nil) }
            }),
    ]

    @Test("the story is as it was; UPDATE_GOLDEN=1 rewrites it", arguments: stories)
    func isAsItWas(story: Story) async throws {
        var play = Play(story.plan, trouble: story.trouble, answers: story.answers, programs: story.programs)
        var result = await play.run(story.script())
        if let next = story.next {
            story.between(play)
            play.journal.takeOver()
            play = Play(after: play, epoch: 2, answers: story.answers, programs: story.programs)
            result = await play.run(next())
        }
        let text = EventText(plan: story.plan)
        let lines = play.transcript { text.line($0)?.text }
        let told = "\(story.name)\n\n\(lines)\n\(Self.end(result))\n"
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "Golden/Stories/\(story.name.replacing(" ", with: "-")).txt")
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try told.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == told)
    }

    private static func end(_ result: Engine.Result) -> String {
        switch result {
        case .left: "left as it is"
        case .ended(let end): "exit \(ExitStatus(end).rawValue)"
        }
    }
}

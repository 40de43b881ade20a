import Testing

@testable import BelayCore

@Suite("Actions")
struct ActionTests {
    static func program(_ words: String..., onCrash: CommandAction.OnCrash = .ask) -> CommandAction {
        var action = CommandAction(words)
        (action.timeout, action.onCrash) = (.seconds(60), onCrash)
        return action
    }

    static func plan(_ onCrash: CommandAction.OnCrash = .ask) -> Plan {
        Fixture.plan { plan in
            var workload = CommandWorkload()
            workload.deploy = program("deploy", onCrash: onCrash)
            workload.adopt = program("adopt", onCrash: onCrash)
            workload.retire = program("retire", "blue", onCrash: onCrash)
            workload.retireCanary = program("retire", "green", onCrash: onCrash)
            plan.target.workload = .command(workload)
            plan.steps[1].run = program("hook", onCrash: onCrash)
        }
    }

    /// The deployment is under way.
    static func deploying(_ onCrash: CommandAction.OnCrash = .ask) -> Story {
        var story = Story(plan(onCrash))
        story.takeOver(at: zero)
        story.confirm(at: seconds(1))
        return story
    }

    /// The second step's hook is under way, with 25 % on the canary.
    static func hooking(_ onCrash: CommandAction.OnCrash = .ask) -> Story {
        var story = deploying(onCrash)
        story.answer(.ended(error: nil), at: seconds(2))
        story.confirm(at: seconds(3))
        for second in [3.0, 13, 23, 33] { story.measure(.successful, at: seconds(second)) }
        return story
    }

    /// All traffic is on the canary, and the adoption is under way.
    static func adopting(_ onCrash: CommandAction.OnCrash = .ask) -> Story {
        var story = hooking(onCrash)
        story.answer(.ended(error: nil), at: seconds(34))
        story.confirm(at: seconds(35))
        for second in [35.0, 45, 55, 65] { story.measure(.successful, at: seconds(second)) }
        return story
    }

    func running(_ story: Story) -> ActionKind? { story.machine.state.running?.run.kind }

    func takeOver(_ story: inout Story, found: Weight, at now: Timestamp) {
        story.takeOver(epoch: story.machine.state.epoch + 1, found: found, at: now)
    }

    // MARK: Order

    @Test func `a release deploys before its first step, and asks for no share before that is done`() {
        var story = Self.deploying()
        #expect(story.phase == .opening(.acting(1)))
        #expect(story.deed(at: seconds(1)) == .command(Self.program("deploy")))
        #expect(story.machine.trafficWork == nil)
        story.answer(.ended(error: nil), at: seconds(2))
        #expect(story.phase == .step(0, .routing))
    }

    @Test func `a hook runs at the share of the step before, and its own share is asked for once it is done`() {
        var story = Self.hooking()
        #expect(story.phase == .step(1, .acting(0)))
        #expect(running(story) == .hook)
        #expect(story.machine.wantedShare == Fixture.quarter)
        #expect(story.machine.activeMetrics == [0])  // Always watched.
        story.answer(.ended(error: nil), at: seconds(34))
        #expect(story.machine.trafficWork?.share == .full)
    }

    @Test func `a promotion is adopted, drained and retired, and then the mark goes`() {
        var story = Self.adopting()
        var done: [ActionKind] = []
        while let kind = running(story) {
            done.append(kind)
            story.answer(.ended(error: nil), at: seconds(70))
        }
        #expect(done == [.adopt, .handOver, .drain, .retire, .release])
        #expect(story.phase == .finished(.promoted))
    }

    @Test func `the way back retires the canary only after everything is on stable`() {
        var story = Self.hooking()
        story.answer(.ended(error: nil), at: seconds(34))
        story.tell(.abort, at: seconds(35))
        #expect(running(story) == nil)
        story.confirm(at: seconds(36))
        var done: [Work.Deed?] = []
        while running(story) != nil {
            done.append(story.deed(at: seconds(37)))
            story.answer(.ended(error: nil), at: seconds(37))
        }
        #expect(done[0] == .drain(Fixture.sides.second))
        #expect(done[1] == .command(Self.program("retire", "green")))
        #expect(done[2] == .release(.wayBack(hadTraffic: true)))
    }

    @Test func `what was never deployed is not retired`() {
        var story = Story(Self.plan())
        story.takeOver(at: zero)
        story.tell(.abort, at: seconds(0.5))
        story.confirm(at: seconds(1))
        var done: [ActionKind] = []
        while let kind = running(story) {
            done.append(kind)
            story.answer(.ended(error: nil), at: seconds(2))
        }
        #expect(done == [.drain, .release])
    }

    @Test func `a pause begins no action and raises nothing, and lets one that runs end`() {
        var story = Self.hooking()
        story.tell(.pause, at: seconds(34))
        story.answer(.ended(error: nil), at: seconds(35))
        #expect(story.phase == .step(1, .acting(1)))
        #expect(story.machine.trafficWork == nil)
        story.tell(.resume, at: seconds(40))
        #expect(story.machine.trafficWork?.share == .full)
    }

    // MARK: Failures

    @Test func `a deployment or a hook that fails takes the traffic back, and says why`() {
        for story in [Self.deploying(), Self.hooking()] {
            var story = story
            story.answer(.ended(error: "`x` ended with status 7"), at: seconds(40))
            #expect(story.cause?.kind == .action)
            #expect(story.cause?.message.contains("status 7") ?? false)
        }
    }

    @Test func `a gate does not wait for a hook, which runs on beside the way back and changes nothing there`() {
        var story = Self.hooking()
        story.measure(.failed, at: seconds(43))
        #expect(story.machine.trafficWork?.kind == .wayBack)
        story.confirm(at: seconds(44))
        #expect(running(story) == .hook)
        story.answer(.ended(error: "too late"), at: seconds(45))
        #expect(story.cause?.kind == .gate)
        #expect(running(story) == .drain)
    }

    @Test func `a program that nothing is heard of after its time takes the traffic back`() {
        var story = Self.hooking()
        story.tell(.pause, at: seconds(34))  // Else the gates would be the first to go blind.
        story.tell(.tick, at: seconds(33 + 120 + 59))  // It may have waited for an earlier one as long as it runs.
        #expect(story.cause == nil)
        story.tell(.tick, at: seconds(33 + 120 + 61))
        #expect(story.cause?.kind == .deadline)
        #expect(running(story) == .hook)  // It may still be there: nothing else is begun.
    }

    @Test func `an adoption that fails is tried again, and a person is called at once`() {
        var story = Self.adopting()
        story.answer(.ended(error: "no"), at: seconds(70))
        #expect(story.machine.state.attention?.contains("the adoption") ?? false)
        #expect(running(story) == nil)
        story.tell(.tick, at: seconds(79))
        #expect(running(story) == nil)
        story.tell(.tick, at: seconds(80))
        #expect(story.machine.state.running?.run.attempt == 2)
    }

    @Test func `a retirement that never works is left after three tries, and keeps nobody from the target`() {
        var story = Self.adopting()
        for second in [70.0, 70.5, 71] { story.answer(.ended(error: nil), at: seconds(second)) }
        for second in [72.0, 100, 150] {
            story.tell(.tick, at: seconds(second))
            #expect(running(story) == .retire)
            story.answer(.ended(error: "gone"), at: seconds(second))
        }
        #expect(running(story) == .release)
        #expect(story.machine.state.attention?.contains("left as it is") ?? false)
    }

    @Test func `once stable is being retired nothing is returned to it, whoever moves the traffic`() {
        var story = Self.adopting()
        for second in [70.0, 70.5, 71] { story.answer(.ended(error: nil), at: seconds(second)) }
        #expect(running(story) == .retire)
        story.tell(.abort, at: seconds(71.5))
        #expect(story.refusal?.contains("nothing to return to") ?? false)
        story.tell(.read(Story.reading(.zero, at: seconds(72))), at: seconds(72))
        #expect(story.cause == nil)
        #expect(story.machine.state.attention?.contains("blue is being retired") ?? false)
    }

    @Test func `until the mark is handed over an adoption is watched, and an abort or a gate takes it back`() {
        var aborted = Self.adopting()
        aborted.tell(.abort, at: seconds(70))
        #expect(aborted.machine.trafficWork?.kind == .wayBack)
        var failed = Self.adopting()
        #expect(failed.machine.activeMetrics == [0])
        failed.measure(.failed, at: seconds(75))
        #expect(failed.cause?.kind == .gate)
        var cancelled = Self.adopting()
        cancelled.tell(.cancelled("SIGTERM"), at: seconds(70))
        #expect(cancelled.cause == nil)  // It lets the adoption finish.
    }

    @Test func `an adoption that failed can be counted as done, or tried at once`() {
        var story = Self.adopting()
        story.answer(.ended(error: "no"), at: seconds(70))
        var counted = story
        counted.tell(.promote(full: false), at: seconds(71))
        #expect(running(counted) == .handOver)
        story.tell(.rerun, at: seconds(71))
        #expect(story.machine.state.running?.run.attempt == 2)
    }

    @Test func `nobody is called for help because a program took the time it was given`() {
        var story = Self.hooking()
        story.tell(.abort, at: seconds(34))
        story.confirm(at: seconds(35))
        story.answer(.ended(error: nil), at: seconds(35 + 1200))
        #expect(story.machine.state.attention == nil)
        #expect(!story.machine.work(at: seconds(35 + 1201)).givesUp)
    }

    @Test func `on the way to 100 % at once no hook is left out`() {
        let steps = [
            PlanStep(weight: Fixture.quarter, hold: Hold(.seconds(30))), PlanStep(weight: Weight(basisPoints: 5000)!),
            PlanStep(weight: Weight(basisPoints: 6000)!), PlanStep(weight: .full),
        ]
        var plan = Fixture.plan(steps: steps)
        plan.steps[2].run = Self.program("migrate")
        var story = Story.holding(plan)
        story.tell(.promote(full: true), at: seconds(2))
        #expect(story.phase == .step(2, .acting(0)))
        story.answer(.ended(error: nil), at: seconds(3))
        story.confirm(at: seconds(4))
        #expect(story.phase == .step(3, .routing))
    }

    @Test func `stable is not stopped while the router shows that it has traffic`() {
        var story = Self.adopting()
        for second in [70.0, 70.5] { story.answer(.ended(error: nil), at: seconds(second)) }
        #expect(running(story) == .drain)
        story.tell(.read(Story.reading(Fixture.quarter, at: seconds(71))), at: seconds(71))
        #expect(story.machine.state.attention != nil && story.cause == nil)
        story.answer(.ended(error: nil), at: seconds(72))
        story.tell(.tick, at: seconds(80))
        #expect(running(story) == nil)
        story.tell(.read(Story.reading(.full, at: seconds(81))), at: seconds(81))
        #expect(running(story) == .retire)
    }

    @Test func `a verdict that would pause calls a person while an adoption is under way`() {
        var story = Self.adopting()
        story.measure(.inconclusive, at: seconds(75))
        #expect(story.machine.state.pause == nil && story.cause == nil)
        #expect(story.machine.state.attention?.contains("inconclusive") ?? false)
    }

    @Test func `an adoption that was about to begin when the way back came is not begun`() throws {
        var story = Self.adopting()
        story.tell(.abort, at: seconds(66))
        var driver = Driver(driving: story.machine, leaseUntil: seconds(600), at: seconds(66))
        #expect(!driver.start(at: seconds(66)).started.contains { $0.isProgram })
        guard case .append(let end) = driver.take(.tick, at: seconds(66.1)) else {
            Issue.record("nobody says that it was not begun")
            return
        }
        driver.appended(end)
        #expect(driver.machine.state.running == nil && driver.machine.trafficWork?.kind == .wayBack)
    }
}

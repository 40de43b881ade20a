import Testing

@testable import BelayCore

extension ActionTests {
    // MARK: A driver that ended meanwhile

    @Test func `a failed adoption is counted as done also where the driver that hears it has just begun`() {
        var story = Self.adopting()
        story.answer(.ended(error: "no"), at: seconds(70))
        story.tell(.tookOver(epoch: 2, holder: "p"), at: seconds(90))
        story.tell(.promote(full: false), at: seconds(90))
        #expect(story.refusal == nil)
        story.answer(.claimed(.ours(Story.reading(.full, at: seconds(91)))), at: seconds(91))
        #expect(running(story) == .handOver)
    }

    @Test func `the way back retires nothing before this driver has marked the target and seen it at stable`() {
        var story = Self.hooking(.rerun)
        story.answer(.ended(error: nil), at: seconds(34))
        story.tell(.abort, at: seconds(35))
        story.confirm(at: seconds(36))
        story.answer(.ended(error: nil), at: seconds(37))
        #expect(running(story) == .retire)
        let quarter = Story.reading(Fixture.quarter, at: seconds(50))
        var unmarked = story
        unmarked.tell(.tookOver(epoch: 2, holder: "p"), at: seconds(50))
        unmarked.answer(.claimed(.failed("the lock is held")), at: seconds(50))
        unmarked.tell(.tick, at: seconds(52))
        #expect(running(unmarked) == .claim)
        var raised = story
        raised.tell(.tookOver(epoch: 2, holder: "p"), at: seconds(50))
        raised.answer(.claimed(.ours(quarter)), at: seconds(50))
        #expect(raised.machine.trafficWork?.kind == .wayBack)
        #expect(running(raised) == nil)
        var rescued = story
        rescued.tell(.tookOver(epoch: 2, holder: "p"), at: seconds(50))
        rescued.answer(.claimed(.ours(quarter, wasMarked: false)), at: seconds(50))
        #expect(rescued.machine.state.isFinished)
    }

    @Test func `once handed over a new driver's mark names the canary as stable`() {
        var story = Self.adopting(.rerun)
        for second in [70.0, 71] { story.answer(.ended(error: nil), at: seconds(second)) }
        story.tell(.tookOver(epoch: 2, holder: "p"), at: seconds(80))
        #expect(story.deed(at: seconds(80)) == .claim(epoch: 2, .takeover, stable: Fixture.sides.second))
    }

    @Test("what may run again runs again, with the next number, once the target is marked", arguments: [true, false])
    func rerun(isHook: Bool) {
        var story = isHook ? Self.hooking(.rerun) : Self.deploying(.rerun)
        let before = story.machine.state.running?.run
        takeOver(&story, found: isHook ? Fixture.quarter : .zero, at: seconds(40))
        if !isHook { story.confirm(at: seconds(41)) }
        let again = story.machine.state.running?.run
        #expect(again?.kind == before?.kind)
        #expect(again?.attempt == 2)
    }

    @Test func `what counts as failed then takes the traffic back`() {
        var story = Self.hooking(.fail)
        takeOver(&story, found: Fixture.quarter, at: seconds(40))
        #expect(story.cause?.kind == .action)
    }

    @Test func `else a person is asked, and nothing runs before the answer`() {
        var story = Self.hooking()
        takeOver(&story, found: Fixture.quarter, at: seconds(40))
        #expect(story.machine.state.pause?.message.contains("nobody knows whether it was done") ?? false)
        story.tell(.tick, at: seconds(100))
        #expect(running(story) == nil)
        story.tell(.resume, at: seconds(100.5))  // A timer's, as a rule: it picks up, and answers nothing.
        #expect(story.refusal?.contains("waits for an answer") ?? false)
        var resumed = story
        resumed.tell(.rerun, at: seconds(101))
        #expect(resumed.machine.state.running?.run.attempt == 2)
        var counted = story
        counted.tell(.promote(full: false), at: seconds(101))
        #expect(counted.machine.trafficWork?.share == .full)
        var late = story
        late.tell(.tick, at: seconds(40 + 3601))
        #expect(late.cause?.kind == .deadline)
    }

    @Test func `an answer to an earlier question is none, and neither is a pause`() {
        var story = Self.hooking()
        let before = story.machine.position
        takeOver(&story, found: Fixture.quarter, at: seconds(40))
        story.tell(.rerun, aimedAt: before, at: seconds(41))
        #expect(story.refusal?.contains("moved on") ?? false)
        story.tell(.pause, at: seconds(42))
        #expect(story.refusal?.contains("waits for an answer") ?? false)
        story.tell(.promote(full: true), at: seconds(43))
        #expect(story.refusal?.contains("in question") ?? false)
    }

    @Test func `an adoption in question calls a person, whatever its file says counts as failed`() {
        for answer in [CommandAction.OnCrash.ask, .fail] {
            var story = Self.adopting(answer)
            takeOver(&story, found: .full, at: seconds(70))
            #expect(story.machine.state.attention?.contains("`promote` counts it as done") ?? false)
            #expect(running(story) == nil)
            #expect(!story.machine.work(at: seconds(70 + 599)).givesUp)
            #expect(story.machine.work(at: seconds(70 + 601)).givesUp)
            story.tell(.promote(full: false), at: seconds(80))
            #expect(running(story) == .handOver)
            #expect(story.machine.state.attention == nil)
        }
    }

    @Test func `a question outlives the next takeover`() {
        var story = Self.adopting()
        takeOver(&story, found: .full, at: seconds(70))
        takeOver(&story, found: .full, at: seconds(80))
        #expect(story.machine.openQuestion?.kind == .adopt)
        #expect(story.machine.state.attention != nil)
    }

    // MARK: The driver's order

    @Test func `a program whose end could not be recorded is not begun again: its end is told again`() throws {
        var driver = Driver(driving: Self.hooking().machine, leaseUntil: seconds(600), at: seconds(33))
        let hook = try #require(driver.start(at: seconds(33)).started.first { $0.isProgram })
        guard case .action(let action) = hook.job,
            case .append(let end) = driver.ended(hook, .acted(action.run, .ended(error: nil)), at: seconds(34))
        else {
            Issue.record("nothing to append")
            return
        }
        driver.appendFailed(end, .unavailable("disk full"), at: seconds(34))
        #expect(!driver.start(at: seconds(34)).started.contains { $0.isProgram })
        guard case .append(let again) = driver.take(.tick, at: seconds(35)) else {
            Issue.record("its end is not told again")
            return
        }
        #expect(again.records.contains { $0.event == .actionEnded(action.run, .done) })
    }

    @Test func `a program whose beginning and the way back came in one turn is not begun, and waited for by nobody`()
        throws
    {
        var story = Self.deploying()
        story.tell(.abort, at: seconds(1))
        var driver = Driver(driving: story.machine, leaseUntil: seconds(600), at: seconds(1))
        #expect(!driver.start(at: seconds(1)).started.contains { $0.isProgram })
        guard case .append(let end) = driver.take(.tick, at: seconds(1.1)) else {
            Issue.record("nobody says that it was not begun")
            return
        }
        driver.appended(end)
        #expect(driver.machine.state.running == nil)
    }

    @Test func `without a journal no program is begun`() throws {
        var story = Self.hooking()
        story.answer(.ended(error: nil), at: seconds(34))
        story.tell(.abort, at: seconds(35))
        var driver = Driver(driving: story.machine, leaseUntil: seconds(600), at: seconds(36))
        let back = TrafficWrite(share: .zero, kind: .wayBack)
        guard
            case .append(let confirmed) = driver.take(
                .wrote(back, Story.reading(.zero, at: seconds(36)), .done), at: seconds(36))
        else {
            Issue.record("not confirmed")
            return
        }
        driver.appendFailed(confirmed, .unavailable("disk full"), at: seconds(36))
        #expect(driver.machine.state.running?.run.kind == .drain)
        #expect(driver.start(at: seconds(36)).started.allSatisfy { !$0.isAtRouter && !$0.isProgram })
    }
}

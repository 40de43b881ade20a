import BelayCore
import Testing

/// Routers, files and hands that do what nobody asked for.
@Suite("A hostile router")
struct HostileRouterTests {
    private func reading(
        _ running: Weight?, file: Weight?, process: Int64? = 1, foreign: String? = nil, at now: Timestamp
    ) -> Reading {
        Reading(
            instances: [
                .init(
                    running: running, startsWith: file, incarnation: process.map { "\($0)" }, foreign: foreign)
            ], startedAt: now)
    }

    // MARK: Law 5: what passes a step counts from the confirmation that stands

    /// A step with a window of 5 s, watched to its end but for the router, which was lost, reloaded, and shows an older share.
    private func reasserted() -> Story {
        var plan = Fixture.plan()
        plan.metrics[0].window = .seconds(5)
        var story = Story.holding(plan)
        for second in stride(from: 1.0, through: 21, by: 10) { story.measure(.successful, at: seconds(second)) }
        story.tell(.read(reading(nil, file: Fixture.quarter, process: nil, at: seconds(22))), at: seconds(22))
        story.measure(.successful, at: seconds(31))
        story.tell(.read(reading(.zero, file: Fixture.quarter, process: 2, at: seconds(40))), at: seconds(40))
        story.confirm(process: 2, at: seconds(41))
        return story
    }

    @Test func `a share that was confirmed once more passes no step on what was measured before`() {
        var story = reasserted()
        #expect(story.phase == .step(0, .holding))
        #expect(story.machine.state.watched == .zero)
        story.tell(.tick, at: seconds(42))
        #expect(story.phase == .step(0, .holding))
        story.measure(.successful, at: seconds(45))
        #expect(!story.machine.state.metrics[0].lastIsFresh)  // Its window reaches back to before 41.
        for second in stride(from: 51.0, through: 81, by: 10) { story.measure(.successful, at: seconds(second)) }
        #expect(story.phase == .step(1, .routing))
    }

    @Test func `failures from before it stay counted`() {
        var plan = Fixture.plan()
        plan.metrics[0].limits.failure = 1
        var story = Story.holding(plan)
        story.measure(.failed, at: seconds(2))
        story.tell(.read(reading(.zero, file: Fixture.quarter, process: 2, at: seconds(3))), at: seconds(3))
        story.confirm(process: 2, at: seconds(4))
        story.measure(.failed, at: seconds(5))
        #expect(story.cause?.kind == .gate)
    }

    @Test func `a new driver passes no step before it has measured by itself`() {
        var story = Story.holding()
        for second in stride(from: 1.0, through: 21, by: 10) { story.measure(.successful, at: seconds(second)) }
        story.tell(.tookOver(epoch: 2, holder: "p"), at: seconds(30))
        story.answer(.claimed(.ours(reading(Fixture.quarter, file: Fixture.quarter, at: seconds(30)))), at: seconds(30))
        #expect(!story.machine.state.metrics[0].lastIsFresh)
        #expect(story.machine.state.watched > .zero)
    }

    // MARK: Law 8: what is found in the runtime and in the file

    @Test func `what the router starts with is another hand's where it is neither confirmed nor asked for`() {
        for file in [Weight.zero, .full, Weight(basisPoints: 3000)!] {
            var story = Story.holding()
            story.tell(.read(reading(Fixture.quarter, file: file, at: seconds(2))), at: seconds(2))
            #expect(story.cause?.kind == .outsideChange, "\(file.text)")
            #expect(story.cause?.message.contains("for the next reload") == true)
        }
    }

    @Test func `what cannot be read in the file is unknown and no finding`() {
        var story = Story.holding()
        story.tell(.read(reading(Fixture.quarter, file: nil, at: seconds(2))), at: seconds(2))
        #expect(story.phase == .step(0, .holding))
    }

    @Test func `a value that is no share, or a key that is gone, is another hand's at once`() {
        var story = Story.holding()
        story.tell(
            .read(reading(nil, file: Fixture.quarter, foreign: "`abc` in the map", at: seconds(2))), at: seconds(2))
        #expect(story.cause?.kind == .outsideChange)
        #expect(story.cause?.message.contains("`abc` in the map") == true)
        #expect(story.machine.trafficWork?.kind == .wayBack)
    }

    @Test func `a half-way back that an earlier driver left behind is taken for what it is`() {
        var story = Story.holding()
        story.tell(.tookOver(epoch: 2, holder: "p"), at: seconds(5))
        story.answer(.claimed(.ours(reading(Fixture.quarter, file: .zero, at: seconds(5)))), at: seconds(5))
        #expect(story.cause?.kind == .outsideChange)
    }

    @Test func `a mark that is gone at a takeover means a rescue, before the first raise, too`() {
        var before = Story()
        before.takeOver(at: zero)
        before.confirm(at: seconds(0.5))
        for (story, share) in [(before, Weight.zero), (Story.holding(), Fixture.quarter)] {
            var story = story
            story.tell(.tookOver(epoch: 2, holder: "p"), at: seconds(5))
            story.answer(.claimed(.ours(reading(share, file: share, at: seconds(5)), wasMarked: false)), at: seconds(5))
            #expect(story.cause?.kind == .outsideChange)
            #expect(story.machine.trafficWork?.kind == .wayBack)
        }
    }

    // MARK: Law 3: until the mark is gone

    @Test func `while connections drain the router is read, and a raise is answered by stable again`() {
        var story = Story.holding()
        story.tell(.abort, at: seconds(2))
        story.confirm(at: seconds(3))
        #expect(story.machine.work(at: seconds(4)).readsRouter)
        story.tell(.read(reading(.zero, file: Fixture.quarter, at: seconds(4))), at: seconds(4))
        #expect(story.machine.trafficWork == TrafficWrite(share: .zero, kind: .wayBack))
        #expect(story.deed(at: seconds(4)) == nil)  // The drain that runs ends by itself, and moves nothing.
        story.answer(.ended(error: nil), at: seconds(4.5))
        #expect(story.machine.work(at: seconds(4.5)).action == nil)
        #expect(!story.machine.state.isFinished)
        story.confirm(at: seconds(5))
        story.tell(.read(reading(.full, file: .zero, at: seconds(6))), at: seconds(6))
        #expect(story.machine.trafficWork == TrafficWrite(share: .zero, kind: .wayBack))
        story.confirm(at: seconds(7))
        #expect(story.deed(at: seconds(7)) == .drain(Fixture.sides.second))
        story.answer(.ended(error: nil), at: seconds(7.5))
        #expect(story.deed(at: seconds(8)) == .release(.wayBack(hadTraffic: true)))
        story.close(at: seconds(8))
        #expect(story.machine.state.isFinished)
    }

    // MARK: Law 7: an adoption says what the router shows

    private func adopted() -> Story {
        var story = Story.holding()
        story.machine.apply(.stepStarted(step: 1, share: .full), at: seconds(2))
        story.confirm(at: seconds(3))
        story.machine.apply(.adopted, at: seconds(4))
        story.tell(.tookOver(epoch: 2, holder: "p"), at: seconds(5))
        return story
    }

    @Test func `a promotion whose traffic is back already is none`() {
        var story = adopted()
        #expect(story.deed(at: seconds(5)) == .claim(epoch: 2, .closing, stable: Fixture.sides.first))
        story.answer(.claimed(.ours(reading(.zero, file: .zero, at: seconds(5)))), at: seconds(5))
        #expect(story.cause?.kind == .outsideChange)
        #expect(story.machine.trafficWork?.kind == .wayBack)

        var rescued = adopted()
        rescued.answer(.claimed(.ours(reading(.zero, file: .zero, at: seconds(5)), wasMarked: false)), at: seconds(5))
        guard case .finished(.rolledBack) = rescued.phase else {
            Issue.record("\(rescued.phase)")
            return
        }
    }

    @Test func `another hand between the adoption and the mark's end is one, in the file as well`() {
        for (running, file) in [(Weight.full, Weight.zero), (.zero, .full)] {
            var story = adopted()
            story.answer(.claimed(.ours(reading(.full, file: .full, at: seconds(5)))), at: seconds(5))
            #expect(story.machine.work(at: seconds(6)).readsRouter)
            story.tell(.read(reading(running, file: file, at: seconds(6))), at: seconds(6))
            #expect(story.cause?.kind == .outsideChange)
        }
    }

    @Test func `a promotion that only had to be written down is one, and one that cannot be seen waits`() {
        var story = adopted()
        story.answer(.claimed(.ours(reading(nil, file: .full, process: nil, at: seconds(5)))), at: seconds(5))
        #expect(story.phase == .closing(.forward(0)))
        story.tell(.tick, at: seconds(5.5))
        story.answer(.claimed(.ours(reading(.full, file: .full, at: seconds(6)), wasMarked: false)), at: seconds(6))
        #expect(story.phase == .finished(.promoted))
    }

    @Test func `a way back whose mark is gone already is over, whatever the target shows now`() {
        var story = Story.holding()
        story.tell(.abort, at: seconds(2))
        story.confirm(at: seconds(3))
        story.tell(.tookOver(epoch: 2, holder: "p"), at: seconds(5))
        #expect(!story.machine.work(at: seconds(5)).readsRouter)  // The target may be another's by now.
        story.tell(.read(reading(.full, file: .full, at: seconds(5))), at: seconds(5))
        #expect(story.machine.trafficWork == nil)
        story.answer(.claimed(.ours(reading(.full, file: .full, at: seconds(5)), wasMarked: false)), at: seconds(5))
        #expect(story.phase == .finished(.rolledBack(Cause(.person, "aborted by alice"))))
    }

    // MARK: Journals of other versions

    @Test func `a step or a metric that is out of range blocks nothing`() {
        var story = Story.holding()
        let measured = Measurement(
            metric: 7, phase: .failed, value: "1", startedAt: seconds(2), finishedAt: seconds(2))
        let events: [Event] = [
            .measured(.init(measurement: measured, isFresh: true, watched: .zero, watchedUntil: nil)),
            .stepStarted(step: 9, share: .full), .approvalAsked(step: -1, until: seconds(9)),
            .verdict(metric: 7, verdict: .failed, message: ""), .stepPassed(step: 12),
        ]
        for event in events { story.machine.apply(event, at: seconds(2)) }
        #expect(story.machine.state.unreadable == 3)
        #expect(story.phase == .step(0, .holding))
        story.tell(.abort, at: seconds(3))
        #expect(story.cause?.kind == .person)
    }
}

import Testing

@testable import BelayCore

@Suite("A rollout's way forward")
struct ForwardTests {
    @Test func `it marks, pins, routes, holds and promotes, in that order`() {
        var story = Story()
        #expect(story.machine.work(at: zero).action == nil)  // Its beginning is not durable yet.
        story.tell(.tookOver(epoch: 1, holder: "p"), at: zero)
        #expect(story.deed(at: zero) == .claim(epoch: 1, .first, stable: Fixture.sides.first))
        story.answer(.claimed(.ours(Story.reading(.zero, at: zero))), at: zero)
        #expect(story.phase == .opening(.pinning))
        #expect(story.machine.work(at: zero).traffic == TrafficWrite(share: .zero, kind: .forward, expecting: [.zero]))
        story.confirm(at: seconds(0.5))
        #expect(story.phase == .step(0, .routing))
        story.confirm(at: seconds(1))
        #expect(story.phase == .step(0, .holding))
        for second in stride(from: 1.0, through: 31, by: 10) { story.measure(.successful, at: seconds(second)) }
        #expect(story.phase == .step(1, .routing))
        story.confirm(at: seconds(32))
        for second in stride(from: 32.0, through: 62, by: 10) { story.measure(.successful, at: seconds(second)) }
        #expect(story.phase == .closing(.forward(0)))
        #expect(story.deed(at: seconds(62)) == .release(.adoption))
        story.close(at: seconds(63))
        #expect(story.phase == .finished(.promoted))
        #expect(story.machine.work(at: seconds(64)) == Work())
    }

    @Test func `nothing is written before the target is marked`() {
        var story = Story()
        story.tell(.tookOver(epoch: 1, holder: "p"), at: zero)
        #expect(story.machine.work(at: zero).traffic == nil)
        story.answer(.claimed(.taken(by: "other-1")), at: zero)
        #expect(story.phase == .finished(.refused("other-1")))
    }

    @Test func `the first canary request waits until no window reaches back`() {
        var story = Story(Fixture.plan(), settleUntil: seconds(20))
        story.takeOver(at: zero)
        story.confirm(at: seconds(1))
        #expect(story.phase == .opening(.settling(until: seconds(20))))
        story.tell(.tick, at: seconds(19))
        #expect(story.machine.trafficWork == nil)
        story.tell(.tick, at: seconds(20))
        #expect(story.phase == .step(0, .routing))
    }

    @Test func `a hold counts watched time only: a gap of more than two intervals is not counted`() {
        var story = Story.holding()
        story.measure(.successful, at: seconds(1))
        story.measure(.successful, at: seconds(11))
        #expect(story.machine.state.watched == .seconds(10))
        story.measure(.successful, at: seconds(40))
        #expect(story.machine.state.watched == .seconds(10))
        story.measure(.successful, at: seconds(50))
        #expect(story.machine.state.watched == .seconds(20))
    }

    @Test func `waiting long for one answer is no watching`() {
        var story = Story.holding()
        story.tell(
            .measured(
                Measurement(metric: 0, phase: .successful, value: "0", startedAt: seconds(1), finishedAt: seconds(29))),
            at: seconds(29))
        #expect(story.machine.state.watched == .zero)
    }

    @Test func `two metrics watch together: only what both cover counts`() {
        let metrics = [Fixture.metric(), Fixture.metric { $0.name = "latency" }]
        var story = Story.holding(Fixture.plan(metrics: metrics))
        for second in [1.0, 11, 21] { story.measure(.successful, metric: 0, at: seconds(second)) }
        #expect(story.machine.state.watched == .zero)
        for second in [5.0, 15] { story.measure(.successful, metric: 1, at: seconds(second)) }
        #expect(story.machine.state.watched == .seconds(10))
    }

    @Test func `a step passes only on a window that lies after the confirmation`() {
        let plan = Fixture.plan(metrics: [Fixture.metric { $0.window = .seconds(60) }])
        var story = Story.holding(plan)
        for second in stride(from: 1.0, through: 51, by: 10) { story.measure(.successful, at: seconds(second)) }
        #expect(story.phase == .step(0, .holding))
        story.measure(.successful, at: seconds(61))
        #expect(story.phase == .step(1, .routing))
    }

    @Test func `without metrics the driver's own presence is the watch`() {
        var story = Story.holding(Fixture.plan(metrics: []))
        var second = 1.0
        while story.phase == .step(0, .holding), second < 100 {
            story.tell(.tick, at: seconds(second))
            second += 1
        }
        #expect(second > 30 && second < 40)
    }

    @Test func `a raise counts when every instance confirms`() {
        var story = Story()
        story.takeOver(at: zero)
        story.confirm(at: seconds(0.5))
        let write = story.machine.trafficWork!
        let half = Reading(
            instances: [
                .init(running: write.share, startsWith: write.share, incarnation: "1"),
                .init(running: .zero, startsWith: write.share, incarnation: "2"),
            ], startedAt: seconds(1))
        story.tell(.wrote(write, half, .done), at: seconds(1))
        #expect(story.phase == .step(0, .routing))
        #expect(story.machine.work(at: seconds(1)).traffic == nil)  // Tried again a little later.
        #expect(story.machine.work(at: seconds(2)).traffic == write)
    }

    @Test func `an unconfirmed raise ends in the way back after progressDeadline`() {
        var story = Story(Fixture.plan { $0.progressDeadline = .seconds(60) })
        story.takeOver(at: zero)
        story.confirm(at: seconds(1))
        story.tell(.tick, at: seconds(60))
        #expect(story.phase == .step(0, .routing))
        story.tell(.tick, at: seconds(61))
        #expect(story.cause?.kind == .deadline)
    }

    @Test func `the whole rollout's time limit ends in the way back`() {
        var story = Story(Fixture.plan(), deadline: seconds(10))
        story.takeOver(at: zero)
        story.confirm(at: seconds(1))
        story.tell(.tick, at: seconds(10))
        #expect(story.cause?.kind == .deadline)
    }

    @Test func `a hold with min and max ends early once every metric has what it asks for`() {
        let steps = [
            PlanStep(weight: Fixture.quarter, hold: Hold(min: .seconds(10), max: .seconds(300))),
            PlanStep(weight: .full),
        ]
        var story = Story.holding(
            Fixture.plan(steps: steps, metrics: [Fixture.metric { $0.limits.consecutiveSuccesses = 3 }]))
        for second in [1.0, 11] { story.measure(.successful, at: seconds(second)) }
        #expect(story.phase == .step(0, .holding))
        story.measure(.successful, at: seconds(21))
        #expect(story.phase == .step(1, .routing))
    }
}

@Suite("A rollout's way back")
struct WayBackTests {
    @Test func `a failed gate sends everything back in the same decision`() {
        var story = Story.holding()
        story.measure(.failed, at: seconds(2))
        #expect(story.cause?.kind == .gate)
        #expect(story.machine.work(at: seconds(2)).traffic == TrafficWrite(share: .zero, kind: .wayBack))
    }

    @Test func `a measurement may fail a gate although its window reaches back`() {
        var story = Story.holding(Fixture.plan(metrics: [Fixture.metric { $0.window = .seconds(300) }]))
        story.measure(.failed, at: seconds(2))
        #expect(story.cause != nil)
    }

    @Test func `it is repeated until the router says so, and then the mark goes`() {
        var story = Story.holding()
        story.tell(.abort, at: seconds(2))
        let write = story.machine.trafficWork!
        story.tell(.wrote(write, Story.reading(nil, at: seconds(2)), .refused("no answer")), at: seconds(2))
        #expect(story.machine.work(at: seconds(4)).traffic == write)
        story.confirm(at: seconds(4))
        #expect(story.deed(at: seconds(4)) == .drain(Fixture.sides.second))
        story.answer(.ended(error: nil), at: seconds(4))
        #expect(story.deed(at: seconds(4)) == .release(.wayBack(hadTraffic: true)))
        story.close(at: seconds(4))
        #expect(story.phase == .finished(.rolledBack(Cause(.person, "aborted by alice"))))
    }

    @Test func `an instance that is gone counts by what it starts with, one that hangs does not`() {
        let write = TrafficWrite(share: .zero, kind: .wayBack)
        func reading(gone: Bool, file: Weight) -> Reading {
            Reading(instances: [.init(running: nil, startsWith: file, incarnation: nil, isGone: gone)], startedAt: zero)
        }
        #expect(reading(gone: true, file: .zero).confirms(write))
        #expect(!reading(gone: true, file: Fixture.quarter).confirms(write))
        #expect(!reading(gone: false, file: .zero).confirms(write))
    }

    @Test func `what is not confirmed after 60 s calls a person, and after ten minutes the driver leaves`() {
        var story = Story.holding()
        story.tell(.abort, at: seconds(2))
        story.tell(.tick, at: seconds(61))
        #expect(story.machine.state.attention == nil)
        story.tell(.tick, at: seconds(62))
        #expect(story.machine.state.attention != nil)
        #expect(!story.machine.work(at: seconds(601)).givesUp)
        #expect(story.machine.work(at: seconds(602)).givesUp)
        #expect(story.machine.trafficWork != nil)  // The intent is kept.
    }

    @Test func `a late confirmation of a raise does not undo an abort`() {
        var story = Story()
        story.takeOver(at: zero)
        story.confirm(at: seconds(0.5))
        let raise = story.machine.trafficWork!
        story.tell(.abort, at: seconds(1))
        story.tell(.wrote(raise, Story.reading(raise.share, at: seconds(1)), .done), at: seconds(1.1))
        #expect(story.machine.trafficWork == TrafficWrite(share: .zero, kind: .wayBack))
    }

    @Test func `no data is no success and no failure until blindFor, then it is the way back`() {
        let plan = Fixture.plan(metrics: [Fixture.metric { $0.blindFor = .seconds(60) }])
        var story = Story.holding(plan)
        for second in stride(from: 1.0, through: 51, by: 10) { story.measure(.noData, at: seconds(second)) }
        #expect(story.phase == .step(0, .holding))
        #expect(story.machine.state.watched == .zero)
        story.measure(.noData, at: seconds(61))
        #expect(story.cause?.kind == .blind)
    }

    @Test func `onBlind pause waits for a person, within the pause's own limit`() {
        let plan = Fixture.plan(metrics: [Fixture.metric { ($0.blindFor, $0.onBlind) = (.seconds(10), .pause) }]) {
            $0.waitLimit = .seconds(100)
        }
        var story = Story.holding(plan)
        story.measure(.noData, at: seconds(1))
        story.measure(.noData, at: seconds(11))
        #expect(story.machine.state.pause != nil)
        story.tell(.tick, at: seconds(111))
        #expect(story.cause?.kind == .deadline)
    }

    @Test func `a measurement that never comes back is blindness, too`() {
        var story = Story.holding(Fixture.plan(metrics: [Fixture.metric { $0.blindFor = .seconds(60) }]))
        story.tell(.tick, at: seconds(80))
        #expect(story.phase == .step(0, .holding))
        story.tell(.tick, at: seconds(81))
        #expect(story.cause?.kind == .blind)
    }

    @Test func `errors use up consecutiveErrorLimit; a stated limit has no data counted, too`() {
        var story = Story.holding(Fixture.plan(metrics: [Fixture.metric { $0.limits.consecutiveErrors = 1 }]))
        story.measure(.error, at: seconds(1))
        story.measure(.error, at: seconds(11))
        #expect(story.cause?.kind == .gate)
        let counted = Fixture.metric { ($0.limits.consecutiveErrors, $0.countsNoDataAsErrors) = (1, true) }
        story = Story.holding(Fixture.plan(metrics: [counted]))
        story.measure(.noData, at: seconds(1))
        story.measure(.noData, at: seconds(11))
        #expect(story.cause?.kind == .gate)
    }

    @Test func `inconclusive pauses; a failure behind it is still a failure`() {
        var story = Story.holding()
        story.measure(.inconclusive, at: seconds(1))
        #expect(story.machine.state.pause != nil)
        story.measure(.failed, at: seconds(11))
        #expect(story.cause?.kind == .gate)
    }

    @Test func `onInconclusive rollback holds in a pause, too`() {
        var story = Story.holding(Fixture.plan(metrics: [Fixture.metric { $0.onInconclusive = .rollback }]))
        story.tell(.pause, at: seconds(2))
        story.measure(.inconclusive, at: seconds(11))
        #expect(story.cause?.kind == .gate)
    }

    @Test func `the journal lost means the way back`() {
        var story = Story.holding()
        story.tell(.journalLost("disk full"), at: seconds(2))
        #expect(story.cause == Cause(.journal, "disk full"))
    }
}

@Suite("The router in other hands")
struct OutsideTests {
    @Test func `another hand's share is an abort with that cause`() {
        var story = Story.holding()
        story.tell(.read(Story.reading(Weight(basisPoints: 7000)!, at: seconds(2))), at: seconds(2))
        #expect(story.cause?.kind == .outsideChange)
    }

    @Test func `a person who sets the canary to 0 is right`() {
        var story = Story.holding()
        story.tell(.read(Story.reading(.zero, at: seconds(2))), at: seconds(2))
        #expect(story.cause?.kind == .outsideChange)
    }

    @Test func `a reading that began before the confirmation says nothing`() {
        var story = Story.holding()
        story.tell(.read(Story.reading(.zero, at: seconds(0.9))), at: seconds(2))
        #expect(story.phase == .step(0, .holding))
    }

    @Test func `after a reload an older share of ours is asserted over`() {
        // The driver was killed between the runtime and the file, and then the router was reloaded.
        var story = Story()
        story.takeOver(at: zero)
        story.confirm(at: seconds(0.5))
        story.tell(.tookOver(epoch: 2, holder: "p"), at: seconds(2))
        story.answer(.claimed(.ours(Story.reading(.zero, process: 2, at: seconds(2)))), at: seconds(2))
        #expect(story.phase == .step(0, .routing))
        #expect(story.machine.trafficWork?.share == Fixture.quarter)
        story.confirm(process: 2, at: seconds(3))
        #expect(story.machine.trafficWork == nil)
    }

    @Test func `after a reload a share that is none of ours is another hand's`() {
        var story = Story.holding()
        story.tell(.read(Story.reading(Weight(basisPoints: 4000)!, process: 2, at: seconds(2))), at: seconds(2))
        #expect(story.cause?.kind == .outsideChange)
    }

    @Test func `a router out of reach stops the hold's clock and ends after progressDeadline`() {
        var story = Story.holding(Fixture.plan { $0.progressDeadline = .seconds(60) })
        story.measure(.successful, at: seconds(1))
        story.tell(.read(Story.reading(nil, at: seconds(2))), at: seconds(2))
        for second in [11.0, 21, 31, 41] { story.measure(.successful, at: seconds(second)) }
        #expect(story.machine.state.watched == .zero)
        story.tell(.tick, at: seconds(62))
        #expect(story.cause?.kind == .deadline)
    }

    @Test func `a router's error hides no verdict`() {
        var story = Story.holding()
        story.tell(.read(Story.reading(nil, at: seconds(2))), at: seconds(2))
        story.measure(.failed, at: seconds(3))
        #expect(story.cause?.kind == .gate)
    }

    @Test func `a takeover that finds stable 100 % takes it as returned`() {
        var story = Story.holding()
        story.takeOver(epoch: 2, found: .zero, at: seconds(20))
        #expect(story.cause?.kind == .outsideChange)
    }

    @Test func `a takeover between intent and write goes on`() {
        var story = Story()
        story.takeOver(at: zero)
        story.confirm(at: seconds(0.5))
        #expect(story.phase == .step(0, .routing))
        story.takeOver(epoch: 2, found: .zero, at: seconds(20))
        #expect(story.phase == .step(0, .routing))
        #expect(story.machine.trafficWork?.share == Fixture.quarter)
    }

    @Test func `a takeover passes no step before it has read the router`() {
        var story = Story.holding()
        for second in [1.0, 11, 21] { story.measure(.successful, at: seconds(second)) }
        story.tell(.tookOver(epoch: 2, holder: "p"), at: seconds(31))
        story.measure(.successful, at: seconds(31))
        #expect(story.phase == .step(0, .holding))
    }

    @Test func `the way back does not wait for a mark that cannot be written`() {
        var story = Story.holding()
        story.tell(.tookOver(epoch: 2, holder: "p"), at: seconds(20))
        story.tell(.abort, at: seconds(20))
        #expect(story.machine.trafficWork == nil)
        story.answer(.claimed(.failed("no space left")), at: seconds(21))
        #expect(story.machine.trafficWork == TrafficWrite(share: .zero, kind: .wayBack))
    }
}

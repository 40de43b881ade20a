import Testing

@testable import BelayCore

/// Gates whose server is behind, sparse or silent about the canary.
@Suite("Gates in the wild")
struct WildGateTests {
    private static func measured(
        _ phase: MeasurementPhase, at second: Double, age: Double? = nil, requests: Double? = nil, message: String = ""
    ) -> Input {
        .measured(
            Measurement(
                metric: 0, phase: phase, value: "-", message: message, startedAt: seconds(second),
                finishedAt: seconds(second), sampledAt: age.map { seconds(second - $0) }, requests: requests))
    }

    private static func counting(_ hold: Hold = Hold(.zero)) -> Plan {
        let metric = Fixture.metric { $0.prometheus?.requestsQuery = "r" }
        return Fixture.plan(
            steps: [PlanStep(weight: Fixture.quarter, hold: hold), PlanStep(weight: .full)], metrics: [metric])
    }

    // MARK: 7, age

    @Test func `a store that is 30 s behind passes a step 30 s later`() {
        let plan = Fixture.plan(
            steps: [PlanStep(weight: Fixture.quarter, hold: Hold(.seconds(20))), PlanStep(weight: .full)],
            metrics: [Fixture.metric { $0.window = .seconds(10) }])
        var story = Story.holding(plan)
        // Up to 31 s all samples are from before the canary; from 41 s on the window lies behind the confirmation, too.
        for second in stride(from: 1.0, through: 41, by: 10) {
            story.tell(Self.measured(.successful, at: second, age: 30), at: seconds(second))
            #expect(story.machine.state.metrics[0].lastIsFresh == (second == 41))
        }
        #expect(story.phase == .step(0, .holding))
        story.tell(Self.measured(.successful, at: 51, age: 30), at: seconds(51))
        #expect(story.phase == .step(1, .routing))
    }

    // MARK: 8, sparse data

    @Test func `a hold that never gathers its time ends as blindness does, and says why`() {
        var story = Story.holding(Fixture.plan(metrics: [Fixture.metric { $0.blindFor = .seconds(60) }]))
        // An answer at every third look: 30 s apart, with 10 s between two looks.
        var second = 5.0
        while story.cause == nil, second < 400 {
            story.tell(Self.measured(.successful, at: second, message: "sparse"), at: seconds(second))
            second += 30
            story.tell(.tick, at: seconds(second))
        }
        #expect(story.cause?.kind == .blind)
        #expect(story.cause?.message.hasPrefix("errors answers too seldom: watched 0s of 30s in ") == true)
    }

    @Test func `pauses, outages and a dead driver are excused`() {
        var story = Story.holding(Fixture.plan(metrics: [Fixture.metric { $0.blindFor = .seconds(60) }]))
        story.measure(.successful, at: seconds(2))
        story.tell(.pause, at: seconds(3))
        for second in stride(from: 12.0, through: 300, by: 10) { story.measure(.successful, at: seconds(second)) }
        story.tell(.resume, at: seconds(301))
        story.tell(.tick, at: seconds(302))
        #expect(story.cause == nil)
        story.tell(.tookOver(epoch: 2, holder: "pid 2"), at: seconds(900))
        story.answer(.claimed(.ours(Story.reading(Fixture.quarter, at: seconds(900)))), at: seconds(900))
        story.tell(.tick, at: seconds(901))
        #expect(story.cause == nil)
    }

    @Test func `windows without a request are watched, and blind all the same`() {
        var story = Story.holding(Fixture.plan(metrics: [Fixture.metric { $0.blindFor = .seconds(60) }]))
        func idle(_ second: Double) -> Input {
            .measured(
                Measurement(
                    metric: 0, phase: .noData, value: "", message: "no request", startedAt: seconds(second),
                    finishedAt: seconds(second), isIdle: true))
        }
        // One window in four has a request.
        for second in stride(from: 2.0, through: 32, by: 10) {
            story.tell(second == 32 ? Self.measured(.successful, at: second) : idle(second), at: seconds(second))
        }
        #expect(story.phase == .step(1, .routing))
        var silent = Story.holding(Fixture.plan(metrics: [Fixture.metric { $0.blindFor = .seconds(60) }]))
        for second in stride(from: 2.0, through: 62, by: 10) { silent.tell(idle(second), at: seconds(second)) }
        #expect(silent.cause?.kind == .blind)
    }

    // MARK: 11, requests

    @Test func `a step without hold passes only with a request of the canary in a fresh measurement`() {
        var story = Story.holding(Self.counting())
        story.tell(Self.measured(.successful, at: 2, requests: 0), at: seconds(2))
        #expect(story.phase == .step(0, .holding))
        #expect(story.machine.waiting(for: 0, at: seconds(2)) == "no request of the canary yet")
        story.tell(Self.measured(.successful, at: 12, requests: 1), at: seconds(12))
        #expect(story.phase == .step(1, .routing))
    }

    @Test func `no request of the canary for blindFor is blind, and promote still ends the wait`() {
        var story = Story.holding(Self.counting())
        for second in stride(from: 2.0, through: 298, by: 10) {
            story.tell(Self.measured(.successful, at: second, requests: 0), at: seconds(second))
        }
        #expect(story.phase == .step(0, .holding))
        var promoted = story
        promoted.tell(.promote(full: false), at: seconds(299))
        #expect(promoted.phase == .step(1, .routing))
        story.tell(Self.measured(.successful, at: 302, requests: 0), at: seconds(302))
        #expect(story.cause == Cause(.blind, "errors: no request of the canary for 5m1s"))
    }

    // MARK: 12, before the canary

    @Test func `nothing is measured before the canary may have had traffic, and nothing older condemns it`() {
        var story = Story()
        story.takeOver(at: zero)
        story.confirm(at: seconds(0.5))
        #expect(story.phase == .step(0, .routing))
        #expect(story.machine.activeMetrics.isEmpty)
        story.confirm(at: seconds(1))
        story.tell(Self.measured(.failed, at: 3, age: 5), at: seconds(3))
        #expect(story.phase == .step(0, .holding))
        story.tell(Self.measured(.failed, at: 13, age: 5), at: seconds(13))
        #expect(story.cause?.kind == .gate)
    }

    @Test func `a write that is not answered may have taken effect, and failures count from there`() {
        var story = Story()
        story.takeOver(at: zero)
        story.confirm(at: seconds(0.5))
        let write = story.machine.trafficWork!
        story.tell(.wrote(write, Story.reading(nil, at: seconds(1)), .refused("no answer")), at: seconds(1))
        story.measure(.failed, at: seconds(2))
        #expect(story.cause?.kind == .gate)
    }

    // MARK: 14, what a person reads

    @Test func `a final sentence carries the server's words`() {
        var story = Story.holding()
        for second in stride(from: 2.0, through: 50, by: 10) {
            story.tell(
                Self.measured(.error, at: second, message: "401, credentials missing or refused"), at: seconds(second))
        }
        #expect(
            story.cause?.message
                == "errors: 5 errors in a row, consecutiveErrorLimit 4, the last: 401, credentials missing or refused")
        #expect(story.machine.state.metrics[0].verdict == .error)
    }
}

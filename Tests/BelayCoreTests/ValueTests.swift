import Testing

@testable import BelayCore

@Suite("Values")
struct ValueTests {
    @Test(
        "durations read as people write them",
        arguments: [
            ("90s", 90_000), ("5m", 300_000), ("1h30m", 5_400_000), ("250ms", 250), ("1.5s", 1500), ("20", 20_000),
            ("0s", 0),
        ])
    func duration(text: String, milliseconds: Int64) { #expect(Duration(text: text) == .milliseconds(milliseconds)) }

    @Test(
        "what is no duration is none", arguments: ["", "5", "x", "5x", "-5s", "5m3", "1e9h", "m5"].filter { $0 != "5" })
    func noDuration(text: String) { #expect(Duration(text: text) == nil) }

    @Test func `a duration's text reads back`() {
        for duration in [Duration.seconds(90), .milliseconds(1), .seconds(5400), .zero] {
            #expect(Duration(text: duration.text) == duration)
        }
    }

    @Test func `a weight is within 0 and 100 percent in steps of a hundredth`() {
        #expect(Weight(basisPoints: 10_001) == nil)
        #expect(Weight(percent: 0.005) == nil)
        #expect(Weight(percent: 33.33)?.basisPoints == 3333)
        #expect(Weight(basisPoints: 1250)?.text == "12.5 %")
        #expect(Weight(basisPoints: 1)?.text == "0.01 %")
    }

    @Test func `roles come from who has all traffic, and a split has none`() {
        #expect(Roles(secondShare: .zero)?.canaryIsSecond == true)
        #expect(Roles(secondShare: .full)?.canaryIsSecond == false)
        #expect(Roles(secondShare: Fixture.quarter) == nil)
        #expect(Roles(canaryIsSecond: false).mirrored(Fixture.quarter).basisPoints == 7500)
    }
}

@Suite("The driver's order")
struct DriverTests {
    private func driver() -> Driver {
        let machine = RolloutMachine(.init(plan: Fixture.plan(), original: "0", actor: Fixture.alice), at: zero)
        return Driver(machine: machine, epoch: 1, holder: "p", leaseUntil: seconds(30), at: zero)
    }

    func append(_ taken: Driver.Taken) -> Driver.Append? {
        if case .append(let append) = taken { append } else { nil }
    }

    private func claim(_ attempt: Int) -> ActionRun { ActionRun(.claim, .opening, index: 0, attempt: attempt) }

    @Test func `nothing starts before the events are durable`() throws {
        var driver = driver()
        let taken = try #require(append(driver.take(.tick, at: zero)))
        #expect(driver.machine.state.epoch == 0)
        driver.appended(taken)
        #expect(
            driver.start(at: zero).started.map(\.job) == [
                .action(.init(claim(1), .claim(epoch: 1, .first, stable: Fixture.sides.first)))
            ])
        #expect(driver.start(at: zero).started.isEmpty)  // Running already.
    }

    @Test func `a fenced append ends the driver`() throws {
        var driver = driver()
        let taken = try #require(append(driver.take(.tick, at: zero)))
        driver.appendFailed(taken, .fenced("pid 2"), at: zero)
        #expect(driver.end(at: zero) == .superseded("pid 2"))
    }

    @Test func `without a journal only the way back goes on, and its records are kept for later`() throws {
        var driver = Driver(driving: Story.holding().machine, leaseUntil: seconds(30), at: seconds(2))
        let measured = Measurement(
            metric: 0, phase: .successful, value: "0", startedAt: seconds(2), finishedAt: seconds(2))
        let taken = try #require(append(driver.take(.measured(measured), at: seconds(2))))
        driver.appendFailed(taken, .unavailable("disk full"), at: seconds(2))
        #expect(driver.isWithoutJournal)
        #expect(
            driver.start(at: seconds(2)).started.map(\.job) == [.traffic(TrafficWrite(share: .zero, kind: .wayBack))])
        let write = TrafficWrite(share: .zero, kind: .wayBack)
        let later = try #require(
            append(driver.take(.wrote(write, Story.reading(.zero, at: seconds(3)), .done), at: seconds(3))))
        #expect(later.records.count == 3)  // The intent comes first, once there is room; last that the side drains.
        driver.appended(later)
        #expect(!driver.isWithoutJournal)
    }

    @Test func `a new driver without a journal still marks the target, and then returns the traffic`() throws {
        var story = Story.holding()
        story.tell(.tookOver(epoch: 2, holder: "p"), at: seconds(2))
        var driver = Driver(driving: story.machine, leaseUntil: seconds(32), at: seconds(2))
        let found = Story.reading(Fixture.quarter, at: seconds(2))
        let taken = try #require(append(driver.take(.acted(claim(2), .claimed(.ours(found))), at: seconds(2))))
        driver.appendFailed(taken, .unavailable("read-only"), at: seconds(2))
        #expect(
            driver.start(at: seconds(2)).started.map(\.job).contains(
                .action(.init(claim(2), .claim(epoch: 2, .takeover, stable: Fixture.sides.first)))))
        let again = try #require(append(driver.take(.acted(claim(2), .claimed(.ours(found))), at: seconds(3))))
        driver.appendFailed(again, .unavailable("read-only"), at: seconds(3))
        #expect(
            driver.start(at: seconds(3)).started.map(\.job).contains(
                .traffic(TrafficWrite(share: .zero, kind: .wayBack))))
    }

    @Test func `a run whose first record cannot be written ends at once, and has touched nothing`() throws {
        var driver = driver()
        let taken = try #require(append(driver.take(.tick, at: zero)))
        driver.appendFailed(taken, .unavailable("disk full"), at: zero)
        #expect(driver.end(at: zero) != nil)
        #expect(driver.start(at: zero).started.isEmpty)
    }

    @Test func `a lease that cannot be renewed sends the traffic back with half its life left`() {
        let driver = Driver(driving: Story.holding().machine, leaseUntil: seconds(30), at: seconds(2))
        #expect(!driver.mustReturn(at: seconds(14)))
        #expect(driver.mustReturn(at: seconds(15)))
        #expect(driver.end(at: seconds(30)) != nil)
    }

    private func write(in started: [Driver.Attempt]) throws -> Driver.Attempt {
        let write = started.first { $0.isWrite }
        return try #require(write)
    }

    /// A driver whose raise to 25 % is under way, and then an abort.
    private func superseding() throws -> (driver: Driver, raise: Driver.Attempt, wayBack: Driver.Attempt) {
        var story = Story()
        story.takeOver(at: zero)
        story.confirm(at: seconds(0.5))
        var driver = Driver(driving: story.machine, leaseUntil: seconds(30), at: seconds(1))
        let raise = try write(in: driver.start(at: seconds(1)).started)
        let abort = Command(id: "a", verb: .abort, actor: Fixture.alice, reason: "", aimedAt: nil)
        let taken = try #require(append(driver.take(.command(abort), at: seconds(1))))
        driver.appended(taken)
        let (started, cancelled) = driver.start(at: seconds(1))
        #expect(cancelled == [raise])
        let wayBack = try write(in: started)
        return (driver, raise, wayBack)
    }

    private let back = TrafficWrite(share: .zero, kind: .wayBack)

    private func returned(at now: Timestamp) -> Input {
        .wrote(back, Story.reading(.zero, at: now), .done)
    }

    @Test func `a newer write supersedes a running one, and does not wait for it`() throws {
        let (driver, raise, wayBack) = try superseding()
        #expect(wayBack.job == .traffic(back))
        #expect(wayBack.number > raise.number)
        #expect(driver.running.contains(raise))
    }

    @Test func `a way back counts only by a reading taken after every earlier write has ended`() throws {
        var (driver, raise, wayBack) = try superseding()
        let early = try #require(append(driver.ended(wayBack, returned(at: seconds(1.1)), at: seconds(1.1))))
        #expect(
            early.records.map(\.event) == [
                .trafficFailed(share: .zero, message: "an earlier write to the router has not ended yet")
            ])
        driver.appended(early)
        let again = try write(in: driver.start(at: seconds(2)).started)
        // The old write ends while stable is asserted once more: nobody knows which of them the reading saw.
        #expect(append(driver.ended(raise, nil, at: seconds(2.1))) == nil)
        #expect(append(driver.ended(again, returned(at: seconds(2.2)), at: seconds(2.2))) == nil)
        let last = try write(in: driver.start(at: seconds(2.2)).started)
        let taken = try #require(append(driver.ended(last, returned(at: seconds(2.3)), at: seconds(2.3))))
        guard case .trafficConfirmed(.zero, _) = taken.records.first?.event else {
            Issue.record("\(taken.records)")
            return
        }
    }

    @Test func `what a superseded write says changes nothing`() throws {
        var (driver, raise, _) = try superseding()
        let before = driver.machine
        let late = Input.wrote(
            TrafficWrite(share: Fixture.quarter, kind: .forward), Story.reading(Fixture.quarter, at: seconds(1.2)),
            .done)
        #expect(append(driver.ended(raise, late, at: seconds(1.2))) == nil)
        #expect(driver.machine == before)
    }

    @Test func `a raise waits for the write before it, and the mark is kept until all have ended`() throws {
        var story = Story.holding()
        story.tell(.promote(full: true), at: seconds(2))
        var driver = Driver(driving: story.machine, leaseUntil: seconds(60), at: seconds(2))
        let first = try write(in: driver.start(at: seconds(2)).started)
        let abort = Command(id: "a", verb: .abort, actor: Fixture.alice, reason: "", aimedAt: nil)
        let taken = try #require(append(driver.take(.command(abort), at: seconds(2))))
        driver.appended(taken)
        let wayBack = try write(in: driver.start(at: seconds(2)).started)
        _ = driver.ended(first, nil, at: seconds(2))
        #expect(append(driver.ended(wayBack, returned(at: seconds(3)), at: seconds(3))) == nil)
        let last = try write(in: driver.start(at: seconds(3)).started)
        let confirmed = try #require(append(driver.ended(last, returned(at: seconds(4)), at: seconds(4))))
        driver.appended(confirmed)
        #expect(
            driver.start(at: seconds(4)).started.map(\.job).contains(
                .action(.init(ActionRun(.drain, .back, index: 0, attempt: 1), .drain(Fixture.sides.second)))))
    }

    private let good = Measurement(
        metric: 0, phase: .successful, value: "0", startedAt: seconds(2), finishedAt: seconds(2))

    /// A driver that holds at 25 %, and whose last append has not been answered.
    private func owing() throws -> (driver: Driver, owed: Driver.Append) {
        var driver = Driver(driving: Story.holding().machine, leaseUntil: seconds(60), at: seconds(2))
        let owed = try #require(append(driver.take(.measured(good), at: seconds(2))))
        driver.unanswered(owed, at: seconds(3))
        #expect(driver.owesAnswer && !driver.isWithoutJournal)
        #expect(!driver.machine.state.isReturning)
        return (driver, owed)
    }

    @Test func `an append found written later is adopted as if nothing had been`() throws {
        var (driver, owed) = try owing()
        driver.answered(nil, at: seconds(4))
        var stored = Story.holding().machine
        for record in owed.records { stored.apply(record.event, at: record.at) }
        #expect(driver.machine == stored)
        #expect(driver.unwritten.isEmpty)
    }

    @Test func `an abort does not wait for it, and is folded on top of what was written`() throws {
        var (driver, owed) = try owing()
        let abort = Command(id: "a", verb: .abort, actor: Fixture.alice, reason: "", aimedAt: nil)
        let taken = try #require(append(driver.take(.command(abort), at: seconds(3.5))))
        let isKept = driver.keep(taken, at: seconds(3.5))
        #expect(isKept)
        #expect(driver.start(at: seconds(3.5)).started.map(\.job).contains(.traffic(back)))
        driver.answered(nil, at: seconds(4))
        #expect(driver.machine.state.isReturning)
        #expect(driver.machine.position == Story.holding().machine.position + owed.records.count + taken.records.count)
        let next = try #require(append(driver.take(.tick, at: seconds(4))))
        #expect(next.after == Story.holding().machine.position + owed.records.count)
        #expect(next.records.map(\.event) == taken.records.map(\.event))
    }

    @Test func `the end of a way back that is written late is folded once`() throws {
        var story = Story.holding()
        story.tell(.abort, at: seconds(2))
        story.confirm(at: seconds(3))
        story.answer(.ended(error: nil), at: seconds(3))
        var driver = Driver(driving: story.machine, leaseUntil: seconds(60), at: seconds(3))
        let release = ActionRun(.release, .back, index: 1, attempt: 1)
        let end = try #require(append(driver.take(.acted(release, .ended(error: nil)), at: seconds(4))))
        driver.appendFailed(end, .unavailable("busy"), at: seconds(4))
        let again = try #require(append(driver.take(.tick, at: seconds(4.1))))
        driver.unanswered(again, at: seconds(5))
        driver.answered(nil, at: seconds(6))
        #expect(driver.unwritten.isEmpty)
        #expect(driver.machine.position == story.machine.position + 2)
        #expect(driver.end(at: seconds(6)) != nil)
    }

    @Test func `an append found failed later, or unanswered for ten seconds, sends the traffic back`() throws {
        var (driver, _) = try owing()
        #expect(!driver.mustReturn(at: seconds(12)))
        #expect(driver.mustReturn(at: seconds(13)))
        driver.answered(.unavailable("disk full"), at: seconds(5))
        #expect(driver.machine.state.isReturning)
        #expect(driver.isWithoutJournal)
    }

    @Test func `an adoption that was written late, when the traffic was back already, ends rolled back`() throws {
        let plan = Fixture.plan(steps: [PlanStep(weight: .full, hold: Hold(.seconds(5)))], metrics: [])
        var story = Story(plan)
        story.takeOver(at: zero)
        story.confirm(at: seconds(0.5))
        story.confirm(at: seconds(1))
        for second in [1.0, 3, 5] { story.tell(.tick, at: seconds(second)) }
        var driver = Driver(driving: story.machine, leaseUntil: seconds(60), at: seconds(6))
        let owed = try #require(append(driver.take(.tick, at: seconds(6))))
        #expect(owed.records.contains { $0.event == .adopted })
        driver.unanswered(owed, at: seconds(7))
        let lost = try #require(append(driver.take(.journalLost("no answer"), at: seconds(17))))
        let isKept = driver.keep(lost, at: seconds(17))
        #expect(isKept)
        driver.answered(nil, at: seconds(18))
        #expect(driver.machine.state.isReturning)
    }

    @Test func `the last step alone keeps its own gates, and no approval is left out`() throws {
        let plan = Fixture.plan { plan in
            plan.steps = [
                PlanStep(weight: .full, hold: Hold(.seconds(5))), PlanStep(weight: .full, hold: Hold(.seconds(60))),
            ]
            plan.metrics = [0, 1].map { step in
                var metric = Metric(name: "m\(step)", query: PrometheusQuery(address: "http://p", query: "q"))
                metric.scope = .step(step)
                return metric
            }
        }
        let short = try #require(plan.lastStepAlone)
        #expect(short.steps.count == 1 && short.metrics.map(\.name) == ["m1"] && short.metrics[0].scope == .step(0))
        var other = plan
        other.steps[0].approval = Approval()
        #expect(other.lastStepAlone == nil)
        other = plan
        other.steps[1].hold = Hold(.zero)
        #expect(other.lastStepAlone == nil)
        other = plan
        other.metrics.removeLast()
        #expect(other.lastStepAlone == nil)
        other.steps = [plan.steps[0]]
        #expect(other.lastStepAlone == nil)
    }
}

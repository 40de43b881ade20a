import Testing

@testable import BelayCore

/// Targets that take a write and follow in their own time, and what they start with.
@Suite("A target that follows")
struct AcceptedTests {
    /// 25 % asked for and taken at 1 s, with the router still at stable 100 %.
    private static func accepted(_ plan: Plan = Fixture.plan()) -> Story {
        var story = Story(plan)
        story.takeOver(at: zero)
        story.confirm(at: seconds(0.5))
        story.tell(.wrote(story.machine.trafficWork!, reading(.zero, at: 1), .accepted), at: seconds(1))
        return story
    }

    private static func reading(
        _ share: Weight?, _ start: Reading.Start = .same, at second: Double, isGone: Bool = false
    )
        -> Reading
    {
        Reading(
            instances: [
                .init(running: share, start: start, incarnation: share == nil ? nil : "1", isGone: isGone)
            ], startedAt: seconds(second))
    }

    @Test func `a write that was taken counts once a later reading shows it`() {
        var story = Self.accepted()
        #expect(story.events.last == .trafficAccepted(share: Fixture.quarter))
        #expect(story.phase == .step(0, .routing))
        // Meanwhile it is looked at, and not asked for again.
        #expect(story.machine.work(at: seconds(2)).traffic == nil && story.machine.work(at: seconds(2)).readsRouter)
        story.tell(.read(Self.reading(.zero, at: 2)), at: seconds(2.1))
        #expect(story.phase == .step(0, .routing))
        // A reading that began before says nothing of what came after.
        story.tell(.read(Self.reading(Fixture.quarter, at: 0.9)), at: seconds(2.2))
        #expect(story.phase == .step(0, .routing))
        story.tell(.read(Self.reading(Fixture.quarter, at: 3)), at: seconds(3.1))
        #expect(story.phase == .step(0, .holding))
        #expect(story.machine.state.confirmedAt == seconds(3.1))
    }

    @Test func `what was taken and is not in force after five seconds is asked for again`() {
        let story = Self.accepted()
        #expect(story.machine.work(at: seconds(5.9)).traffic == nil)
        #expect(story.machine.work(at: seconds(5.9)).next == seconds(6))
        #expect(story.machine.work(at: seconds(6)).traffic?.share == Fixture.quarter)
    }

    @Test func `the progress deadline of a share that is never in force is the way back`() {
        // No gate, or its blindness would be quicker.
        var story = Self.accepted(Fixture.plan(metrics: []))
        for second in stride(from: 6.0, through: 606, by: 6) {
            guard let write = story.machine.trafficWork, write.kind == .forward else { break }
            story.tell(.wrote(write, Self.reading(.zero, at: second), .accepted), at: seconds(second))
        }
        #expect(story.cause?.kind == .deadline)
    }

    @Test func `an abort does not wait for what the target has taken, and its end is read like any other`() {
        var story = Self.accepted()
        story.tell(.abort, at: seconds(2))
        let back = story.machine.work(at: seconds(2)).traffic
        #expect(back == TrafficWrite(share: .zero, kind: .wayBack))
        story.tell(.wrote(back!, Self.reading(Fixture.quarter, at: 2), .accepted), at: seconds(2.5))
        #expect(story.machine.work(at: seconds(3)).readsRouter)
        story.tell(.read(Self.reading(.zero, at: 2.4)), at: seconds(3))
        #expect(story.machine.state.confirmed == nil)
        story.tell(.read(Self.reading(.zero, at: 8)), at: seconds(8.1))
        #expect(story.machine.state.confirmed == .zero)
    }

    @Test func `stable has to hold for a while where a raise was taken and never seen`() {
        var story = Self.accepted()
        story.tell(.abort, at: seconds(2))
        let back = TrafficWrite(share: .zero, kind: .wayBack)
        // The balancer has not begun with the raise yet, and shows what it showed before.
        story.tell(.wrote(back, Self.reading(.zero, at: 2), .done), at: seconds(2.1))
        #expect(story.machine.state.confirmed == nil && story.phase == .closing(.returning(story.cause!)))
        // Asked for again after a second, and looked at meanwhile.
        #expect(
            story.machine.work(at: seconds(3)).traffic == nil && story.machine.work(at: seconds(3.1)).traffic == back)
        story.tell(.read(Self.reading(Fixture.quarter, at: 4)), at: seconds(4.1))
        story.tell(.read(Self.reading(.zero, at: 6.9)), at: seconds(7))
        #expect(story.machine.state.confirmed == nil)
        story.tell(.read(Self.reading(.zero, at: 7)), at: seconds(7.1))
        #expect(story.machine.state.confirmed == .zero)
    }

    @Test func `a raise that was seen in force is taken back at once`() {
        var story = Self.accepted()
        story.tell(.read(Self.reading(Fixture.quarter, at: 2)), at: seconds(2.1))
        story.tell(.abort, at: seconds(3))
        let back = TrafficWrite(share: .zero, kind: .wayBack)
        story.tell(.wrote(back, Self.reading(.zero, at: 3), .done), at: seconds(3.1))
        #expect(story.machine.state.confirmed == .zero)
    }

    @Test func `a person who sets what was taken back to what it was is another hand`() {
        var story = Self.accepted()
        story.tell(.read(Self.reading(.zero, .share(Fixture.quarter), at: 2)), at: seconds(2.1))
        #expect(story.phase == .step(0, .routing))
        story.tell(.read(Self.reading(.zero, .share(.zero), at: 3)), at: seconds(3.1))
        #expect(story.cause?.kind == .outsideChange)
    }

    @Test func `another hand is one while the target follows, too`() {
        var story = Self.accepted()
        story.tell(.read(Self.reading(Weight(basisPoints: 7700)!, at: 2)), at: seconds(2.1))
        #expect(story.cause?.kind == .outsideChange)
    }

    @Test func `a new driver asks again for what was taken`() {
        var story = Self.accepted()
        story.takeOver(epoch: 2, at: seconds(2))
        #expect(story.machine.work(at: seconds(2)).traffic?.share == Fixture.quarter)
    }

    @Test func `a reading beside a write ends no way back`() throws {
        var story = Self.accepted()
        story.tell(.abort, at: seconds(2))
        var driver = Driver(driving: story.machine, leaseUntil: seconds(60), at: seconds(2))
        let write = try #require(driver.start(at: seconds(2)).started.first { $0.isWrite })
        func take(_ taken: Driver.Taken) {
            if case .append(let append) = taken { driver.appended(append) }
        }
        take(
            driver.ended(
                write, .wrote(TrafficWrite(share: .zero, kind: .wayBack), Self.reading(.full, at: 2), .accepted),
                at: seconds(2.5)))
        let read = try #require(driver.start(at: seconds(3.2)).started.first { $0.job == .read })
        // Not in force after a second: asked for again, and the reading is still on its way.
        #expect(driver.start(at: seconds(3.6)).started.contains { $0.isWrite })
        take(driver.ended(read, .read(Self.reading(.zero, at: 7.2)), at: seconds(7.6)))
        #expect(driver.machine.state.confirmed == nil)
    }

    // MARK: What it starts with

    @Test(
        "what it starts with is needed, the same, or nobody's to tell",
        arguments: [
            (Reading.Start.share(Fixture.quarter), true), (.share(.zero), false), (.same, true), (.unknown, false),
            (.unknowable, true),
        ])
    func starts(start: Reading.Start, confirms: Bool) {
        let write = TrafficWrite(share: Fixture.quarter, kind: .forward)
        #expect(Self.reading(Fixture.quarter, start, at: 0).confirms(write) == confirms)
    }

    @Test(
        "an instance that is gone counts for the way back only where it will start with stable",
        arguments: [
            (Reading.Start.share(.zero), true), (.share(.full), false), (.same, false), (.unknown, false),
            (.unknowable, false),
        ])
    func gone(start: Reading.Start, confirms: Bool) {
        let write = TrafficWrite(share: .zero, kind: .wayBack)
        #expect(Self.reading(nil, start, at: 0, isGone: true).confirms(write) == confirms)
    }
}

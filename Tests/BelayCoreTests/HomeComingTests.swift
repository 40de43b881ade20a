import Testing

@testable import BelayCore

/// Targets that run both versions by themselves, and bring stable to the new one.
@Suite("A home-coming")
struct HomeComingTests {
    private static func plan(comesHome: Bool = true) -> Plan {
        Fixture.plan { $0.target.workload = .managed(ManagedWorkload(comesHome: comesHome)) }
    }

    /// All traffic is on the canary, and stable is being brought to the new version.
    private static func adopting(comesHome: Bool = true) -> Story {
        var story = Story(plan(comesHome: comesHome))
        story.takeOver(at: zero)
        story.confirm(at: seconds(1))
        for second in [2.0, 3] { story.answer(.ended(error: nil), at: seconds(second)) }
        story.confirm(at: seconds(4))
        for second in [4.0, 14, 24, 34] { story.measure(.successful, at: seconds(second)) }
        story.confirm(at: seconds(35))
        for second in [35.0, 45, 55, 65] { story.measure(.successful, at: seconds(second)) }
        return story
    }

    private func running(_ story: Story) -> ActionKind? { story.machine.state.running?.run.kind }

    @Test func `is adopted, brought home, drained and retired, and stable keeps the mark`() {
        var story = Self.adopting()
        #expect(story.deed(at: seconds(66)) == .own(.adopt, limit: story.machine.plan.progressDeadline))
        story.answer(.ended(error: nil), at: seconds(70))
        #expect(running(story) == .handOver)
        // On its way the router may show either.
        for share in [Weight.full, .zero] {
            story.tell(.read(Story.reading(share, at: seconds(71))), at: seconds(71))
            #expect(story.cause == nil)
        }
        story.answer(.ended(error: nil), at: seconds(72))
        #expect(running(story) == nil)  // Nothing is stopped before the traffic is seen at home.
        story.tell(.read(Story.reading(.zero, at: seconds(73))), at: seconds(73))
        #expect(story.deed(at: seconds(73)) == .drain(Fixture.sides.second))
        for second in [74.0, 75, 76] { story.answer(.ended(error: nil), at: seconds(second)) }
        #expect(story.phase == .finished(.promoted))
    }

    @Test func `roles are swapped where stable stays as it is`() {
        var story = Self.adopting(comesHome: false)
        #expect(story.deed(at: seconds(66)) == .handOver(to: Fixture.sides.second))
        story.answer(.ended(error: nil), at: seconds(70))
        #expect(story.deed(at: seconds(71)) == .drain(Fixture.sides.first))
    }

    @Test func `an adoption that failed is not counted as done by a person, and can be taken back`() {
        var story = Self.adopting()
        story.answer(.ended(error: "its pods crash"), at: seconds(70))
        #expect(story.machine.state.attention != nil)
        story.tell(.promote(full: false), at: seconds(71))
        #expect(story.refusal?.contains("adopts by itself") ?? false)
        story.tell(.abort, at: seconds(72))
        #expect(story.machine.trafficWork?.kind == .wayBack)
    }

    @Test func `one that failed can be taken back, and while it is under way it cannot`() {
        var story = Self.adopting()
        story.answer(.ended(error: nil), at: seconds(70))
        story.tell(.abort, at: seconds(71))
        #expect(story.refusal != nil)
        story.answer(.ended(error: "stable does not have the new version"), at: seconds(72))
        story.tell(.abort, at: seconds(73))
        #expect(story.machine.trafficWork?.kind == .wayBack)
    }

    @Test func `a rescue in between is no promotion`() {
        for done in [1, 2] {
            var story = Self.adopting()
            for index in 0..<done { story.answer(.ended(error: nil), at: seconds(70 + Double(index))) }
            story.tell(.tookOver(epoch: 2, holder: "p"), at: seconds(80))
            story.answer(
                .claimed(.ours(Story.reading(.zero, at: seconds(81)), wasMarked: false)), at: seconds(81))
            guard case .finished(.rolledBack(let cause)) = story.phase else {
                Issue.record("\(story.phase)")
                continue
            }
            #expect(cause.kind == .outsideChange)
        }
    }

    @Test func `another hand's share after it has come home calls a person, and nothing is stopped`() {
        var story = Self.adopting()
        for second in [70.0, 71] { story.answer(.ended(error: nil), at: seconds(second)) }
        story.tell(.read(Story.reading(.full, at: seconds(72))), at: seconds(72))
        #expect(story.machine.state.attention != nil && running(story) == nil)
    }

    // MARK: Shares beside stable

    @Test func `numbers that the steps state are the only shares`() {
        let counts = [(10.0, 5, 1), (25, 3, 1), (50, 1, 1), (100, 0, 3)].map { asked, stable, canary in
            StatedCounts(asked: Weight(basisPoints: Int(asked * 100))!, stable: stable, canary: canary)
        }
        let reach = Reach.stated(counts)
        #expect(counts.map(\.share.basisPoints) == [1667, 2500, 5000, 10_000])
        for count in counts {
            #expect(reach.nearest(to: count.asked) == count.share && reach.nearest(to: count.share) == count.share)
        }
        #expect(reach.nearest(to: .zero) == .zero)
        #expect(reach.nearest(to: Weight(basisPoints: 3000)!) == nil)
    }

    /// In these Argo Rollouts gives the canary nothing, and the step passes.
    @Test(
        "a share that gives the canary traffic never gives it none",
        arguments: [(2, 75), (5, 90), (10, 95), (25, 98), (50, 99)])
    func neverNone(count: Int, percent: Int) {
        #expect(Reach.beside(count).units(for: Weight(basisPoints: percent * 100)!) >= 1)
    }

    @Test func `the canary's number of units is the nearest one, and never none`() {
        for (count, percent, units) in [
            (3, 10, 1), (3, 50, 3), (10, 25, 3), (10, 1, 1), (1, 50, 1), (5, 20, 1), (4, 33, 2),
        ] {
            let share = Weight(basisPoints: percent * 100)!
            #expect(Reach.beside(count).units(for: share) == units, "\(count) \(percent)")
        }
        for count in 1...60 {
            for percent in 1...99 {
                let (reach, share) = (Reach.beside(count), Weight(basisPoints: percent * 100)!)
                let units = reach.units(for: share)
                func distance(_ units: Int) -> Int { abs(reach.share(ofUnits: units).basisPoints - share.basisPoints) }
                #expect(units >= 1 && distance(units) <= distance(units + 1))
                #expect(units == 1 || distance(units) <= distance(units - 1))
                #expect(reach.nearest(to: reach.nearest(to: share)!) == reach.nearest(to: share))
            }
        }
        #expect(Reach.beside(7).units(for: .full) == 7 && Reach.beside(7).units(for: .zero) == 0)
    }

    // MARK: A canary that is kept

    private static func returning(_ input: (inout Story) -> Void) -> Story {
        var story = Story(
            Fixture.plan {
                var workload = ManagedWorkload(comesHome: true)
                workload.keepCanary = .seconds(600)
                $0.target.workload = .managed(workload)
            })
        story.takeOver(at: zero)
        story.confirm(at: seconds(1))
        for second in [2.0, 3] { story.answer(.ended(error: nil), at: seconds(second)) }
        story.confirm(at: seconds(4))
        input(&story)
        story.confirm(at: seconds(6))
        return story
    }

    @Test func `a canary is kept after a way back, and whoever cancels the job has seen enough`() {
        var story = Self.returning { $0.tell(.abort, at: seconds(5)) }
        #expect(story.deed(at: seconds(6)) == .drain(Fixture.sides.second, after: .seconds(600)))
        story.tell(.cancelled("SIGTERM"), at: seconds(7))
        #expect(running(story) == .retire)
    }

    @Test func `a cancelled job keeps nothing`() {
        let story = Self.returning { $0.tell(.cancelled("SIGTERM"), at: seconds(5)) }
        #expect(story.deed(at: seconds(6)) == .drain(Fixture.sides.second))
    }
}

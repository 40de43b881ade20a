import Testing

@testable import BelayCore

@Suite("Dry runs and judges in the machine")
struct DryRunTests {
    private static let judge = Fixture.metric {
        $0.name = "score"
        $0.judge = Judge(series: [])
    }

    @Test func `a dry run is measured and recorded, and whatever it says is no verdict`() {
        let dry = Fixture.metric {
            $0.name = "dry"
            $0.isDryRun = true
        }
        var story = Story.holding(Fixture.plan(metrics: [Fixture.metric(), dry]))
        for second in stride(from: 1.0, through: 31, by: 10) {
            story.measure(.successful, metric: 0, at: seconds(second))
            story.measure(.failed, metric: 1, at: seconds(second))
        }
        #expect(story.machine.state.metrics[1].tally.failed == 4)
        #expect(story.machine.state.step == 1)
        #expect(!story.machine.state.isReturning)
    }

    @Test func `nobody waits for a dry run that never answers`() {
        let dry = Fixture.metric { $0.isDryRun = true }
        var story = Story.holding(Fixture.plan(metrics: [Fixture.metric { $0.name = "gate" }, dry]))
        for second in stride(from: 1.0, through: 31, by: 10) {
            story.measure(.successful, metric: 0, at: seconds(second))
        }
        #expect(story.machine.state.step == 1)
    }

    @Test func `a judge is measured only while both versions have traffic`() {
        var story = Story.holding(Fixture.plan(metrics: [Fixture.metric(), Self.judge]))
        #expect(story.machine.activeMetrics == [0, 1])
        for second in stride(from: 1.0, through: 31, by: 10) {
            for metric in [0, 1] { story.measure(.successful, metric: metric, at: seconds(second)) }
        }
        story.confirm(at: seconds(32))
        #expect(story.machine.state.step == 1)
        #expect(story.machine.activeMetrics == [0])
        #expect(story.machine.gates == [0])
    }

    @Test func `a judge that was not asked at 100 percent is not taken for silent when it is asked again`() {
        let steps = [
            PlanStep(weight: .full, hold: Hold(.seconds(30))),
            PlanStep(weight: Fixture.quarter, hold: Hold(.seconds(30))),
        ]
        var story = Story.holding(Fixture.plan(steps: steps, metrics: [Fixture.metric(), Self.judge]))
        for second in stride(from: 1.0, through: 31, by: 10) { story.measure(.successful, at: seconds(second)) }
        story.confirm(at: seconds(32))
        #expect(story.machine.gates == [0, 1])
        story.measure(.successful, at: seconds(600))
        #expect(story.machine.state.metrics[1].lastFinishedAt == nil)
    }
}

import Testing

@testable import BelayCore

@Suite("An operator's word")
struct CommandTests {
    @Test func `a command is obeyed once`() {
        var story = Story.holding()
        let pause = Command(id: "one", verb: .pause, actor: Fixture.alice, reason: "", aimedAt: nil)
        story.tell(.command(pause), at: seconds(2))
        let position = story.machine.position
        story.tell(.command(pause), at: seconds(3))
        #expect(story.machine.position == position)
    }

    @Test func `two promotes aimed at one wait end one wait`() {
        var story = Story.holding()
        let seen = story.machine.position
        story.tell(.promote(full: false), aimedAt: seen, at: seconds(2))
        story.confirm(at: seconds(3))
        #expect(story.phase == .step(1, .holding))
        story.tell(.promote(full: false), aimedAt: seen, at: seconds(4))
        #expect(story.refusal != nil)
        #expect(story.phase == .step(1, .holding))
    }

    @Test func `promote never goes past a failed measurement`() {
        var story = Story.holding(Fixture.plan(metrics: [Fixture.metric { $0.limits.failure = 3 }]))
        story.measure(.failed, at: seconds(2))
        story.tell(.promote(full: false), at: seconds(3))
        #expect(story.refusal?.contains("errors") == true)
        story.tell(.skip(metric: "errors"), at: seconds(4))
        story.tell(.promote(full: false), at: seconds(5))
        #expect(story.phase == .step(1, .routing))
    }

    @Test func `promote --full goes to 100 % and keeps the last hold`() {
        var story = Story.holding()
        story.tell(.promote(full: true), at: seconds(2))
        #expect(story.phase == .step(1, .routing))
        story.confirm(at: seconds(3))
        story.tell(.tick, at: seconds(4))
        #expect(story.phase == .step(1, .holding))
    }

    @Test func `a pause keeps watching and lifts on resume`() {
        var story = Story.holding()
        story.tell(.pause, at: seconds(2))
        for second in stride(from: 3.0, through: 63, by: 10) { story.measure(.successful, at: seconds(second)) }
        #expect(story.phase == .step(0, .holding))
        story.tell(.resume, at: seconds(64))
        #expect(story.phase == .step(1, .routing))
    }

    @Test func `an approval counts different people of those asked`() {
        var approval = Approval()
        approval.from = ["alice", "bob", "group:ops"]
        approval.count = 2
        var story = approving(approval)
        story.tell(.approve, by: "mallory", at: seconds(32))
        #expect(story.refusal?.contains("may not decide") == true)
        story.tell(.approve, by: "alice", at: seconds(33))
        story.tell(.approve, by: "alice", at: seconds(34))
        #expect(story.refusal?.contains("already") == true)
        story.tell(.approve, by: "bob", at: seconds(35))
        #expect(story.phase == .step(1, .routing))
    }

    @Test func `a denied approval and one that nobody answers end in the way back`() {
        var story = approving(Approval())
        story.tell(.deny, at: seconds(33))
        #expect(story.cause?.kind == .person)
        story = approving(Approval())
        story.tell(.tick, at: seconds(31 + 3600))
        #expect(story.cause?.kind == .deadline || story.cause?.kind == .blind)
    }

    @Test func `an approval that nobody answers proceeds only where the router and the gates allow it`() {
        var approval = Approval()
        (approval.timeout, approval.onTimeout) = (.seconds(60), .proceed)
        var story = approving(approval)
        story.tell(.pause, at: seconds(33))
        story.tell(.tick, at: seconds(95))
        #expect(story.phase == .step(0, .approving(until: seconds(91))))
        story = approving(approval)
        story.tell(.tookOver(epoch: 2, holder: "p"), at: seconds(95))
        #expect(story.phase == .step(0, .approving(until: seconds(91))))
        story.answer(.claimed(.ours(Story.reading(.zero, at: seconds(96)))), at: seconds(96))
        #expect(story.cause?.kind == .outsideChange)
        story = approving(approval)
        story.tell(.tick, at: seconds(91))
        #expect(story.phase == .step(1, .routing))
    }

    @Test func `promote --full skips no approval that its actor may not give`() {
        var approval = Approval()
        approval.from = ["alice"]
        let steps = [
            PlanStep(weight: Fixture.quarter, hold: Hold(.seconds(30))), PlanStep(weight: .full, approval: approval),
        ]
        var story = Story.holding(Fixture.plan(steps: steps))
        story.tell(.promote(full: true), by: "bob", at: seconds(2))
        #expect(story.refusal?.contains("step 2") == true)
        story.tell(.promote(full: true), by: "alice", at: seconds(3))
        #expect(story.phase == .step(1, .routing))
    }

    @Test func `promote does not stand in for an approval`() {
        var story = approving(Approval())
        story.tell(.promote(full: false), at: seconds(33))
        #expect(story.refusal?.contains("approve") == true)
    }

    @Test func `nothing is obeyed once the rollout is over, and only abort on the way back`() {
        var story = Story.holding()
        story.tell(.abort, at: seconds(2))
        story.tell(.promote(full: true), at: seconds(3))
        #expect(story.refusal != nil)
        story.tell(.abort, at: seconds(3))
        #expect(story.refusal == nil)
        story.confirm(at: seconds(4))
        story.close(at: seconds(5))
        story.tell(.abort, at: seconds(6))
        #expect(story.refusal == "the rollout is over")
    }

    private func approving(_ approval: Approval) -> Story {
        let steps = [
            PlanStep(weight: Fixture.quarter, hold: Hold(.seconds(30)), approval: approval), PlanStep(weight: .full),
        ]
        var story = Story.holding(Fixture.plan(steps: steps))
        for second in stride(from: 1.0, through: 31, by: 10) { story.measure(.successful, at: seconds(second)) }
        return story
    }
}

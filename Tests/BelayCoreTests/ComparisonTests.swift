import Testing

@testable import BelayCore

/// What the machine makes of comparisons: numbers in, verdicts and passed steps out.
@Suite("Comparisons in the machine")
struct ComparisonTests {
    static func metric(_ name: String = "errors", _ change: (inout Comparison) -> Void = { _ in }) -> Metric {
        var comparison = Comparison()
        change(&comparison)
        return Fixture.metric {
            $0.name = name
            $0.comparison = comparison
            $0.prometheus?.question = .counters(CounterQuery(canary: "a", stable: "b"))
        }
    }

    /// 25 % for 20 to 60 s, 100 % for 30 s.
    static func plan(_ metrics: [Metric] = [metric()]) -> Plan {
        let hold = Hold(min: .seconds(20), max: .seconds(60))
        return Fixture.plan(
            steps: [PlanStep(weight: Fixture.quarter, hold: hold), PlanStep(weight: .full, hold: Hold(.seconds(30)))],
            metrics: metrics)
    }

    static func evidence(
        harm: Double = 1, promotion: Double = 1, requests: Double = 1000, step: Int = 0, test: Evidence.Test = .ratio,
        isWhole: Bool = true, at now: Timestamp
    ) -> Evidence {
        let from = now.advanced(by: .seconds(-10))
        let window = CountWindow(
            from: from, to: now, since: from, canaryRequests: 100, stableRequests: 900,
            bad: [.init(canary: 1, stable: 9)])
        return Evidence(
            test: test, window: window, step: step, isWhole: isWhole, harm: harm,
            harmLimit: test == .ratio ? 100 : 1000, promotion: promotion, requests: requests, reference: 900)
    }

    private static func see(_ evidence: Evidence?, metric: Int = 0, at second: Double, _ story: inout Story) {
        let now = seconds(second)
        story.tell(
            .measured(
                Measurement(
                    metric: metric, phase: .successful, value: "1/100", startedAt: now, finishedAt: now,
                    evidence: evidence)), at: now)
    }

    /// Every ten seconds from `first` to `last`.
    private static func watch(
        _ first: Double, _ last: Double, harm: Double = 1, promotion: Double = 1, requests: Double = 1000,
        _ story: inout Story
    ) {
        for second in stride(from: first, through: last, by: 10) {
            see(evidence(harm: harm, promotion: promotion, requests: requests, at: seconds(second)), at: second, &story)
        }
    }

    @Test func `evidence ends a step from its min on`() {
        var story = Story.holding(Self.plan())
        Self.watch(1, 11, promotion: 30, &story)
        #expect(story.phase == .step(0, .holding))
        Self.watch(21, 21, promotion: 30, &story)
        #expect(story.phase == .step(1, .routing))
    }

    @Test func `without evidence a calm step passes at its max, and no sooner`() {
        var story = Story.holding(Self.plan())
        Self.watch(1, 51, harm: 2.9, promotion: 19, &story)
        #expect(story.phase == .step(0, .holding))
        Self.watch(61, 61, harm: 2.9, promotion: 19, &story)
        #expect(story.phase == .step(1, .routing))
    }

    @Test func `harm at the limit takes the traffic back and says what was seen`() {
        var story = Story.holding(Self.plan())
        Self.watch(1, 1, harm: 99.9, &story)
        #expect(story.phase == .step(0, .holding))
        Self.watch(11, 11, harm: 100, &story)
        #expect(story.cause?.kind == .gate)
        #expect(story.cause?.message == "errors: worse than stable: 1/100")
    }

    @Test func `a suspicious step never passes by itself, and calls a person after its limit`() {
        var story = Story.holding(Self.plan([Self.metric { $0.suspicionLimit = .seconds(90) }]))
        Self.watch(1, 81, harm: 3, promotion: 1000, &story)
        #expect(story.phase == .step(0, .holding))
        #expect(story.machine.state.pause == nil)
        Self.watch(91, 91, harm: 3, promotion: 1000, &story)
        #expect(
            story.machine.state.pause?.message == "errors is suspicious: 1/100")
        // Whoever resumes has looked; it is asked again after as long.
        story.tell(.resume, at: seconds(92))
        Self.watch(101, 171, harm: 3, promotion: 1000, &story)
        #expect(story.machine.state.pause == nil)
        Self.watch(181, 181, harm: 3, promotion: 1000, &story)
        #expect(story.machine.state.pause != nil)
        story.tell(.tick, at: seconds(181 + 3601))
        #expect(story.cause?.kind == .deadline)
    }

    @Test func `an operator may promote what is suspicious, not what has failed`() {
        var story = Story.holding(Self.plan())
        Self.watch(1, 11, harm: 50, &story)
        story.tell(.promote(full: false), at: seconds(12))
        #expect(story.phase == .step(1, .routing))
        var failed = Story.holding(Self.plan())
        Self.watch(1, 1, harm: 500, &failed)
        failed.tell(.promote(full: false), at: seconds(2))
        #expect(failed.refusal != nil)
    }

    @Test func `too few requests hold a calm step, however much it has shown`() {
        var story = Story.holding(Self.plan())
        Self.watch(1, 101, promotion: 1000, requests: 99, &story)
        #expect(story.phase == .step(0, .holding))
        Self.watch(111, 111, promotion: 1, requests: 100, &story)
        #expect(story.phase == .step(1, .routing))
    }

    @Test func `a window that spans a change of the share passes nothing`() {
        var story = Story.holding(Self.plan())
        for second in stride(from: 1.0, through: 91, by: 10) {
            Self.see(Self.evidence(promotion: 1000, isWhole: false, at: seconds(second)), at: second, &story)
        }
        #expect(story.phase == .step(0, .holding))
    }

    @Test func `the last step's evidence says nothing about this one`() {
        var story = Story.holding(Self.plan())
        Self.watch(1, 21, promotion: 30, &story)
        story.confirm(at: seconds(22))
        for second in stride(from: 22.0, through: 102, by: 10) { Self.see(nil, at: second, &story) }
        #expect(story.phase == .step(1, .holding))
        Self.see(Self.evidence(step: 1, test: .absolute, at: seconds(112)), at: 112, &story)
        #expect(story.phase == .closing(.forward(0)))
    }

    @Test func `several comparisons share one alpha: each alone needs its part more`() {
        let metrics = [Self.metric("errors"), Self.metric("slow")]
        var story = Story.holding(Self.plan(metrics))
        Self.see(Self.evidence(harm: 150, at: seconds(1)), at: 1, &story)
        #expect(story.cause == nil)
        Self.see(Self.evidence(harm: 49, at: seconds(2)), metric: 1, at: 2, &story)
        #expect(story.cause == nil)
        Self.see(Self.evidence(harm: 50, at: seconds(11)), metric: 1, at: 11, &story)
        #expect(story.cause?.message.hasPrefix("errors: ") == true)
    }

    @Test func `a catastrophe in the warm-up is not shared with others`() {
        var story = Story.holding(Self.plan([Self.metric("errors"), Self.metric("slow")]))
        Self.see(Self.evidence(harm: 999, test: .warmUp, at: seconds(1)), at: 1, &story)
        #expect(story.cause == nil)
        Self.see(Self.evidence(harm: 1000, test: .warmUp, at: seconds(11)), at: 11, &story)
        #expect(story.cause?.message.contains("a catastrophe in the warm-up") == true)
    }

    @Test func `a skipped comparison neither condemns nor holds`() {
        var story = Story.holding(Self.plan([Self.metric("errors"), Self.metric("slow")]))
        story.tell(.skip(metric: "errors"), at: seconds(1))
        Self.see(Self.evidence(harm: 5000, at: seconds(1)), at: 1, &story)
        for second in stride(from: 2.0, through: 32, by: 10) {
            Self.see(Self.evidence(promotion: 30, at: seconds(second)), metric: 1, at: second, &story)
        }
        #expect(story.phase == .step(1, .routing))
    }

    @Test func `without samples it is blind, as any gate`() {
        var story = Story.holding(Self.plan())
        for second in stride(from: 1.0, through: 301, by: 10) { story.measure(.noData, at: seconds(second)) }
        #expect(story.cause?.kind == .blind)
    }

    @Test func `a step without canary traffic has nothing to compare`() {
        var story = Story(
            Fixture.plan(
                steps: [PlanStep(weight: .zero, hold: Hold(.seconds(5))), PlanStep(weight: Fixture.quarter)],
                metrics: [Self.metric()]))
        story.takeOver(at: zero)
        story.confirm(at: seconds(1))
        #expect(story.phase == .step(0, .holding))
        #expect(story.machine.work(at: seconds(1)).measurements.isEmpty)
    }

    @Test func `where stable shows no requests no step passes by itself`() {
        var story = Story.holding(Self.plan())
        for second in stride(from: 1.0, through: 91, by: 10) {
            var evidence = Self.evidence(promotion: 1000, at: seconds(second))
            evidence.reference = 0
            Self.see(evidence, at: second, &story)
        }
        #expect(story.phase == .step(0, .holding))
    }

    @Test func `a long step without canary traffic makes the next one not blind`() {
        let steps = [
            PlanStep(weight: Fixture.quarter), PlanStep(weight: .zero, hold: Hold(.seconds(400))),
            PlanStep(weight: Fixture.quarter, hold: Hold(.seconds(30))),
        ]
        var story = Story.holding(Fixture.plan(steps: steps, metrics: [Self.metric()]))
        Self.watch(1, 1, &story)
        #expect(story.phase == .step(1, .routing))
        story.confirm(at: seconds(2))
        for second in stride(from: 2.0, through: 402, by: 5) { story.tell(.tick, at: seconds(second)) }
        #expect(story.phase == .step(2, .routing))
        story.tell(.tick, at: seconds(403))
        #expect(story.cause == nil)
        #expect(story.machine.state.metrics[0].comparesFrom == seconds(402))
    }

    @Test func `suspicion after everybody approved calls a person`() {
        let steps = [
            PlanStep(weight: Fixture.quarter, hold: Hold(.seconds(10)), approval: Approval()), PlanStep(weight: .full),
        ]
        var story = Story.holding(Fixture.plan(steps: steps, metrics: [Self.metric()]))
        Self.watch(1, 11, &story)
        #expect(story.phase == .step(0, .approving(until: seconds(11 + 3600))))
        Self.watch(21, 21, harm: 40, &story)
        #expect(story.machine.state.pause == nil)
        story.tell(.approve, at: seconds(22))
        #expect(story.machine.state.pause?.message.contains("suspicious") == true)
    }
}

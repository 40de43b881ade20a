import Testing

@testable import BelayCore

/// Every phase against every input, late and illegal ones among them: no input breaks the machine, what a phase does not
/// want changes nothing, and the fold of the events is the state.
@Suite("Every phase, every input")
struct TableTests {
    struct Situation: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let story: Story
    }

    static let situations: [Situation] = {
        var fresh = Story()
        fresh.tell(.tookOver(epoch: 1, holder: "p"), at: zero)
        var pinning = Story()
        pinning.takeOver(at: zero)
        var settling = Story(Fixture.plan(), settleUntil: seconds(50))
        settling.takeOver(at: zero)
        settling.confirm(at: seconds(1))
        var routing = Story()
        routing.takeOver(at: zero)
        routing.confirm(at: seconds(1))
        let holding = Story.holding()
        var paused = Story.holding()
        paused.tell(.pause, at: seconds(2))
        var approval = Approval()
        approval.from = ["alice"]
        let steps = [PlanStep(weight: Fixture.quarter, approval: approval), PlanStep(weight: .full)]
        var approving = Story.holding(Fixture.plan(steps: steps))
        approving.measure(.successful, at: seconds(2))
        approving.measure(.successful, at: seconds(3))
        var returning = Story.holding()
        returning.tell(.abort, at: seconds(2))
        var releasing = returning
        releasing.confirm(at: seconds(3))
        var finished = releasing
        finished.close(at: seconds(4))
        var adopting = Story.holding(Fixture.plan(steps: [PlanStep(weight: .full)]))
        adopting.measure(.successful, at: seconds(2))
        adopting.measure(.successful, at: seconds(3))
        return [
            .init(testDescription: "claiming", story: fresh), .init(testDescription: "pinning", story: pinning),
            .init(testDescription: "settling", story: settling), .init(testDescription: "routing", story: routing),
            .init(testDescription: "holding", story: holding), .init(testDescription: "paused", story: paused),
            .init(testDescription: "approving", story: approving),
            .init(testDescription: "returning", story: returning),
            .init(testDescription: "releasing", story: releasing), .init(testDescription: "adopting", story: adopting),
            .init(testDescription: "finished", story: finished),
        ]
    }()

    static let inputs: [Input] = {
        let now = seconds(10)
        let verbs: [Command.Verb] = [
            .pause, .resume, .promote(full: false), .promote(full: true), .approve, .deny, .skip(metric: "errors"),
            .skip(metric: "none"), .abort,
        ]
        let commands = verbs.enumerated().map { index, verb in
            Input.command(Command(id: "t\(index)", verb: verb, actor: Fixture.alice, reason: "", aimedAt: nil))
        }
        let shares = [Weight.zero, Fixture.quarter, .full, Weight(basisPoints: 1234)!]
        let readings = (shares.map { Story.reading($0, at: now) } + [Story.reading(nil, at: now)])
        let writes = shares.flatMap { share in
            [TrafficWrite.Kind.forward, .wayBack].flatMap { kind in
                readings.map { Input.wrote(TrafficWrite(share: share, kind: kind), $0, .done) }
            }
        }
        let measurements = MeasurementPhase.allCases.flatMap { phase in
            [
                Measurement(metric: 0, phase: phase, value: "1", startedAt: now, finishedAt: now),
                Measurement(metric: 0, phase: phase, value: "1", startedAt: zero, finishedAt: zero),
            ]
        }
        let answers: [ActionAnswer] = [
            .ended(error: nil), .ended(error: "no"), .claimed(.failed("no")), .claimed(.taken(by: "x")),
            .claimed(.ours(readings[0])), .claimed(.ours(readings[3])),
        ]
        let runs = [
            ActionRun(.claim, .opening, index: 0, attempt: 1), ActionRun(.drain, .back, index: 0, attempt: 1),
            ActionRun(.release, .forward, index: 0, attempt: 1),
        ]
        let ends = runs.flatMap { run in answers.map { Input.acted(run, $0) } }
        let others: [Input] = [
            .tick, .tookOver(epoch: 2, holder: "q"), .tookOver(epoch: 1, holder: "q"),
            .clockJumped(milliseconds: -60_000), .cancelled("SIGTERM"), .journalLost("full"),
        ]
        return others + ends + commands + readings.map { .read($0) } + writes + measurements.map { .measured($0) }
    }()

    @Test("events fold into the state, no canary share beyond the step is asked for", arguments: situations)
    func everyInput(situation: Situation) throws {
        for first in Self.inputs {
            for second in [Input.tick] + Self.inputs.prefix(30) {
                var story = situation.story
                story.tell(first, at: seconds(10))
                story.tell(second, at: seconds(11))
                check(story.machine, after: "\(first), \(second)", from: situation.story.machine)
            }
        }
    }

    private func check(_ machine: RolloutMachine, after what: String, from before: RolloutMachine) {
        if let write = machine.trafficWork {
            let limit = machine.state.step.map { machine.plan.share(ofStep: $0) } ?? .zero
            #expect(write.share <= limit, "\(what)")
            if machine.state.isReturning { #expect(write == TrafficWrite(share: .zero, kind: .wayBack), "\(what)") }
        }
        if before.state.isFinished { #expect(machine == before, "\(what)") }
        if before.state.isReturning { #expect(machine.state.isReturning || machine.state.isFinished, "\(what)") }
        if machine.state.isFinished { #expect(machine.work(at: seconds(20)) == Work(), "\(what)") }
    }

    @Test("recovery is the fold", arguments: situations)
    func recovery(situation: Situation) throws {
        var machine = RolloutMachine(situation.story.machine.started, at: zero)
        // The story's own events at its own times are not kept; folding them at one time gives the same phase.
        for event in situation.story.events { machine.apply(event, at: seconds(4)) }
        #expect(
            String(describing: machine.state.phase).prefix(6) == String(describing: situation.story.phase).prefix(6))
        #expect(machine.position == situation.story.machine.position)
    }

    @Test func `an event that cannot be read never blocks the way back`() {
        var story = Story.holding()
        var machine = story.machine
        machine.apply(.unreadable(name: "from.the-future"), at: seconds(2))
        guard case .events(let events) = machine.decide(.cancelled("SIGTERM"), at: seconds(3)) else {
            Issue.record("refused")
            return
        }
        #expect(events.contains { if case .wayBackBegan = $0 { true } else { false } })
        story.tell(.tick, at: seconds(2))
    }
}

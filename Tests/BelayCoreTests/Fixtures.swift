@testable import BelayCore

let zero = Timestamp(milliseconds: 1_700_000_000_000)

func seconds(_ seconds: Double) -> Timestamp { zero.advanced(by: .milliseconds(Int64(seconds * 1000))) }

enum Fixture {
    static let sides = Sides(
        first: Side(name: "blue", backend: "app_blue"), second: Side(name: "green", backend: "app_green"))
    static let quarter = Weight(basisPoints: 2500)!
    static let alice = Actor(name: "alice")

    static func metric(_ change: (inout Metric) -> Void = { _ in }) -> Metric {
        var metric = Metric(name: "errors", query: PrometheusQuery(address: "http://p", query: "q"))
        metric.interval = .seconds(10)
        change(&metric)
        return metric
    }

    static func plan(
        steps: [PlanStep]? = nil, metrics: [Metric] = [metric()], _ change: (inout Plan) -> Void = { _ in }
    ) -> Plan {
        let target = Target(
            traffic: .haproxy(HAProxyTraffic(sockets: ["/s"], mapFile: "/m", key: "k", sides: sides)),
            identity: "haproxy:h:/m:k")
        let usual = [
            PlanStep(weight: quarter, hold: Hold(.seconds(30))), PlanStep(weight: .full, hold: Hold(.seconds(30))),
        ]
        var plan = Plan(
            name: "app", revision: "2", target: target, roles: Roles(canaryIsSecond: true), steps: steps ?? usual,
            metrics: metrics)
        change(&plan)
        return plan
    }
}

/// A machine with a hand that feeds it: decides, applies, and keeps what happened.
struct Story {
    var machine: RolloutMachine
    private(set) var events: [Event] = []
    private(set) var refusal: String?
    private var commands = 0

    init(_ plan: Plan = Fixture.plan(), settleUntil: Timestamp? = nil, deadline: Timestamp? = nil) {
        machine = RolloutMachine(
            .init(plan: plan, original: "0", settleUntil: settleUntil, deadline: deadline, actor: Fixture.alice),
            at: zero)
    }

    mutating func tell(_ input: Input, at now: Timestamp) {
        refusal = nil
        switch machine.decide(input, at: now) {
        case .refused(let reason): refusal = reason
        case .events(let new):
            for event in new { machine.apply(event, at: max(now, machine.state.lastEventAt)) }
            events += new
        }
    }

    mutating func tell(_ verb: Command.Verb, by name: String = "alice", aimedAt: Int? = nil, at now: Timestamp) {
        commands += 1
        tell(
            .command(Command(id: "c\(commands)", verb: verb, actor: Actor(name: name), reason: "", aimedAt: aimedAt)),
            at: now)
    }

    static func reading(_ share: Weight?, file: Weight? = nil, process: Int64 = 1, at now: Timestamp) -> Reading {
        Reading(
            instances: [
                .init(running: share, startsWith: file ?? share, incarnation: share == nil ? nil : "\(process)")
            ],
            startedAt: now)
    }

    mutating func takeOver(epoch: Int = 1, found: Weight = .zero, process: Int64 = 1, at now: Timestamp) {
        tell(.tookOver(epoch: epoch, holder: "pid \(epoch)"), at: now)
        answer(.claimed(.ours(Self.reading(found, process: process, at: now))), at: now)
    }

    /// What came of the action that is under way; of none, where none is.
    mutating func answer(_ answer: ActionAnswer, at now: Timestamp) {
        let none = ActionRun(.claim, .opening, index: 9, attempt: 9)
        tell(.acted(machine.state.running?.run ?? none, answer), at: now)
    }

    /// Everything that is left to do is done.
    mutating func close(at now: Timestamp) {
        while machine.state.isClosing, machine.state.running != nil { answer(.ended(error: nil), at: now) }
    }

    /// The router confirms whatever is wanted.
    mutating func confirm(process: Int64 = 1, at now: Timestamp) {
        guard let write = machine.trafficWork else { return }
        tell(.wrote(write, Self.reading(write.share, process: process, at: now), .done), at: now)
    }

    mutating func measure(_ phase: MeasurementPhase, metric: Int = 0, at now: Timestamp) {
        tell(
            .measured(Measurement(metric: metric, phase: phase, value: "0.5", startedAt: now, finishedAt: now)), at: now
        )
    }

    /// Marked, pinned, and 25 % confirmed, one second after the beginning.
    static func holding(_ plan: Plan = Fixture.plan()) -> Story {
        var story = Story(plan)
        story.takeOver(at: zero)
        story.confirm(at: seconds(0.5))
        story.confirm(at: seconds(1))
        return story
    }

    /// What is to be done now beside the traffic.
    func deed(at now: Timestamp) -> Work.Deed? { machine.work(at: now).action?.deed }

    var phase: MachineState.Phase { machine.state.phase }
    var cause: Cause? {
        switch phase {
        case .closing(.returning(let cause)), .closing(.back(let cause, _)), .finished(.rolledBack(let cause)): cause
        default: nil
        }
    }
}

extension Driver {
    /// One whose takeover the machine knows already.
    init(driving machine: RolloutMachine, leaseUntil: Timestamp, at now: Timestamp) {
        self.init(machine: machine, epoch: machine.state.epoch, holder: "p", leaseUntil: leaseUntil, at: now)
    }
}

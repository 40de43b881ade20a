import BelayCore
import BelayPlatform
import BelayTestSupport
import Testing

@testable import BelayEngine

/// The loop with the highest risk, on ports in memory: what is slow, late, lost or hung, and what the loop makes of it.
@Suite("The engine's loop")
struct LoopTests {
    private static func metric(_ change: (inout Metric) -> Void = { _ in }) -> Metric {
        var metric = Metric(name: "errors", query: PrometheusQuery(address: "http://p", query: "q"))
        (metric.interval, metric.successCondition) = (.seconds(2), "result <= 0.01")
        change(&metric)
        return metric
    }

    private static func plan(_ weights: [Int] = [25, 100], hold: Duration = .seconds(10), metrics: [Metric]? = nil)
        -> Plan
    {
        let sides = Sides(
            first: Side(name: "blue", backend: "app_blue"), second: Side(name: "green", backend: "app_green"))
        let target = Target(
            traffic: .haproxy(HAProxyTraffic(sockets: ["/s"], mapFile: "/m", key: "k", sides: sides)), identity: "t")
        return Plan(
            name: "app", revision: "2", target: target, roles: Roles(canaryIsSecond: true),
            steps: weights.map { PlanStep(weight: Weight(basisPoints: $0 * 100)!, hold: Hold(hold)) },
            metrics: metrics ?? [metric()])
    }

    private static let patient = Self.plan(hold: .seconds(600))

    private static func isReturned(_ play: Play) -> Bool { play.router.share == .zero && play.router.file == .zero }

    private static func cause(_ result: Engine.Result) -> Cause.Kind? {
        if case .ended(.finished(.rolledBack(let cause))) = result { cause.kind } else { nil }
    }

    @Test func `a good release ends promoted, its mark gone and its record folded`() async {
        let play = Play(Self.plan())
        #expect(await play.run() == .ended(.finished(.promoted)))
        #expect(play.router.share == .full && play.router.file == .full)
        #expect(play.router.mark == nil)
        #expect(play.told == ["0 %", "25 %", "100 %"])
    }

    @Test(
        "a target that follows in its own time ends as any other, and no hold begins before its share is in force",
        arguments: [Duration.milliseconds(700), .seconds(3), .seconds(9)])
    func follows(after delay: Duration) async {
        let play = Play(Self.plan())
        play.router.world.withLock { $0.followsAfter = delay }
        #expect(await play.run() == .ended(.finished(.promoted)))
        #expect(play.router.share == .full)
        let records = play.journal.records
        let asked = records.first { $0.event == .stepStarted(step: 1, share: .full) }
        let confirmed = records.last { if case .trafficConfirmed(.full, _) = $0.event { true } else { false } }
        #expect(asked!.at.duration(to: confirmed!.at) >= delay)
    }

    @Test func `an abort of what the target has taken ends with stable in force`() async {
        let play = Play(Self.patient)
        play.router.world.withLock { $0.followsAfter = .seconds(3) }
        let result = await play.run([(5, { play in play.say(.abort, "a") })])
        #expect(Self.cause(result) == .person && play.router.share == .zero)
    }

    // MARK: Slow and late

    @Test(
        "an abort waits for nobody: a slow router, metric or disk", arguments: ["router", "metric", "disk"])
    func abortWaitsForNobody(slow: String) async {
        var trouble = MemoryJournal.Trouble()
        if slow == "disk" { trouble.hangsAt = 6 }
        let play = Play(Self.patient, trouble: trouble) { _, now in
            (.scalar(0), slow == "metric" && now.milliseconds > 3000 ? .seconds(90) : .milliseconds(11))
        }
        let result = await play.run([
            (
                4.05,
                { play in
                    if slow == "router" { play.router.beforeFile.close() }
                    play.engine.send(
                        .command(
                            Command(id: "a", verb: .abort, actor: Actor(name: "bob"), reason: "", aimedAt: nil)))
                }
            ),
            (
                7,
                { play in
                    // Three seconds after the abort the traffic is back, whatever still hangs.
                    #expect(Self.isReturned(play), "\(slow)")
                    play.router.beforeFile.open()
                    if slow == "disk" { play.journal.thaw() }
                }
            ),
        ])
        #expect(Self.isReturned(play))
        if slow != "disk" { #expect(Self.cause(result) == .person) }
    }

    @Test func `a superseded raise that goes on is waited for before the mark is given up`() async {
        let play = Play(Self.patient)
        play.router.beforeFile.close()
        let result = await play.run([
            (
                1,
                { play in
                    await play.router.beforeFile.someone()  // The pin is held before the file; nothing is raised yet.
                    play.router.beforeFile.open()
                }
            ),
            (2, { play in play.router.beforeFile.close() }),
            (3, { play in play.say(.promote(full: true), "p") }),
            (
                4,
                { play in
                    #expect(play.router.share == .full)
                    play.say(.abort, "a")
                }
            ),
            (
                30,
                { play in
                    #expect(play.router.share == .zero)
                    #expect(play.router.mark != nil, "the mark was given up beside a write of ours")
                    play.router.beforeFile.open()
                }
            ),
        ])
        #expect(Self.cause(result) == .person)
        #expect(Self.isReturned(play), "the raise came back: \(String(describing: play.router.file))")
        #expect(play.router.mark == nil)
    }

    @Test func `at the end of the process what is on its way is waited for`() async {
        let play = Play(Self.patient)
        let isOpen = Locked(false)
        let result = await play.run([
            (2, { play in play.router.beforeCommit.close() }),
            (3, { play in play.say(.promote(full: true), "p") }),
            (
                4,
                { play in
                    await play.router.beforeCommit.someone()
                    play.engine.leave()
                }
            ),
            (
                9,
                { play in
                    isOpen.withLock { $0 = true }
                    play.router.beforeCommit.open()
                }
            ),
        ])
        #expect(result == .left)
        #expect(isOpen.withLock { $0 }, "it left while a write was under way")
    }

    @Test func `an answer that comes after the way back has begun changes nothing`() async {
        let play = Play(Self.patient) { _, now in
            now.milliseconds < 3000 ? (.scalar(0), .milliseconds(11)) : (.scalar(1), .seconds(20))
        }
        let result = await play.run([(6, { play in play.say(.abort, "a") })])
        #expect(Self.cause(result) == .person)
        let verdicts = play.journal.events.filter { if case .verdict = $0 { true } else { false } }
        #expect(verdicts.isEmpty)
    }

    // MARK: The record

    @Test("a journal that fails at append N, for good: the way back while the lease is good", arguments: 1...14)
    func journalFails(at number: Int) async {
        var trouble = MemoryJournal.Trouble()
        trouble.failing = { $0 >= number ? JournalFailure(.unavailable, "read-only") : nil }
        let play = Play(Self.patient, trouble: trouble)
        let result = await play.run()
        guard case .ended(.needsAttention) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(Self.isReturned(play), "\(play.told)")
        #expect(play.warnings.count == 1)
        let machine = play.journal.machine
        #expect(!machine.state.isFinished)
    }

    @Test("a journal that fails once at append N is written again, and its fold is the truth", arguments: 1...10)
    func journalFailsOnce(at number: Int) async {
        var trouble = MemoryJournal.Trouble()
        trouble.failing = { $0 == number ? JournalFailure(.unavailable, "busy") : nil }
        let play = Play(Self.patient, trouble: trouble)
        let result = await play.run()
        // Nothing had been marked yet, or everything is back and recorded.
        if case .ended(.needsAttention) = result { return #expect(play.told.isEmpty) }
        #expect(Self.cause(result) == .journal)
        #expect(Self.isReturned(play))
        #expect(play.journal.machine.state.isFinished)
    }

    @Test("an append that hangs for ten seconds sends the traffic back without it", arguments: 4...9)
    func appendHangs(at number: Int) async {
        var trouble = MemoryJournal.Trouble()
        trouble.hangsAt = number
        let play = Play(Self.patient, trouble: trouble)
        let result = await play.run([
            (
                25.05,
                { play in
                    #expect(Self.isReturned(play), "a hung disk held the way back up")
                    play.journal.thaw()
                }
            )
        ])
        #expect(Self.isReturned(play))
        #expect(play.warnings.first?.contains("has not answered for 1s") == true)
        switch result {
        case .ended(.finished(.rolledBack(let cause))): #expect(cause.kind == .journal)
        case .ended(.needsAttention): break
        case .ended, .left: Issue.record("\(result) \(play.transcript { "\($0)" })")
        }
        // What was appended later stands on what was found written.
        #expect(play.journal.machine.position == play.journal.records.count)
    }

    @Test func `an append that is late by seconds holds nothing up and costs nothing`() async {
        var trouble = MemoryJournal.Trouble()
        trouble.hangsAt = 6
        let play = Play(Self.patient, trouble: trouble)
        let result = await play.run([
            (5.05, { play in play.journal.thaw() }),
            (
                9.05,
                { play in
                    #expect(play.router.share.text == "25 %")
                    play.say(.abort, "a")
                }
            ),
        ])
        #expect(Self.cause(result) == .person)
        #expect(play.journal.machine.state.isFinished)
        #expect(play.warnings.count == 2)  // It does not answer; it answers again.
        let measured = play.journal.events.filter { if case .measured = $0 { true } else { false } }
        #expect(measured.count >= 4, "measurements were lost: \(measured.count)")
    }

    @Test func `a failed verdict does not wait for a disk that hangs, and is written once it answers`() async {
        var trouble = MemoryJournal.Trouble()
        trouble.hangsAt = 6
        let play = Play(Self.patient, trouble: trouble) { _, now in
            (.scalar(now.milliseconds < 3500 ? 0 : 1), .milliseconds(11))
        }
        play.router.beforeRelease.close()
        let result = await play.run([
            (
                6.55,
                { play in
                    #expect(Self.isReturned(play), "the verdict waited for the disk")
                    play.journal.thaw()
                }
            ),
            (8.05, { play in play.router.beforeRelease.open() }),
        ])
        #expect(Self.cause(result) == .gate)
        #expect(play.journal.machine.state.isFinished)
    }

    @Test("a lease lost at call N of the journal: no raise after it", arguments: 2...12)
    func leaseLost(at number: Int) async {
        var trouble = MemoryJournal.Trouble()
        trouble.lostAt = number
        let play = Play(Self.plan(hold: .seconds(3)), trouble: trouble)
        let result = await play.run()
        guard case .ended(let end) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(end == .superseded("driver 2"))
        // What was told last was the intent of a record that is there.
        let asked = play.journal.machine.state.asked.map(\.text)
        #expect(play.told.allSatisfy { asked.contains($0) || $0.hasPrefix("stable") })
        #expect(play.router.mark != nil, "the mark is the successor's to take away")
    }

    // MARK: Commands

    @Test func `a hundred commands at once are each answered once, and one abort is enough`() async {
        let play = Play(Self.patient)
        let result = await play.run([
            (
                3,
                { play in
                    for number in 0..<50 { play.say(.pause, "p\(number)") }
                    for number in 0..<50 { play.say(.abort, "a\(number)") }
                }
            )
        ])
        #expect(Self.cause(result) == .person)
        #expect(play.journal.answers.count == 100)
        let obeyed = play.journal.events.compactMap { event -> String? in
            if case .obeyed(let command) = event { command.id } else { nil }
        }
        #expect(Set(obeyed).count == obeyed.count)
        #expect(play.journal.answers.filter { $0.key.hasPrefix("a") }.allSatisfy { $0.value == nil })
    }

    @Test func `a command whose answer was not written is answered again and never judged twice`() async {
        var trouble = MemoryJournal.Trouble()
        trouble.losesAnswers = 20
        let play = Play(Self.patient, trouble: trouble)
        let result = await play.run([
            (3, { play in play.say(.resume, "not paused") }),
            (3.9, { play in play.say(.pause, "now it is") }),
            (6, { play in play.say(.abort, "end") }),
        ])
        #expect(Self.cause(result) == .person)
        // Judged anew it would have lifted the pause that came later.
        #expect(play.journal.answers["not paused"] == .some("it is not paused"))
        #expect(play.journal.answers["now it is"] == .some(nil))
    }

    // MARK: The clock

    @Test func `a lease that cannot be renewed sends the traffic back with half its life left`() async {
        var trouble = MemoryJournal.Trouble()
        trouble.hangsAt = 5
        let play = Play(Self.patient, trouble: trouble)
        let result = await play.run()
        guard case .ended(.needsAttention) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(Self.isReturned(play))
        play.journal.thaw()
    }

    @Test func `a jump of the system's clock is an event, and no hold is shorter for it`() async {
        let play = Play(Self.plan(hold: .seconds(20)))
        let result = await play.run([(6, { play in play.clock.jumpWall(by: .seconds(3600)) })])
        #expect(result == .ended(.finished(.promoted)))
        let jumps = play.journal.events.filter { if case .clockJumped = $0 { true } else { false } }
        #expect(jumps.count == 1)
        #expect(play.journal.machine.started.plan.steps.count == 2)
    }
}

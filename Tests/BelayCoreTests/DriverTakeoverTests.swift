import Testing

@testable import BelayCore

extension DriverTests {
    /// The second driver of a rollout whose first one ended while the old version was being retired.
    private func successor() -> Driver {
        var story = ActionTests.adopting(.rerun)
        for second in [70.0, 71, 72] { story.answer(.ended(error: nil), at: seconds(second)) }
        #expect(story.machine.state.running?.run.kind == .retire)
        return Driver(machine: story.machine, epoch: 2, holder: "p", leaseUntil: seconds(110), at: seconds(80))
    }

    private func takeovers(_ events: [Event]) -> Int {
        events.count { if case .tookOver = $0 { true } else { false } }
    }

    @Test func `what an earlier driver had begun is not begun by one whose takeover is not recorded yet`() throws {
        var driver = successor()
        let failed = try #require(append(driver.take(.tick, at: seconds(80))))
        driver.appendFailed(failed, .unavailable("busy"), at: seconds(80))
        #expect(driver.start(at: seconds(80)).started.isEmpty)
        let jump = try #require(append(driver.take(.clockJumped(milliseconds: 5), at: seconds(81))))
        #expect(takeovers(jump.records.map(\.event)) == 1)
        driver.appended(jump)
        let started = driver.start(at: seconds(81)).started.map(\.job)
        #expect(started.count == 1)
        guard case .action(let action)? = started.first, case .claim(2, _, _) = action.deed else {
            Issue.record("the target is not marked first: \(started)")
            return
        }
    }

    @Test func `a takeover that was written after all is told once`() throws {
        let machine = Story.holding().machine
        var driver = Driver(machine: machine, epoch: 2, holder: "p", leaseUntil: seconds(60), at: seconds(2))
        let owed = try #require(append(driver.take(.tick, at: seconds(2))))
        driver.unanswered(owed, at: seconds(3))
        #expect(driver.start(at: seconds(3)).started.isEmpty)
        let lost = try #require(append(driver.take(.journalLost("no answer"), at: seconds(13))))
        #expect(takeovers(lost.records.map(\.event)) == 1)
        driver.keep(lost, at: seconds(13))
        #expect(driver.machine.state.isReturning && driver.machine.state.epoch == 2)
        #expect(!driver.start(at: seconds(13)).started.isEmpty)
        driver.answered(nil, at: seconds(14))
        #expect(takeovers(driver.unwritten.map(\.event)) == 0)
        #expect(driver.machine.state.isReturning && driver.machine.state.epoch == 2)
        #expect(driver.machine.position == machine.position + owed.records.count + driver.unwritten.count)
    }
}

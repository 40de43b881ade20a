internal import BelayAnalysis
package import BelayCore
package import BelayEngine
internal import BelayPlatform

/// Plays a rollout on ports in memory, lets things happen at given moments, and keeps the whole story.
package final class Play: Sendable {
    /// What a metric says at a moment since the beginning, and how long that takes.
    package typealias Answers =
        @Sendable (_ metric: String, _ now: Timestamp) -> (answer: MetricAnswer, after: Duration)

    package let clock: SkippingClock
    package let journal: MemoryJournal
    package let router: MemoryRouter
    package let engine: Engine
    private let story: Locked<[(at: Timestamp, event: Event?, text: String)]>
    private let start: Timestamp

    /// - Parameter answers: What each metric says at a moment since the beginning; successes where nothing is given.
    package convenience init(
        _ plan: Plan, trouble: MemoryJournal.Trouble = .init(), latency: Duration = .milliseconds(7),
        answers: Answers? = nil, programs: @escaping MemoryPrograms.Answers = { _ in (.milliseconds(100), nil) }
    ) {
        let (clock, story) = (SkippingClock(), Locked<[(at: Timestamp, event: Event?, text: String)]>([]))
        clock.hold()  // Held for the test itself: time passes only within `run`.
        let started = Event.Started(plan: plan, original: "0", actor: Actor(name: "founder"))
        let router = MemoryRouter(clock, latency: latency) { text in
            story.withLock { $0.append((clock.now, nil, text)) }
        }
        self.init(
            plan, clock, MemoryJournal(started, clock, trouble: trouble), router, story, start: clock.now, epoch: 1,
            answers, programs)
    }

    /// The next driver of the same rollout.
    package convenience init(
        after earlier: Play, epoch: Int, answers: Answers? = nil,
        programs: @escaping MemoryPrograms.Answers = { _ in (.milliseconds(100), nil) }
    ) {
        let machine = earlier.journal.machine
        self.init(
            machine.plan, earlier.clock, earlier.journal, earlier.router, earlier.story, start: earlier.start,
            epoch: epoch, answers, programs)
    }

    private init(
        _ plan: Plan, _ clock: SkippingClock, _ journal: MemoryJournal, _ router: MemoryRouter,
        _ story: Locked<[(at: Timestamp, event: Event?, text: String)]>, start: Timestamp, epoch: Int,
        _ answers: Answers?, _ programs: @escaping MemoryPrograms.Answers
    ) {
        let provider = MemoryProvider(clock) { metric, now in
            answers?(metric, Timestamp(milliseconds: now.milliseconds - start.milliseconds))
                ?? (.scalar(0), .milliseconds(11))
        }
        let lease = Lease(rollout: "app-1", epoch: epoch, until: clock.now.advanced(by: Lease.life))
        let process = ProcessIdentity(host: "host", bootID: "boot", pid: 100 + epoch, startTime: 1)
        let mark = OwnerMark(
            rollout: "app-1", epoch: epoch, stable: "blue", original: "0", store: "memory", process: process)
        let actions = MemoryPrograms(clock, answers: programs) { text in
            story.withLock { $0.append((clock.now, nil, text)) }
        }
        var setup = Engine.Setup(
            journal: journal, router: router, actions: actions, provider: provider, clock: clock, lease: lease,
            mark: mark)
        setup.report = { event, at, _ in story.withLock { $0.append((at, event, "")) } }
        setup.warn = { text in story.withLock { $0.append((clock.now, nil, "WARNING: \(text)")) } }
        engine = Engine(setup, plan: plan)
        (self.clock, self.journal, self.router, self.story, self.start) = (clock, journal, router, story, start)
    }

    /// Drives to the end.
    /// - Parameter script: What happens, in seconds since the beginning, in this order.
    package func run(_ script: [(seconds: Double, body: @Sendable (Play) async -> Void)] = []) async -> Engine.Result {
        let happening = clock.spawn { [self] in
            for (seconds, body) in script {
                try? await clock.sleep(until: start.advanced(by: .milliseconds(Int64(seconds * 1000))))
                await body(self)
            }
        }
        let result = await engine.drive(
            journal.machine, comparators: Comparators(journal.machine.plan, after: journal.events))
        happening.cancel()
        return result
    }

    /// An operator's word, left in the journal.
    package func say(_ verb: Command.Verb, _ id: String, aimedAt: Int? = nil) {
        journal.send(Command(id: id, verb: verb, actor: Actor(name: "alice"), reason: "", aimedAt: aimedAt))
    }

    /// - Parameter line: An event as a line for people; nil leaves it out.
    package func transcript(_ line: (Event) -> String?) -> String {
        story.withLock { $0 }.compactMap { entry -> String? in
            guard let text = entry.event.map(line) ?? entry.text else { return nil }
            let milliseconds = start.duration(to: entry.at).wholeMilliseconds
            let seconds = "\(milliseconds / 1000).\(String(milliseconds % 1000 + 1000).dropFirst())"
            return String(repeating: " ", count: max(0, 9 - seconds.count)) + seconds + "  " + text
        }.joined(separator: "\n") + "\n"
    }

    /// Every share that the router was told, in order.
    package var told: [String] {
        story.withLock { $0 }.compactMap { entry in
            entry.text.firstRange(of: "the router is told: ").map { String(entry.text[$0.upperBound...]) }
        }
    }

    package var warnings: [String] { story.withLock { $0 }.map(\.text).filter { $0.hasPrefix("WARNING") } }
}

internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform
internal import Foundation

/// Tells what happens while a rollout is driven: lines on stderr for people, JSON Lines on stdout for machines.
struct Reporter: ReleaseObserver {
    let output: OutputFormat
    /// Every measurement is told, not only what changes.
    var isVerbose = false
    private let told = Locked(Told())

    private struct Told {
        var words: [Int: String] = [:]
        var summaryAt: Timestamp?
        var rollout: String?
        /// A group of the job's log is open.
        var isGrouped = false
        /// Where the rollout stands, for a log that has nothing else to say.
        var standing = ""
        var lastLineAt = ContinuousClock.now
    }

    /// The rollout that was driven; nil where none was begun.
    var rollout: String? { told.withLock { $0.rollout } }

    init(output: OutputFormat, isVerbose: Bool = false) { (self.output, self.isVerbose) = (output, isVerbose) }

    func began(_ id: String, _ plan: Plan, store: String) {
        told.withLock { $0.rollout = id }
        say(
            "\(id): \(plan.name) \(plan.revision), \(plan.stable.name) → \(plan.canary.name), \(plan.steps.count) steps, \(plan.metrics.count) metrics"
        )
        say("journal \(store)")
        emit([
            "type": .string("rollout"), "rollout": .string(id), "journal": .string(store),
            "revision": .string(plan.revision),
            "stable": .string(plan.stable.name), "canary": .string(plan.canary.name),
        ])
    }

    func tookOver(_ id: String, _ machine: RolloutMachine) {
        told.withLock { $0.rollout = id }
        say("\(id): taking over at event \(machine.position)")
    }

    func report(_ id: String, _ event: Event, _ at: Timestamp, _ machine: RolloutMachine) {
        group(event, machine.plan)
        told.withLock { $0.standing = "\(id): \(Self.standing(machine))" }
        if isWorthALine(event, machine.plan), let (text, color) = EventText(plan: machine.plan).line(event) {
            say("\(Console.colored(TimeText.clock(at), .dim))  \(color.map { Console.colored(text, $0) } ?? text)")
        }
        if case .finished(.rolledBack) = event, !machine.state.oldProcesses.isEmpty {
            say(
                "not known: what an earlier process of the router (\(EventText.pids(machine.state.oldProcesses))) still serves over "
                    + "its open connections")
        }
        summarize(event, at, machine)
        if output == .json {
            emit([
                "type": .string("event"), "rollout": .string(id), "time": .string(TimeText.iso(at)),
                "event": .string(StoredEvent.name(of: event)), "payload": StoredEvent.payload(of: event),
            ])
        }
    }

    /// Without `--verbose` a measurement gets a line only where it is bad, or says something else than the one before.
    private func isWorthALine(_ event: Event, _ plan: Plan) -> Bool {
        guard !isVerbose, case .measured(let measured) = event else { return true }
        let measurement = measured.measurement
        var isBad = measurement.phase == .failed
        var word = measurement.phase.rawValue
        if let evidence = measurement.evidence {
            isBad = evidence.harm >= evidence.harmLimit
            let metrics = plan.metrics
            let comparison = metrics.indices.contains(measurement.metric) ? metrics[measurement.metric].comparison : nil
            word += comparison.map { evidence.harm >= $0.suspicion } ?? false ? " suspicious" : ""
        }
        return told.withLock { told in
            defer { told.words[measurement.metric] = word }
            return told.words[measurement.metric] != word || isBad
        }
    }

    /// Once a minute: where it stands, and what each gate said last.
    private func summarize(_ event: Event, _ at: Timestamp, _ machine: RolloutMachine) {
        guard !isVerbose, case .measured = event, case .step(let step, .holding) = machine.state.phase else { return }
        let isDue = told.withLock { told in
            let since = told.summaryAt ?? machine.state.phaseSince
            guard since.duration(to: at) >= .seconds(60) else { return false }
            told.summaryAt = at
            return true
        }
        guard isDue else { return }
        let (plan, state) = (machine.plan, machine.state)
        let gates = plan.metrics.indices.map { index in
            "\(plan.metrics[index].name) \(EventText.rounded(state.metrics[index].lastValue))"
        }
        let watched = "watched \(TimeText.span(state.watched)) of \(plan.steps[step].hold.max.text)"
        say(
            "\(Console.colored(TimeText.clock(at), .dim))  \(EventText(plan: plan).name(step)) at \(plan.share(ofStep: step).text): "
                + ([watched] + gates).joined(separator: ", "))
    }

    func warn(_ message: String) { say("\(Console.colored("warning:", .yellow)) \(message)") }

    func left(_ id: String) { say("\(id): left as it is; `belay resume \(id)` goes on") }

    func ended(_ id: String, _ end: Driver.End, head: String?) {
        switch end {
        case .finished: break
        case .superseded(let holder): say("\(id): stopped, somebody else drives: \(holder)")
        case .needsAttention(let message):
            say(Console.colored("\(id) NEEDS ATTENTION: \(message)", .red))
            say("nobody drives it any more; the intent is kept: `belay resume \(id)` goes on with it")
        }
        if let head { say("\(Console.colored("journal head \(head)", .dim))") }
        emit([
            "type": .string("end"), "rollout": .string(id), "exit": .int(Int64(ExitStatus(end).rawValue)),
            "head": head.map { .string($0) } ?? .null,
        ])
    }

    // MARK: The job's log

    /// Each step is a group of its own, closed where the next one begins or the way back does.
    private func group(_ event: Event, _ plan: Plan) {
        guard GitHubActions.isHere else { return }
        let title: String?
        switch event {
        case .stepStarted(let step, let share): title = "\(EventText(plan: plan).name(step)): \(share.text)"
        case .wayBackBegan, .adopted, .finished: title = nil
        default: return
        }
        let wasOpen = told.withLock { told in
            defer { told.isGrouped = title != nil }
            return told.isGrouped
        }
        if wasOpen { Console.command(GitHubActions.endOfGroup) }
        if let title { Console.command(GitHubActions.group(title)) }
    }

    /// Nothing more comes.
    func end() {
        let wasOpen = told.withLock { told in
            defer { told.isGrouped = false }
            return told.isGrouped
        }
        if wasOpen { Console.command(GitHubActions.endOfGroup) }
    }

    private static func standing(_ machine: RolloutMachine) -> String {
        let text = EventText(plan: machine.plan)
        if let pause = machine.state.pause { return "paused: \(pause.message)" }
        if let running = machine.state.running { return "\(machine.plan.words(for: running.run)) is under way" }
        return switch machine.state.phase {
        case .opening: "begins"
        case .step(let step, .approving): "\(text.name(step)) waits for approval"
        case .step(let step, .routing): "\(text.name(step)) waits until its share is confirmed"
        case .step(let step, _): "\(text.name(step)), watched \(TimeText.span(machine.state.watched))"
        case .closing(.returning): "the traffic goes back"
        case .closing: "ends"
        case .finished: "is over"
        }
    }

    /// Systems end a job that says nothing for minutes: a line at least once a minute.
    func keepTelling() async {
        while (try? await Task.sleep(for: .seconds(5))) != nil {
            let (line, isQuiet) = told.withLock { told in
                (told.standing, ContinuousClock.now - told.lastLineAt > .seconds(55))
            }
            if isQuiet, !line.isEmpty { say(line) }
        }
    }

    private func say(_ line: String) {
        told.withLock { $0.lastLineAt = .now }
        Console.say(line)
    }

    private func emit(_ members: KeyValuePairs<String, JSONValue>) {
        guard output == .json else { return }
        Console.print(JSONText.write(.object(members.map { .init($0.key, $0.value) })))
    }
}

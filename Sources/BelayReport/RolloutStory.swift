package import BelayCore

/// A rollout's record in the order in which a reader wants it: how it ended, its steps, and each metric in each step.
package struct RolloutStory: Sendable {
    /// What became of a step.
    package enum StepEnd: String, Hashable, Sendable {
        case passed
        /// The way back began in it.
        case failed
        case notReached = "not reached"
        /// The record ends in it.
        case underWay = "under way"
    }

    /// One metric in one step.
    package struct Reading: Hashable, Sendable {
        /// In the plan.
        package let metric: Int
        package var count = 0
        package var last: Measurement?
        /// Those that failed, in their order; of many the last ten.
        package var failed: [Measurement] = []
        /// What the metric came to in this step, where that was decided.
        package var verdict: Verdict?
        package var verdictWords = ""
    }

    /// One step.
    package struct Step: Hashable, Sendable {
        /// In the plan.
        package let index: Int
        package var end = StepEnd.notReached
        package var beganAt: Timestamp?
        package var confirmedAt: Timestamp?
        package var endedAt: Timestamp?
        package var watched: Duration = .zero
        /// Of the metrics that belong to the step, in the plan's order.
        package var readings: [Reading]
    }

    /// A share in force, and since when.
    package struct Point: Hashable, Sendable {
        package let share: Weight
        package let at: Timestamp
    }

    package let id: String
    package let plan: Plan
    package let started: Event.Started
    package let startedAt: Timestamp
    package private(set) var endedAt: Timestamp
    /// nil while it goes on.
    package private(set) var outcome: Outcome?
    package private(set) var steps: [Step]
    /// The canary's shares as they were confirmed.
    package private(set) var shares: [Point] = []
    /// What operators said, with when.
    package private(set) var commands: [(command: Command, at: Timestamp)] = []
    /// What called for a person.
    package private(set) var attention: String?
    /// Why the traffic went back, and when that was decided.
    package private(set) var wayBack: (cause: Cause, at: Timestamp)?
    /// The last hash of the journal's chain.
    package let head: String?
    package let records: [(event: Event, at: Timestamp)]

    /// - Parameters:
    ///   - records: From the first one on.
    ///   - head: Of the journal's chain, in hexadecimal.
    /// - Returns: nil where the record does not begin with a start that this version can read.
    package init?(id: String, records: [(event: Event, at: Timestamp)], head: String?) {
        guard let first = records.first, case .started(let started) = first.event else { return nil }
        (self.id, plan, self.started, startedAt, self.head) = (id, started.plan, started, first.at, head)
        (self.records, endedAt) = (records, records.last?.at ?? first.at)
        steps = plan.steps.indices.map { [plan] index in
            let own = plan.metrics.indices.filter {
                plan.metrics[$0].scope == .always || plan.metrics[$0].scope == .step(index)
            }
            return Step(index: index, readings: own.map { Reading(metric: $0) })
        }
        var present: Int?
        for (event, at) in records { take(event, at, &present) }
    }

    private mutating func take(_ event: Event, _ at: Timestamp, _ present: inout Int?) {
        switch event {
        case .stepStarted(let index, _):
            guard steps.indices.contains(index) else { return }  // Of a newer version, or damaged.
            present = index
            (steps[index].beganAt, steps[index].end) = (at, .underWay)
        case .trafficConfirmed(let share, _):
            if shares.last?.share != share { shares.append(Point(share: share, at: at)) }
            if let present, wayBack == nil, share == plan.share(ofStep: present), steps[present].confirmedAt == nil {
                steps[present].confirmedAt = at
            }
        case .measured(let measured):
            guard let present, wayBack == nil else { return }
            steps[present].watched = max(steps[present].watched, measured.watched)
            note(measured.measurement, in: present)
        case .watched(let total, _):
            if let present, wayBack == nil { steps[present].watched = max(steps[present].watched, total) }
        case .verdict(let metric, let verdict, let words):
            guard let present, let place = steps[present].readings.firstIndex(where: { $0.metric == metric }) else {
                return
            }
            (steps[present].readings[place].verdict, steps[present].readings[place].verdictWords) = (verdict, words)
        case .stepPassed(let index):
            if steps.indices.contains(index) { (steps[index].end, steps[index].endedAt) = (.passed, at) }
        case .obeyed(let command):
            commands.append((command, at))
            lift(command.verb, present)
        case .attentionNeeded(let words): attention = words
        case .wayBackBegan(let cause):
            wayBack = (cause, at)
            // A step has passed before its approval and before the adoption: what went wrong there belongs to it.
            guard let present, steps[present].end != .notReached else { return }
            (steps[present].end, steps[present].endedAt) = (.failed, at)
        case .finished(let outcome): self.outcome = outcome
        default: return
        }
    }

    /// Who goes on after a pause has decided what was undecided.
    private mutating func lift(_ verb: Command.Verb, _ present: Int?) {
        guard let present else { return }
        switch verb {
        case .resume, .promote, .rerun, .skip:
            for place in steps[present].readings.indices where steps[present].readings[place].verdict == .inconclusive {
                steps[present].readings[place].verdict = nil
            }
        case .pause, .approve, .deny, .abort: return
        }
    }

    private mutating func note(_ measurement: Measurement, in step: Int) {
        guard let place = steps[step].readings.firstIndex(where: { $0.metric == measurement.metric }) else { return }
        steps[step].readings[place].count += 1
        steps[step].readings[place].last = measurement
        guard measurement.phase == .failed else { return }
        if steps[step].readings[place].failed.count == 10 { steps[step].readings[place].failed.removeFirst() }
        steps[step].readings[place].failed.append(measurement)
    }

    // MARK: Words

    /// The metric whose verdict began the way back; nil where none did.
    package var failedMetric: String? {
        guard let cause = wayBack?.cause, [.gate, .blind].contains(cause.kind) else { return nil }
        let bad = steps.flatMap(\.readings).last { $0.verdict.map { $0 != .successful } ?? false }
        // The cause begins with the metric's name, and a name may be the beginning of another one.
        let named = plan.metrics.filter { cause.message.hasPrefix($0.name) }.max { $0.name.count < $1.name.count }
        return named?.name ?? bad.map { plan.metrics[$0.metric].name }
    }

    /// `promoted`, `rolled-back`, `refused`, `under-way`.
    package var outcomeWord: String {
        switch outcome {
        case .promoted: "promoted"
        case .rolledBack: "rolled-back"
        case .refused: "refused"
        case nil: "under-way"
        }
    }

    /// One sentence, the verdict first.
    package var verdict: String {
        switch outcome {
        case .promoted: "Promoted: \(plan.revision) has all traffic of \(plan.name)"
        case .rolledBack(let cause): "Rolled back to \(plan.stable.name): \(cause.message)"
        case .refused(let holder): "Refused: the target belongs to \(holder)"
        case nil: attention.map { "Needs attention: \($0)" } ?? "Under way"
        }
    }

    /// The verdict in a few words.
    package var headline: String {
        guard case .rolledBack(let cause) = outcome else {
            return outcome == nil && attention != nil ? "Needs attention" : verdict
        }
        let why =
            switch cause.kind {
            case .gate: "\(failedMetric ?? "a gate") failed"
            case .blind: "\(failedMetric ?? "a gate") had no data"
            case .deadline: "a limit of time was over"
            case .action: "a program failed"
            case .person: "a person decided"
            case .outsideChange: "another hand changed it"
            case .cancelled: "the job was cancelled"
            case .journal: "the journal could not be kept"
            }
        return "Rolled back to \(plan.stable.name): \(why)"
    }

    /// What the headline leaves out; nil where there is nothing.
    package var explanation: String? { wayBack?.cause.message ?? (outcome == nil ? attention : nil) }

    /// `step 2: 25 %`, with the step's name where it has one.
    package func title(of step: Int) -> String {
        let name = plan.steps[step].name.map { " (\($0))" } ?? ""
        return "step \(step + 1)\(name): \(plan.share(ofStep: step).text)"
    }

    /// What a metric wants: its condition, its limit, or what is compared.
    package func limit(of metric: Int) -> String {
        let own = plan.metrics[metric]
        if let most = own.most { return "at most \(most)" }
        if own.comparison != nil { return "no worse than stable" }
        if own.judge != nil { return "a score that passes" }
        return own.successCondition ?? own.failureCondition.map { "not \($0)" } ?? "recorded only"
    }

    /// The share in force at the end.
    package var lastShare: Weight { shares.last?.share ?? .zero }
}

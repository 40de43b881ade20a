internal import BelayAnalysis
package import BelayCore
internal import Glibc

/// Checks the gates before a release: whether each of them answers, whether it can see what it is about, and what it
/// can notice at the present traffic.
package struct GateCheck {
    private let provider: any MetricProvider

    package init(_ provider: any MetricProvider) { self.provider = provider }

    /// What each gate can notice at the present traffic. A threshold whose query says nothing about stable now is left
    /// out.
    package func outlooks(of bound: BoundRelease) async -> [Outlook] {
        let mirrored = bound.mirrored?.metrics ?? []
        let now = WallClock.systemTime
        var outlooks: [Outlook] = []
        for (index, metric) in bound.plan.metrics.enumerated() {
            if metric.comparison != nil {
                outlooks.append(await Outlook.look(at: metric, provider, at: now))
            } else if mirrored.indices.contains(index) {
                let other = mirrored[index]
                if let outlook = await Outlook.look(
                    atThreshold: metric, mirrored: other, bound.plan, provider, at: now)
                {
                    outlooks.append(outlook)
                }
            }
        }
        return outlooks
    }

    /// What `run` warns of before it starts: the gate that can notice least, and the first step that takes longer than
    /// its hold.
    package func warnings(_ bound: BoundRelease) async -> [String] {
        let plan = bound.plan
        let worst = await outlooks(of: bound).filter { !$0.metric.isDryRun }.flatMap { $0.verdicts(plan) }
            .filter { $0.badness > 0 }.max { ($0.badness, -$0.step) < ($1.badness, -$1.step) }
        let long = plan.steps.indices.compactMap { step in
            plan.leastTime(ofStep: step).map { "step \(step + 1) takes at least \($0.0.text): \($0.why)" }
        }
        return (worst.map { ["\($0.gate) \($0.text)"] } ?? []) + long.prefix(1)
    }

    /// What `plan` says of the gates: each one's answer, or why `run` will refuse it; and what is worth knowing.
    package func looks(at plan: Plan) async -> (answers: [String], notes: [String]) {
        let looks = await firstLooks(at: plan)
        return (
            looks.flatMap(\.lines), looks.flatMap(\.notes) + provider.remarks.map { "the server remarks: \($0)" }
        )
    }

    /// Asks every metric once, so that a query that the server refuses is found before anything moves. Commands are not
    /// run; a web answer that belongs to one step is asked for only in that step.
    /// - Returns: The answers, and notes on what is worth knowing and no mistake; one line each.
    /// - Throws: ``ReleaseRefusal`` `.invalid` or `.unreachable`, with one line for each gate.
    package func tryMetrics(of plan: Plan) async throws(ReleaseRefusal) -> (answers: [String], notes: [String]) {
        let looks = await firstLooks(at: plan)
        let invalid = looks.flatMap(\.mistakes)
        let unreachable = looks.flatMap(\.silences)
        guard invalid.isEmpty, unreachable.isEmpty else {
            throw ReleaseRefusal(
                invalid.isEmpty ? .unreachable : .invalid, lines: invalid + unreachable + ["nothing was touched"])
        }
        return (looks.flatMap(\.lines), looks.flatMap(\.notes) + provider.remarks)
    }

    /// The first answer of one metric, before anything moves.
    private struct FirstLook {
        let metric: Metric
        let answer: MetricAnswer
        var sight = MetricSight()
        var remarks: [String] = []

        private func named(_ messages: [String]) -> [String] { messages.map { "metric \(metric.name): \($0)" } }

        /// `errors: [0.002]`, or what is wrong.
        var lines: [String] {
            let problems = mistakes + silences
            return problems.isEmpty
                ? ["\(metric.name): \(answer.text)"] : problems.map { "`run` will refuse this: \($0)" }
        }

        var mistakes: [String] { named((answer.complaint.map { [$0] } ?? []) + sight.problems) }
        var silences: [String] { named(answer.silence.map { [$0] } ?? []) }
        var notes: [String] { named(sight.notes + remarks) }
    }

    private func firstLooks(at plan: Plan) async -> [FirstLook] {
        let now = WallClock.systemTime
        var looks: [FirstLook] = []
        for metric in plan.metrics {
            if metric.comparison != nil {
                let outlook = await Outlook.look(at: metric, provider, at: now)
                looks.append(FirstLook(metric: metric, answer: outlook.answer, remarks: outlook.notes))
            } else if let judge = metric.judge {
                let answer = await provider.series(metric, back: judge.step, at: now).asAnswer
                looks.append(FirstLook(metric: metric, answer: answer))
            } else if case .command(let query) = metric.source, let missing = query.missingProgram {
                looks.append(FirstLook(metric: metric, answer: .error(missing)))
            } else if metric.query != nil || metric.scope == .always, !metric.isCommand, !metric.asksTarget {
                let answer = await provider.measure(metric, at: now).answer
                looks.append(
                    FirstLook(
                        metric: metric, answer: answer, sight: await MetricSight.look(at: metric, provider, at: now)))
            }
        }
        return looks
    }
}

extension MetricAnswer {
    fileprivate var complaint: String? { if case .error(let message) = self { message } else { nil } }
    fileprivate var silence: String? { if case .noData(let message) = self { message } else { nil } }
}

extension SeriesAnswer {
    /// The same answer without its values: what counts is whether there is one.
    fileprivate var asAnswer: MetricAnswer {
        switch self {
        case .pairs: .list([])
        case .noData(let message): .noData(message)
        case .error(let message): .error(message)
        }
    }
}

extension CommandQuery {
    /// Why the command's program cannot be run; nil where it can, or where it is to be found in `PATH`. A command is
    /// not run before a release, but a missing program is found.
    fileprivate var missingProgram: String? {
        guard let program = arguments.first, program.contains("/") else { return nil }
        let path = program.hasPrefix("/") ? program : (directory.map { $0 + "/" } ?? "") + program
        guard access(path, X_OK) != 0 else { return nil }
        let number = errno
        return "\(path): \(String(cString: strerror(number)))"
    }
}

extension Metric {
    /// Whether only the target of a release under way can answer it.
    var asksTarget: Bool { if case .target = source { true } else { false } }

    fileprivate var isCommand: Bool {
        if case .command = source { true } else { false }
    }
}

internal import BelayCore
internal import BelayReport

/// An event as a line for people.
struct EventText {
    let plan: Plan

    /// nil where the event says nothing that an operator needs in the log.
    func line(_ event: Event) -> (text: String, color: Console.Color?)? {
        switch event {
        case .started(let started): return ("started by \(started.actor.name)\(Self.because(started.reason))", nil)
        case .tookOver(let epoch, let holder):
            return epoch > 1 ? ("taken over by \(holder), epoch \(epoch)", .yellow) : nil
        case .actionBegan(let run): return began(run)
        case .actionEnded(let run, let end): return ended(run, end)
        case .claimed, .watched: return nil
        case .claimFailed(let message): return ("the mark at the target: \(message); trying again", .yellow)
        case .stepStarted(let step, let share):
            let hasHook = plan.steps.indices.contains(step) && plan.steps[step].run != nil
            return (
                "\(name(step)): \(hasHook ? "its hook, then " : "")asking for \(share.text) on \(plan.canary.name)",
                .bold
            )
        case .trafficConfirmed(let share, _):
            return share == .zero
                ? ("router confirms: all traffic on \(plan.stable.name)", .green)
                : ("router confirms: \(share.text) on \(plan.canary.name)", .green)
        case .trafficAccepted(let share): return ("\(share.text) accepted; in force once a reading says so", .dim)
        case .trafficFailed(let share, let message): return ("\(share.text) not confirmed: \(message)", .yellow)
        case .routerLost(let message): return ("router out of reach: \(message)", .yellow)
        case .routerFound: return ("router reached again", nil)
        case .routerReloaded(_, let found):
            return ("router was reloaded; it shows \(found.map(\.text).joined(separator: ", "))", .yellow)
        case .oldProcesses(let found):
            return found.isEmpty
                ? ("no earlier process of the router is left", .dim)
                : (
                    "an earlier process of the router (\(Self.pids(found))) still serves its open connections by what it knows",
                    .yellow
                )
        case .returnUndone(let message):
            return ("the router shows something else again: \(message)", .red)
        case .measured(let measured): return measurement(measured)
        case .verdict: return nil  // What follows from it says it.
        case .settlingBegan:
            return ("waiting until no window reaches back to \(plan.canary.name)'s earlier traffic", .dim)
        case .approvalAsked(let step, _):
            let from = plan.steps.indices.contains(step) ? plan.steps[step].approval?.from ?? [] : []
            return (
                "\(name(step)): waits for approval\(from.isEmpty ? "" : " by " + from.joined(separator: ", ")): `belay approve`",
                .yellow
            )
        case .stepPassed(let step): return ("\(name(step)): passed", .green)
        case .paused(let message, _): return ("paused: \(message)", .yellow)
        case .obeyed(let command):
            return ("\(command.verb.word) by \(command.actor.words)\(Self.because(command.reason))", .cyan)
        case .approvalTimedOut(let step): return ("\(name(step)): nobody approved in time", .yellow)
        case .wayBackBegan(let cause): return ("TAKING THE TRAFFIC BACK: \(cause.message)", .red)
        case .attentionNeeded(let message): return ("NEEDS ATTENTION: \(message)", .red)
        case .clockJumped(let milliseconds):
            return ("the clock jumped by \(Duration.milliseconds(milliseconds).text)", .yellow)
        case .adopted where plan.comesHome:
            return ("good: \(plan.stable.name) is brought to \(plan.revision) now", .green)
        case .adopted: return ("\(plan.canary.name) is the stable side now", .green)
        case .finished(let outcome): return finish(outcome)
        case .unreadable(let name): return ("\(name): written by a newer version", .dim)
        }
    }

    /// The line for an action that begins; nil for an action that needs no program and ends at once.
    private func began(_ run: ActionRun) -> (text: String, color: Console.Color?)? {
        switch run.kind {
        case .handOver where plan.comesHome: ("\(plan.words(for: run)) begins", nil)
        case .claim, .handOver, .release: nil
        case .drain: (plan.words(for: run), .dim)
        case .deploy, .awaitReady, .hook, .adopt, .retire:
            ("\(plan.words(for: run)) begins\(run.attempt > 1 ? ", try \(run.attempt)" : "")", nil)
        }
    }

    private func ended(_ run: ActionRun, _ end: ActionEnd) -> (text: String, color: Console.Color?)? {
        let isProgram = plan.takesLong(run)
        switch end {
        case .done: return isProgram ? ("\(plan.words(for: run)): done", .green) : nil
        case .failed(let message) where isProgram: return ("\(plan.words(for: run)) failed: \(message)", .red)
        case .failed(let message): return ("the mark at the target: \(message); trying again", .yellow)
        case .interrupted:
            return isProgram
                ? (
                    "\(plan.words(for: run)) was under way when its driver ended: nobody knows whether it was done",
                    .yellow
                )
                : nil
        case .assumed: return ("\(plan.words(for: run)) is counted as done", .cyan)
        }
    }

    private func finish(_ outcome: Outcome) -> (text: String, color: Console.Color?) {
        switch outcome {
        case .promoted:
            (
                "PROMOTED: \(plan.revision) has all traffic (\(plan.comesHome ? plan.stable.name : plan.canary.name))",
                .green
            )
        case .rolledBack(let cause): ("ROLLED BACK to \(plan.stable.name) (\(cause.kind.rawValue))", .red)
        case .refused(let holder): ("REFUSED: the target belongs to \(holder); nothing was touched", .red)
        }
    }

    private func measurement(_ measured: Event.Measured) -> (text: String, color: Console.Color?)? {
        let measurement = measured.measurement
        guard plan.metrics.indices.contains(measurement.metric) else { return ("metric \(measurement.metric)", .dim) }
        let metric = plan.metrics[measurement.metric]
        if let comparison = metric.comparison {
            return self.comparison(measurement, metric.name, suspicion: comparison.suspicion)
        }
        let limit = metric.successCondition ?? metric.failureCondition.map { "not \($0)" } ?? ""
        let because = measurement.message.isEmpty ? "" : " (\(measurement.message))"
        let mark =
            switch measurement.phase {
            case .successful: "✔"
            case .failed: "✖"
            case .inconclusive: "?"
            case .error, .noData: "·"
            }
        let color: Console.Color = measurement.phase == .failed ? .red : .dim
        let text =
            measurement.phase == .successful || measurement.phase == .failed ? "" : " \(measurement.phase.rawValue)"
        return (
            "  \(mark) \(metric.name) = \(Self.rounded(measurement.value))\(text)  wants \(limit)\(because)",
            color
        )
    }

    private func comparison(
        _ measurement: Measurement, _ name: String, suspicion: Double
    ) -> (text: String, color: Console.Color?)? {
        guard measurement.phase == .successful else {
            return ("  · \(name) \(measurement.phase.rawValue)  \(measurement.message)", .dim)
        }
        guard let evidence = measurement.evidence else { return nil }  // No new sample: nothing to tell.
        let note = measurement.message.isEmpty ? "" : "  \(measurement.message)"
        let line = "\(name) \(EvidenceText.line(evidence))\(note)"
        if evidence.harm >= evidence.harmLimit { return ("  ✖ \(line)", .red) }
        let isSuspicious = evidence.harm >= suspicion
        return ("  \(isSuspicious ? "!" : "✔") \(line)", isSuspicious ? .yellow : .dim)
    }

    func name(_ step: Int) -> String {
        guard plan.steps.indices.contains(step) else { return "step \(step + 1)" }
        let label = plan.steps[step].name.map { " \($0)" } ?? ""
        return "step \(step + 1)/\(plan.steps.count)\(label)"
    }

    /// Four significant digits are enough for a line.
    static func rounded(_ value: String) -> String {
        guard value.contains("."), let number = Double(value.filter { $0 != "[" && $0 != "]" }) else { return value }
        var scale = 1.0
        while abs(number) * scale < 1000, scale < 1e9 { scale *= 10 }
        return "\((number * scale).rounded() / scale)"
    }

    static func pids(_ found: [Int]) -> String { found.map { "pid \($0)" }.joined(separator: ", ") }

    private static func because(_ reason: String) -> String { reason.isEmpty ? "" : ": \(reason)" }
}

extension Actor {
    /// The claimed name, and who the system says it is.
    var words: String { user.map { "\(name) (system user \($0))" } ?? name }
}

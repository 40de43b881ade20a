internal import BelayAnalysis
internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// What `plan` prints.
struct PlanText {
    let bound: BoundRelease
    let notes: [String]
    let outlooks: [Outlook]

    private var plan: Plan { bound.plan }

    var lines: [String] {
        var lines = [
            "\(plan.name) \(plan.revision): \(plan.stable.name) (\(plan.stable.backend)) → \(plan.canary.name) (\(plan.canary.backend))"
        ]
        lines += notes.map { "  \($0)" } + bound.survey.notes.map { "  found \($0)" }
        lines += bound.survey.remarks.map { "  note: \($0)" }
        lines.append("")
        lines.append("  0. pin: \(write(.zero)) \(bound.kit.writeWords)")
        let workload = plan.target.workload.command
        if plan.target.workload.managed != nil {
            lines.append(
                "     deploy \(plan.revision) as \(plan.canary.backend), wait until it is ready, \(plan.progressDeadline.text) at most"
            )
        }
        lines += program("deploy", workload?.deploy) + program("wait until ready", workload?.awaitReady)
        for (index, step) in plan.steps.enumerated() { lines += describe(index, step) }
        let number = plan.steps.count + 1
        if plan.comesHome {
            lines.append(
                "  \(number). adopt: \(plan.stable.backend) is brought to \(plan.revision); once all of it is ready, "
                    + "\(write(.zero)) again; \(plan.canary.backend) is drained and goes, and so does the mark \(bound.kit.ownership.place)"
            )
        } else {
            lines.append(
                "  \(number). adopt: \(plan.canary.name) is stable for the next release; the mark \(bound.kit.ownership.place) goes"
            )
        }
        lines += program("adopt", workload?.adopt)
        lines += program("once \(plan.stable.name) has drained, retire it", workload?.retire)
        lines.append("")
        lines.append(
            "way back, from anywhere: \(bound.kit.wayBackWords(to: plan.roles.mirrored(.zero))); written in about \(roundTrip)"
        )
        lines += program("then retire \(plan.canary.name)", workload?.retireCanary)
        if let kept = plan.target.workload.managed?.keepCanary, kept > .zero {
            lines.append("  then \(plan.canary.backend) stays for \(kept.text) without traffic, and the run with it")
        }
        let (cuts, fences) = (bound.survey.cutsConnections, bound.survey.fencesWriters)
        lines.append(
            cuts.isThere
                ? "  what is left on \(plan.canary.name) after \(Drain.bound.text) is cut (\(cuts.why))"
                : "  long connections are not cut: \(cuts.why); new requests follow at once")
        if !fences.isThere { lines.append("  \(fences.why)") }
        if !bound.survey.writes.isEmpty { lines += ["", "writes:"] + bound.survey.writes.map { "  \($0)" } }
        lines +=
            ["", "gates:"] + (plan.metrics.isEmpty ? ["  none, as the file says"] : plan.metrics.flatMap(describe))
        lines.append(
            "limits: \(plan.progressDeadline.text) for a write to be confirmed, \(plan.waitLimit.text) for a person to decide"
        )
        return lines
    }

    private func program(_ when: String, _ command: CommandAction?) -> [String] {
        guard let command else { return [] }
        let crash =
            switch command.onCrash {
            case .rerun: "runs again after a crash"
            case .fail: "has failed after a crash"
            case .ask: "a person is asked after a crash"
            }
        return ["     \(when): `\(command.words)`, \(command.timeout.text) at most; \(crash)"]
    }

    /// Prints it, with lines before and after.
    /// - Parameter refusals: Why a run would not begin now.
    func print(_ output: OutputFormat, refusals: [String] = [], after: [String] = []) {
        let lines = refusals + lines + after
        guard output == .json else {
            for line in lines { Console.print(line) }
            return
        }
        Console.print(JSONText.write(json(refusals: refusals, lines)))
    }

    private func json(refusals: [String], _ lines: [String]) -> JSONValue {
        let steps = plan.steps.map { step in
            JSONValue.object([
                .init("canaryPercent", .double(Double(step.weight.basisPoints) / 100)),
                .init("askedPercent", .double(Double((step.asked ?? step.weight).basisPoints) / 100)),
                .init("value", .int(Int64(value(step.weight)))),
                .init("holdSeconds", .double(step.hold.max.inSeconds)),
            ])
        }
        return .object([
            .init("name", .string(plan.name)), .init("revision", .string(plan.revision)),
            .init("stable", .string(plan.stable.name)), .init("canary", .string(plan.canary.name)),
            .init("steps", .array(steps)), .init("gates", .array(plan.metrics.map { .string($0.name) })),
            .init("writes", .strings(bound.survey.writes)),
            .init("refusals", .array(refusals.map { .string($0) })), .init("text", .array(lines.map { .string($0) })),
        ])
    }

    private var roundTrip: String {
        let milliseconds = Double(bound.survey.roundTrip.wholeMilliseconds)
        return milliseconds < 1 ? "a few ms" : "\(Int(milliseconds * 5)) ms"
    }

    private func value(_ share: Weight) -> Int { bound.kit.value(for: plan.roles.mirrored(share)) }
    private func write(_ share: Weight) -> String {
        bound.kit.words(for: share, plan.roles, reach: bound.survey.reach)
    }

    private func describe(_ index: Int, _ step: PlanStep) -> [String] {
        let name = step.name.map { " (\($0))" } ?? ""
        let asked = step.asked.map { " (nearest to \($0.text))" } ?? ""
        var text = "  \(index + 1).\(name) \(step.weight.text)\(asked) on \(plan.canary.name): \(write(step.weight))"
        if step.hold.max > .zero {
            text +=
                step.hold.min == step.hold.max
                ? ", hold \(step.hold.max.text)" : ", hold \(step.hold.min.text) to \(step.hold.max.text)"
        }
        var lines = program("first", step.run) + [text]
        if let (least, why) = plan.leastTime(ofStep: index) {
            lines.append("     takes at least \(least.text): \(why)")
        }
        for metric in plan.metrics where metric.scope == .step(index) { lines.append("     concludes \(metric.name)") }
        if let approval = step.approval {
            let from = approval.from.isEmpty ? "anybody" : approval.from.joined(separator: ", ")
            lines.append(
                "     then waits for \(approval.count) approval(s) by \(from), \(approval.timeout.text), else \(approval.onTimeout.rawValue)"
            )
        }
        return lines
    }

    private func describe(_ metric: Metric) -> [String] {
        let blind = "blind after \(metric.blindFor.text): \(metric.onBlind.rawValue)"
        let title = "  \(metric.name): \(metric.isDryRun ? "dry run, no gate: " : "")"
        if let comparison = metric.comparison {
            let delta = comparison.delta.map { " or under \(Comparator.short($0 * 100)) %" } ?? ""
            let head = "\(title)canary against stable every \(metric.interval.text), \(blind)"
            let rule =
                "    taken back when shown to be over \(Comparator.short(comparison.harmRatio)) times stable's rate; "
                + "on early when shown to be under \(Comparator.short(comparison.promotionRatio)) times\(delta)"
            let outlook = outlooks.first { $0.metric == metric }
            return [head, rule] + (outlook?.lines(plan) ?? [])
        }
        if let judge = metric.judge { return describe(metric, judge, title, blind) }
        let condition = [
            metric.successCondition.map { "wants \($0)" }, metric.failureCondition.map { "fails on \($0)" },
        ].compactMap(\.self)
        let window = metric.window > .zero ? ", window \(metric.window.text)" : ""
        let limits = "failureLimit \(metric.limits.failure), \(blind)"
        let rhythm = "every \(metric.interval.text)\(window)"
        let outlook = outlooks.first { $0.metric == metric }
        return ["\(title)\(condition.joined(separator: ", ")); \(rhythm), \(limits)"] + (outlook?.lines(plan) ?? [])
    }

    private func describe(_ metric: Metric, _ judge: Judge, _ title: String, _ blind: String) -> [String] {
        return [
            "\(title)Mann-Whitney on \(judge.series.map(\.name).joined(separator: ", ")) every "
                + "\(metric.interval.text), \(blind)",
            "    score of \(Comparator.short(judge.pass)) or more is good, \(Comparator.short(judge.marginal)) or less is bad; "
                + "\(judge.minPoints) points every \(judge.step.text) at least, so not before "
                + "\((judge.step * (judge.minPoints - 1) + metric.window).text) into a step",
            "    only while both versions have traffic: not at 100 %",
        ]
    }
}

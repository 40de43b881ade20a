internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

/// A rollout as one screen: the step, the weight as a bar, each metric with its last values against its limit, the time left.
struct StatusView {
    let id: String
    let machine: RolloutMachine
    /// The last values of each metric, oldest first.
    let recent: [[String]]
    let holder: LeaseHolder?
    let now: Timestamp
    var isColored = true

    private var plan: Plan { machine.plan }
    private var state: MachineState { machine.state }

    func lines(columns: Int) -> [String] {
        var lines = [paint("\(id)", .bold) + "  \(plan.name) \(plan.revision)"]
        lines.append("  " + headline)
        lines.append("  " + bar(width: min(50, max(10, columns - 34))))
        lines += stepLines
        if !plan.metrics.isEmpty {
            lines.append("")
            lines += plan.metrics.indices.map(metricLine)
        }
        lines.append("")
        lines += hints.map { "  " + $0 }
        return lines
    }

    /// The same for a terminal of that size: no line wraps, and where there is no room the least important lines are
    /// left out.
    func screen(columns: Int, rows: Int) -> [String] {
        let all = lines(columns: columns)
        let room = max(1, rows - 1)
        if all.count <= room, all.allSatisfy({ Self.width($0) <= columns }) { return all }
        let gates = plan.metrics.indices.map(metricLine)
        let short = [headline, bar(width: max(4, min(50, columns - 34)))] + urgentHints + gates + hints + ["\(id)"]
        return short.prefix(room).map { Self.clip($0, to: columns) }
    }

    private var urgentHints: [String] { state.attention.map { [paint("NEEDS ATTENTION: \($0)", .red)] } ?? [] }

    /// How many columns a line takes on the screen; the codes for colours take none.
    static func width(_ line: String) -> Int {
        var (count, isInEscape) = (0, false)
        for character in line {
            if character == "\u{1B}" { isInEscape = true }
            if !isInEscape { count += 1 }
            if isInEscape, character == "m" { isInEscape = false }
        }
        return count
    }

    /// The beginning of a line, at most that many columns, with its colours ended.
    static func clip(_ line: String, to columns: Int) -> String {
        guard width(line) > columns else { return line }
        var (text, count, isInEscape) = ("", 0, false)
        for character in line {
            if character == "\u{1B}" { isInEscape = true }
            if !isInEscape {
                if count == columns - 1 { break }
                count += 1
            }
            text.append(character)
            if isInEscape, character == "m" { isInEscape = false }
        }
        return text + "…" + (text.contains("\u{1B}") ? "\u{1B}[0m" : "")
    }

    private var headline: String {
        switch state.phase {
        case .opening(.acting(0)): "marking the target"
        case .opening(.pinning): "asserting stable 100 % on \(plan.stable.name)"
        case .opening(.acting): "\(actionText)\(pauseText)"
        case .opening(.settling(let until)): "settling for \(TimeText.left(now.duration(to: until)))"
        case .step(let step, .acting): "\(name(step)): \(actionText)\(pauseText)"
        case .step(let step, .routing):
            "\(name(step)): asking the router for \(plan.share(ofStep: step).text)\(pauseText)"
        case .step(let step, .holding): "\(name(step)): \(holdText(step))\(pauseText)"
        case .step(let step, .approving(let until)):
            paint("\(name(step)): \(approvalText(step)), \(TimeText.left(now.duration(to: until))) left", .yellow)
        case .closing(.forward): "promoting\(state.running.map { ": \(runningText($0))" } ?? "")"
        case .closing(.returning(let cause)): paint("taking the traffic back: \(cause.message)", .red)
        case .closing(.back(let cause, _)):
            paint(
                "traffic is back on \(plan.stable.name): \(cause.message)\(state.running.map { "; \(runningText($0))" } ?? "")",
                .red)
        case .finished(.promoted):
            paint("PROMOTED, \(plan.comesHome ? plan.stable.name : plan.canary.name) has all traffic", .green)
        case .finished(.rolledBack(let cause)): paint("ROLLED BACK to \(plan.stable.name): \(cause.message)", .red)
        case .finished(.refused(let holder)): paint("REFUSED: the target belongs to \(holder)", .red)
        }
    }

    /// The action that is under way, or that waits for something.
    private var actionText: String {
        state.running.map(runningText) ?? "waiting to go on"
    }

    private func runningText(_ running: MachineState.Running) -> String {
        let limit = plan.limit(of: running.run).map { ", \($0.text) at most" } ?? ""
        return "\(plan.words(for: running.run)), for \(TimeText.span(running.since.duration(to: now)))\(limit)"
    }

    private var pauseText: String {
        guard let pause = state.pause else { return "" }
        return paint("  PAUSED \(pause.message), \(TimeText.left(now.duration(to: pause.until))) left", .yellow)
    }

    private func approvalText(_ step: Int) -> String {
        guard let approval = plan.steps[step].approval else { return "waits for approval" }
        let who = approval.from.isEmpty ? "anybody" : approval.from.joined(separator: ", ")
        let given = approval.count > 1 ? " (\(state.approvers.count) of \(approval.count))" : ""
        return "waits for approval by \(who)\(given): `belay approve \(id)`"
    }

    private func holdText(_ step: Int) -> String {
        let hold = plan.steps[step].hold
        let left = hold.max - state.watched
        if left > .zero {
            return "watched \(TimeText.span(state.watched)) of \(hold.max.text), \(TimeText.left(left)) left"
        }
        let waiting = machine.gates.compactMap { index in
            machine.waiting(for: index, at: now).map { "\(plan.metrics[index].name): \($0)" }
        }
        return waiting.isEmpty
            ? "watched \(hold.max.text)" : "watched \(hold.max.text), waiting for \(waiting.joined(separator: "; "))"
    }

    /// Why the watched time stands still, where it does; samples that come too seldom, as a rule.
    private var standstill: String? {
        guard case .step(let step, .holding) = state.phase, state.pause == nil, state.lostSince == nil,
            let slowest = machine.gates.map({ plan.metrics[$0].interval }).max(),
            machine.unwatched(at: now) > slowest * 2 + .seconds(5)
        else { return nil }
        let late = machine.gates.min { one, other in
            (state.metrics[one].coveredTo?.milliseconds ?? 0) < (state.metrics[other].coveredTo?.milliseconds ?? 0)
        }
        guard let late else { return nil }
        let why = state.metrics[late].lastMessage
        let limit = machine.unwatchedLimit.map { ", \(plan.metrics[late].onBlind.rawValue) at \($0.text)" } ?? ""
        return "watched \(TimeText.span(state.watched)) of \(plan.steps[step].hold.max.text), "
            + "\(TimeText.span(machine.unwatched(at: now))) not\(limit): \(plan.metrics[late].name) "
            + (why.isEmpty ? "answers too seldom, its window is \(plan.metrics[late].window.text)" : why)
    }

    private func bar(width: Int) -> String {
        let share = state.confirmed ?? .zero
        let filled = (share.basisPoints * width + 5000) / 10_000
        let canary = String(repeating: "█", count: filled)
        let stable = String(repeating: "░", count: width - filled)
        let confirmed = state.confirmed == nil ? " (not confirmed)" : ""
        return
            "\(paint(canary, .cyan))\(stable)  \(plan.canary.name) \(share.text), \(plan.stable.name) \(share.complement.text)\(confirmed)"
    }

    private var stepLines: [String] {
        let marks = plan.steps.indices.map { index in
            let text = plan.share(ofStep: index).text
            if index == state.step { return paint("[\(text)]", .bold) }
            return index < (state.step ?? 0) || state.phase == .finished(.promoted)
                ? paint("✔ \(text)", .green) : paint(text, .dim)
        }
        return marks.count <= 12 ? ["  " + marks.joined(separator: "  ")] : []
    }

    private func metricLine(_ index: Int) -> String {
        let (metric, progress) = (plan.metrics[index], state.metrics[index])
        var mark: String
        switch progress.lastPhase {
        case .successful: mark = paint("✔", .green)
        case .failed: mark = paint("✖", .red)
        case .inconclusive: mark = paint("?", .yellow)
        case .error, .noData: mark = paint("·", .yellow)
        case nil: mark = " "
        }
        if progress.hasEnded { mark = paint("✖", .red) }
        let values = index < recent.count ? recent[index].suffix(6).map(EventText.rounded).joined(separator: " ") : ""
        let limit = metric.successCondition ?? metric.failureCondition.map { "not \($0)" } ?? ""
        let skipped = progress.isSkipped ? paint("  skipped", .yellow) : ""
        return "  \(mark) \(metric.name)  \(values.isEmpty ? "not measured yet" : values)  wants \(limit)\(skipped)"
            + (progress.hasEnded ? paint("  \(progress.verdictMessage)", .red) : "")
    }

    private var hints: [String] {
        var hints: [String] = []
        if let attention = state.attention { hints.append(paint("NEEDS ATTENTION: \(attention)", .red)) }
        if let standstill { hints.append(paint(standstill, .yellow)) }
        if state.lostSince != nil {
            hints.append(paint("the router is out of reach; watched time stands still", .yellow))
        }
        if state.isFinished { return hints }
        guard let holder, holder.isLive(at: now) else {
            return hints + [paint("nobody drives it: `belay resume \(id)` or `belay abort \(id)`", .red)]
        }
        return hints + [paint("driven by \(holder.process.text), epoch \(holder.epoch)", .dim)]
    }

    private func name(_ step: Int) -> String { EventText(plan: plan).name(step) }

    private func paint(_ text: String, _ color: Console.Color) -> String {
        isColored ? Console.colored(text, color, onError: false) : text
    }

    /// One line without a terminal.
    var line: String {
        "\(id)  \(StatusView(id: id, machine: machine, recent: recent, holder: holder, now: now, isColored: false).plainHeadline)"
    }

    private var plainHeadline: String { "\(headline)  \(plan.canary.name) \(state.confirmed?.text ?? "not confirmed")" }

    var json: JSONValue {
        func member(_ key: String, _ value: JSONValue) -> JSONValue.Member { .init(key, value) }
        let metrics = plan.metrics.indices.map { index in
            JSONValue.object([
                member("name", .string(plan.metrics[index].name)),
                member("last", state.metrics[index].shownPhase.map { .string($0) } ?? .null),
                member("value", .string(state.metrics[index].lastValue)),
                member("message", .string(state.metrics[index].shownMessage)),
                member("failed", .int(Int64(state.metrics[index].shownFailures))),
                member("waitsFor", machine.waiting(for: index, at: now).map { .string($0) } ?? .null),
                member("skipped", .bool(state.metrics[index].isSkipped)),
            ])
        }
        return .object([
            member("rollout", .string(id)), member("name", .string(plan.name)),
            member("revision", .string(plan.revision)),
            member("phase", .string(phaseName)), member("step", state.step.map { .int(Int64($0 + 1)) } ?? .null),
            member("steps", .int(Int64(plan.steps.count))),
            member("canaryPercent", state.confirmed.map { .double(Double($0.basisPoints) / 100) } ?? .null),
            member("stable", .string(plan.stable.name)), member("canary", .string(plan.canary.name)),
            member("watchedSeconds", .double(state.watched.inSeconds)),
            member("action", state.running.map { .string($0.run.kind.rawValue) } ?? .null),
            member("paused", state.pause.map { .string($0.message) } ?? .null),
            member("attention", state.attention.map { .string($0) } ?? .null),
            member("driven", .bool(holder?.isLive(at: now) ?? false)), member("metrics", .array(metrics)),
            member("events", .int(Int64(machine.position))),
        ])
    }

    private var phaseName: String {
        switch state.phase {
        case .opening(.acting(0)): "claiming"
        case .opening(.acting): "deploying"
        case .opening(.pinning): "pinning"
        case .opening(.settling): "settling"
        case .step(_, .acting): "acting"
        case .step(_, .routing): "routing"
        case .step(_, .holding): "holding"
        case .step(_, .approving): "approving"
        case .closing(.forward): "adopting"
        case .closing(.returning): "returning"
        case .closing(.back): "releasing"
        case .finished(.promoted): "promoted"
        case .finished(.rolledBack): "rolled-back"
        case .finished(.refused): "refused"
        }
    }
}

extension MetricProgress {
    /// Whether this metric took the traffic back. A comparison's last measurement is stored as successful, because only
    /// its evidence counts; people are shown the verdict that came of it.
    fileprivate var hasEnded: Bool { verdict == .failed || verdict == .error }

    fileprivate var shownPhase: String? { hasEnded ? verdict?.rawValue : lastPhase?.rawValue }
    fileprivate var shownMessage: String { hasEnded ? verdictMessage : lastMessage }
    fileprivate var shownFailures: Int { verdict == .failed ? max(tally.failed, 1) : tally.failed }
}

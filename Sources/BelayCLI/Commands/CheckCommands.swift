internal import ArgumentParser
internal import BelayAnalysis
internal import BelayCore
internal import BelayEngine
internal import BelayHTTP
internal import BelayJournal
internal import BelayMetrics
internal import BelayRouters
internal import BelaySpec
internal import Foundation

struct LintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint", abstract: "Check files without a router: every mistake at once, as file:line:column.")
    @Argument(help: "Rollouts, strategies or analysis templates.") var files: [String]
    @Option(name: .customLong("set"), help: ArgumentHelp("Overrides one value.", valueName: "path=value"))
    var overrides: [String] = []

    func run() throws {
        Signals.unblock()
        let loader = try SpecFiles.loader(overrides: overrides)
        var isGood = true
        for file in files {
            do throws(CommandFailure) {
                let (issues, notes) = loader.review(try SpecFiles.read(file))
                for issue in issues { Console.say(issue.description) }
                for note in notes { Console.say("note: \(note.description)") }
                isGood = isGood && issues.isEmpty
            } catch {
                for line in error.lines { Console.say(line) }
                isGood = false
            }
        }
        if !isGood { throw ExitCode(ExitStatus.invalid.rawValue) }
        Console.say("\(files.count) file\(files.count == 1 ? "" : "s"), nothing wrong")
    }
}

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show what a run would do against the live router: every write. Changes nothing."
    )
    @OptionGroup var spec: SpecOptions
    @OptionGroup var store: StoreOptions

    func run() async throws {
        Signals.unblock()
        let spec = try spec.load()
        let journal = try? store.open(.operate)  // Without one nothing of ours is under way.
        var notes: [String] = []
        let (releases, request) = (Release.releases(journal), Release.request(spec))
        let bound: BoundRelease
        do throws(ReleaseRefusal) {
            bound = try await releases.bind(request)
        } catch {
            guard error.kind == .taken else { throw CommandFailure(error) }
            // What a release would do once the present one is over can be shown all the same.
            notes = ["`run` will refuse this now:"] + error.lines.map { "  \($0)" } + [""]
            bound = try await unlessRefused { () throws(ReleaseRefusal) in try await releases.bindBusy(request) }
        }
        if let dead = bound.deadCanary {
            notes.append("`run` will refuse this: the canary's side cannot serve: \(dead)")
        }
        let outlooks = await Release.asking { provider in
            (await GateCheck(provider).outlooks(of: bound))
        }
        let looks = await Release.asking { provider in await GateCheck(provider).looks(at: bound.plan) }
        let text = PlanText(bound: bound, notes: spec.notes, outlooks: outlooks)
        func section(_ title: String, _ lines: [String]) -> [String] {
            lines.isEmpty ? [] : ["", title] + lines.map { "  \($0)" }
        }
        let lines =
            notes + text.lines + section("the gates answer now:", looks.answers)
            + section("the queries:", looks.notes)
        guard store.output == .json else {
            for line in lines { Console.print(line) }
            return
        }
        Console.print(JSONText.write(text.json(refusals: notes, lines)))
    }
}

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
        for (index, step) in plan.steps.enumerated() { lines += describe(index, step) }
        lines.append(
            "  \(plan.steps.count + 1). adopt: \(plan.canary.name) is stable for the next release; the mark \(bound.kit.ownership.place) goes"
        )
        lines.append("")
        lines.append(
            "way back, from anywhere: \(bound.kit.wayBackWords(to: plan.roles.mirrored(.zero))); about \(roundTrip)"
        )
        let (cuts, fences) = (bound.survey.cutsConnections, bound.survey.fencesWriters)
        lines.append(
            cuts.isThere
                ? "  what is left on \(plan.canary.name) after \(Drain.bound.text) is cut (\(cuts.why))"
                : "  long connections are not cut: \(cuts.why); new requests follow at once")
        if !fences.isThere { lines.append("  \(fences.why)") }
        lines +=
            ["", "gates:"] + (plan.metrics.isEmpty ? ["  none, as the file says"] : plan.metrics.flatMap(describe))
        lines.append(
            "limits: \(plan.progressDeadline.text) for a write to be confirmed, \(plan.waitLimit.text) for a person to decide"
        )
        return lines
    }

    func json(refusals: [String], _ lines: [String]) -> JSONValue {
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
            .init("refusals", .array(refusals.map { .string($0) })), .init("text", .array(lines.map { .string($0) })),
        ])
    }

    private var roundTrip: String {
        let milliseconds = Double(bound.survey.roundTrip.wholeMilliseconds)
        return milliseconds < 1 ? "a few ms" : "\(Int(milliseconds * 5)) ms"
    }

    private func value(_ share: Weight) -> Int { bound.kit.value(for: plan.roles.mirrored(share)) }
    private func write(_ share: Weight) -> String { bound.kit.words(for: plan.roles.mirrored(share)) }

    private func describe(_ index: Int, _ step: PlanStep) -> [String] {
        let name = step.name.map { " (\($0))" } ?? ""
        let asked = step.asked.map { " (nearest to \($0.text))" } ?? ""
        var text = "  \(index + 1).\(name) \(step.weight.text)\(asked) on \(plan.canary.name): \(write(step.weight))"
        if step.hold.max > .zero {
            text +=
                step.hold.min == step.hold.max
                ? ", hold \(step.hold.max.text)" : ", hold \(step.hold.min.text) to \(step.hold.max.text)"
        }
        var lines = [text]
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

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check reachability and rights: the journal, and a file's router and metrics.")
    @Argument(help: "A rollout's file.") var file: String?
    @OptionGroup var store: StoreOptions

    func run() async throws {
        Signals.unblock()
        var failed: [CommandFailure] = []
        func show(_ what: String, isGood: Bool, _ lines: [String]) {
            guard store.output == .json else {
                for line in lines { Console.print("\(isGood ? "ok   " : "FAIL ") \(what): \(line)") }
                return
            }
            Console.print(
                JSONText.write(
                    .object([
                        .init("check", .string(what)), .init("ok", .bool(isGood)),
                        .init("messages", .array(lines.map { .string($0) })),
                    ])))
        }
        func check(_ what: String, _ body: () async throws -> String) async {
            do {
                show(what, isGood: true, [try await body()])
            } catch let failure as CommandFailure {
                failed.append(failure)
                show(what, isGood: false, failure.lines)
            } catch {
                failed.append(CommandFailure(.failure, "\(error)"))
                show(what, isGood: false, ["\(error)"])
            }
        }
        await check("journal") {
            let journal = try store.open(.drive)
            return "\(journal.path), writable, undamaged"
        }
        if let file {
            let loaded = Result { try SpecOptions.parse([file, "--revision", "doctor"]).load() }
            await check("file") { "\(try loaded.get().name): no mistakes" }
            if case .success(let spec) = loaded {
                await check("router") {
                    let (releases, request) = (Release.releases(nil), Release.request(spec))
                    do throws(ReleaseRefusal) {
                        let bound = try await releases.bind(request)
                        try bound.checkCanServe()
                        return bound.survey.notes.joined(separator: "; ")
                    } catch {
                        guard error.kind == .taken else { throw CommandFailure(error) }
                        let bound = try await unlessRefused { () throws(ReleaseRefusal) in
                            try await releases.bindBusy(request)
                        }
                        return (["a release is under way"] + bound.survey.notes).joined(separator: "; ")
                    }
                }
                // Also while a release is under way: nobody would find out before the next one.
                await check("rights") {
                    let survey = await Kits.kit(for: spec.traffic).survey()
                    guard survey.missingRights.isEmpty else {
                        throw CommandFailure(.invalid, lines: survey.missingRights)
                    }
                    return survey.rights.joined(separator: "; ")
                }
                if let plan = try? spec.plan(roles: Roles(canaryIsSecond: true), identity: "") {
                    await check("metrics") {
                        let (answers, notes) = try await Release.asking { provider throws(CommandFailure) in
                            try await unlessRefused { () throws(ReleaseRefusal) in
                                try await GateCheck(provider).tryMetrics(of: plan)
                            }
                        }
                        return answers.isEmpty ? "no gates to ask" : (answers + notes).joined(separator: "; ")
                    }
                }
            }
        }
        if let first = failed.first { throw ExitCode(first.code.rawValue) }
    }
}

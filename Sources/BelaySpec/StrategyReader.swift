internal import BelayCore
internal import Yams

/// Reads `{canary: …}` and `{blueGreen: …}`; both become the same steps.
struct StrategyReader {
    /// Finds the template a reader refers to.
    let use: (SpecReader) -> TemplateUse?

    private static let common = ["progressDeadline", "waitLimit", "settle"]

    func read(_ reader: SpecReader) -> StrategySteps {
        guard let fields = reader.fields(["canary", "blueGreen"], later: ["ab"]),
            let kind = fields.exactlyOne(of: ["canary", "blueGreen"])
        else { return StrategySteps() }
        return kind == "canary" ? canary(fields["canary"]!) : blueGreen(fields["blueGreen"]!)
    }

    private func canary(_ reader: SpecReader) -> StrategySteps {
        guard let fields = reader.fields(["steps"] + Self.common, later: ["scaleDownDelay"]) else {
            return StrategySteps()
        }
        var strategy = StrategySteps()
        readCommon(fields, into: &strategy)
        let readers = fields.required("steps")?.list() ?? []
        if readers.isEmpty, let owner = fields["steps"] { owner.fail("at least one step is expected") }
        if readers.count > 200 { fields["steps"]?.fail("\(readers.count) steps; 200 is the limit") }
        var share = Weight.zero
        for reader in readers { step(reader, share: &share, into: &strategy) }
        if share != .full, !strategy.steps.isEmpty {
            strategy.steps.append(.init(plan: PlanStep(name: "promote", weight: .full), templates: []))
        }
        check(strategy, reader)
        return strategy
    }

    private func step(_ reader: SpecReader, share: inout Weight, into strategy: inout StrategySteps) {
        let known = ["name", "setWeight", "hold", "analysis", "approval", "reason", "run", "scale"]
        let later = [
            "match", "mirror", "setHeaderRoute", "setMirrorRoute", "setCanaryScale", "experiment",
        ]
        guard let fields = reader.fields(known, later: later) else { return }
        if ["setWeight", "hold", "analysis", "approval", "run"].allSatisfy({ fields[$0] == nil }),
            fields.members.isEmpty
        {
            reader.fail("the step is empty")
        }
        var step = PlanStep(weight: share)
        step.name = fields["name"]?.nonEmptyText()
        if let reader = fields["setWeight"], let weight = reader.weight() {
            if weight < share, fields["reason"]?.nonEmptyText() == nil {
                reader.fail("\(weight.text) is less than the \(share.text) before it; say why with `reason`")
            }
            step.weight = weight
            share = weight
        }
        if let reader = fields["hold"] { step.hold = hold(reader) }
        step.approval = fields["approval"].flatMap(approval)
        let templates = fields["analysis"].map(templates) ?? []
        let counts = fields["scale"].flatMap { reader in
            stated(reader, for: fields["setWeight"] == nil ? nil : step.weight).map { ($0, reader) }
        }
        strategy.steps.append(
            .init(
                plan: step, templates: templates, run: fields["run"].flatMap(CommandReader.readRun), counts: counts))
    }

    // MARK: Numbers of pods

    /// - Parameter share: nil where the step has none of its own.
    private func stated(_ reader: SpecReader, for share: Weight?) -> StatedCounts? {
        guard let fields = reader.fields(["stable", "canary"]) else { return nil }
        let (stable, canary) = (
            fields.required("stable")?.integer(0...10_000), fields.required("canary")?.integer(1...10_000)
        )
        guard let share, share > .zero else {
            reader.fail("`scale` goes with a `setWeight` above 0 in the same step")
            return nil
        }
        guard let stable, let canary else { return nil }
        if (share == .full) != (stable == 0) {
            reader.fail(
                stable == 0
                    ? "0 pods of stable are 100 %, and \(share.text) is asked for"
                    : "100 % is 0 pods of stable, and \(stable) are stated")
            return nil
        }
        return StatedCounts(asked: share, stable: stable, canary: canary)
    }

    /// Where one step states its numbers, each that gives the canary traffic has to, and no two may mean different numbers by one share.
    private func check(_ strategy: StrategySteps, _ owner: SpecReader) {
        guard let first = strategy.steps.compactMap(\.counts).first else { return }
        var known: [Weight: StatedCounts] = [:]
        for (index, step) in strategy.steps.enumerated() where step.plan.weight > .zero {
            guard let (counts, reader) = step.counts else {
                let isSame = strategy.steps[..<index].last?.plan.weight == step.plan.weight
                if !isSame {
                    owner.fail(
                        "step \(index + 1) (\(step.plan.weight.text)) has no `scale`, and \(first.reader.path) has one: each step with a share "
                            + "of its own states its numbers, the last one 100 % with `stable: 0`")
                }
                continue
            }
            for share in Set([counts.asked, counts.share]) {
                if let other = known[share], (other.stable, other.canary) != (counts.stable, counts.canary) {
                    reader.fail(
                        "\(share.text) is \(other.stable) and \(other.canary) pods in another step: nobody could tell the two apart"
                    )
                }
                known[share] = counts
            }
        }
    }

    private func blueGreen(_ reader: SpecReader) -> StrategySteps {
        let known = ["prePromotionAnalysis", "approval", "postPromotionAnalysis", "scaleDownDelay"] + Self.common
        guard let fields = reader.fields(known) else { return StrategySteps() }
        var strategy = StrategySteps()
        readCommon(fields, into: &strategy)
        // The delay has an effect only where the release stops the old version (`retire`).
        strategy.scaleDownDelay = fields["scaleDownDelay"]?.duration()
        if fields["prePromotionAnalysis"] != nil || fields["approval"] != nil {
            var step = PlanStep(name: "preview", weight: .zero)
            var uses: [TemplateUse] = []
            if let reader = fields["prePromotionAnalysis"] { (step.hold, uses) = analysis(reader) }
            step.approval = fields["approval"].flatMap(approval)
            strategy.steps.append(.init(plan: step, templates: uses))
        }
        var step = PlanStep(name: "switch", weight: .full)
        var uses: [TemplateUse] = []
        if let reader = fields["postPromotionAnalysis"] { (step.hold, uses) = analysis(reader) }
        strategy.steps.append(.init(plan: step, templates: uses))
        return strategy
    }

    private func readCommon(_ fields: SpecFields, into strategy: inout StrategySteps) {
        strategy.progressDeadline = fields["progressDeadline"]?.duration()
        strategy.waitLimit = fields["waitLimit"]?.duration()
        strategy.settle = fields["settle"]?.duration()
    }

    private func hold(_ reader: SpecReader) -> Hold {
        if case .mapping = reader.node {
            let fields = reader.fields(["min", "max"])
            let (min, max) = (fields?.required("min")?.duration(), fields?.required("max")?.duration())
            guard let min, let max else { return Hold(.zero) }
            if min > max { reader.fail("min \(min.text) is longer than max \(max.text)") }
            return Hold(min: min, max: max)
        }
        return Hold(reader.duration() ?? .zero)
    }

    private func analysis(_ reader: SpecReader) -> (Hold, [TemplateUse]) {
        guard let fields = reader.fields(["templates", "hold"]) else { return (Hold(.zero), []) }
        let uses = (fields.required("templates")?.list() ?? []).compactMap { use($0) }
        return (fields["hold"].map(hold) ?? Hold(.zero), uses)
    }

    private func templates(_ reader: SpecReader) -> [TemplateUse] {
        guard let fields = reader.fields(["templates"]) else { return [] }
        return (fields.required("templates")?.list() ?? []).compactMap { use($0) }
    }

    private func approval(_ reader: SpecReader) -> Approval? {
        guard let fields = reader.fields(["from", "count", "timeout", "onTimeout", "sharedUser"]) else { return nil }
        var approval = Approval()
        approval.from = (fields["from"]?.list() ?? []).compactMap { $0.nonEmptyText() }
        if let count = fields["count"]?.integer(1...100) { approval.count = count }
        if let timeout = fields["timeout"]?.duration() { approval.timeout = timeout }
        if let answer = fields["onTimeout"]?.choice(Approval.Answer.self) { approval.onTimeout = answer }
        if let isShared = fields["sharedUser"]?.bool() { approval.isSharedUser = isShared }
        let people = approval.from.filter { !$0.hasPrefix("group:") }
        if !approval.from.isEmpty, people.count == approval.from.count, people.count < approval.count {
            fields["count"]?.fail("\(approval.count) approvals are asked of \(people.count) people")
        }
        return approval
    }
}

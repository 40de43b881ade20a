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
        return strategy
    }

    private func step(_ reader: SpecReader, share: inout Weight, into strategy: inout StrategySteps) {
        let known = ["name", "setWeight", "hold", "analysis", "approval", "reason", "run"]
        let later = [
            "match", "mirror", "scale", "setHeaderRoute", "setMirrorRoute", "setCanaryScale", "experiment",
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
        strategy.steps.append(
            .init(plan: step, templates: templates, run: fields["run"].flatMap(CommandReader.readRun)))
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

extension Plan {
    /// The plan with its last step alone, for a version that has had all of the traffic before; nil where what would be left out may not be:
    /// an earlier step asks for an approval or runs a program, the last one holds nothing, or no gate would watch it.
    package var lastStepAlone: Plan? {
        guard steps.count > 1, let last = steps.last, last.hold.max > .zero else { return nil }
        if steps.dropLast().contains(where: { $0.approval != nil || $0.run != nil }) { return nil }
        var plan = self
        plan.steps = [last]
        plan.metrics = metrics.compactMap { metric in
            var metric = metric
            if case .step(let step) = metric.scope {
                guard step == steps.count - 1 else { return nil }
                metric.scope = .step(0)
            }
            return metric
        }
        let hadGates = metrics.contains { !$0.isDryRun }
        return hadGates && !plan.metrics.contains { !$0.isDryRun } ? nil : plan
    }
}

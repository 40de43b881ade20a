internal import BelayCore
internal import Yams

/// The steps of a strategy before they are bound to a router, with where each was written.
struct StrategySteps {
    struct Step {
        var plan: PlanStep
        var templates: [TemplateUse]
        var run: CommandUse?
        /// The numbers of pods that it states, and where.
        var counts: (stated: StatedCounts, reader: SpecReader)?
    }

    var steps: [Step] = []
    var progressDeadline: Duration?
    var waitLimit: Duration?
    var settle: Duration?
    /// How long stable stays warm after the switch.
    var scaleDownDelay: Duration?

    /// The numbers of pods that the steps state.
    var counts: [StatedCounts] { steps.compactMap { $0.counts?.stated } }
}

/// What is kept of a comparison's windows: the last one, and what the present step has to know of those before it. This
/// does not grow with time; all windows are in the journal.
package struct EvidenceProgress: Hashable, Sendable {
    /// The evidence after the last window.
    package private(set) var last: Evidence?
    /// The last window was seen since the present share was confirmed.
    private var isSinceConfirmation = false
    /// Whether there is a whole window among the latest windows in a row that belong to the last one's step.
    private var hasWhole = false
    /// The step that had whole windows already when its share was confirmed, and the step that has had some since then.
    private var wholeBefore: Int?
    private var wholeSince: Int?

    package init() {}

    /// Folds the next window, after those before it.
    package mutating func add(_ evidence: Evidence) {
        hasWhole = evidence.isWhole || hasWhole && last?.step == evidence.step
        if evidence.isWhole { wholeSince = evidence.step }
        last = evidence
        isSinceConfirmation = true
    }

    /// Notes that the share was confirmed, perhaps once more. Only windows after this let the step pass.
    package mutating func confirm() {
        wholeBefore = hasWhole ? last?.step : nil
        (wholeSince, isSinceConfirmation) = (nil, false)
    }

    /// The last window of step `step` since its share was confirmed; nil where there is none yet.
    package func last(ofStep step: Int?) -> Evidence? { isSinceConfirmation && last?.step == step ? last : nil }

    /// Whether the next whole window of step `step` is the first since its share was confirmed once more.
    package func beginsAnew(inStep step: Int) -> Bool { wholeBefore == step && wholeSince != step }
}

/// The three kinds of file.
package enum SpecKind: String, Hashable, Sendable, CaseIterable {
    case rollout = "Rollout"
    case strategy = "Strategy"
    case analysisTemplate = "AnalysisTemplate"
}

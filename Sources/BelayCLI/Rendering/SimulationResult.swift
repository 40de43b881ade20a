internal import BelayAnalysis
internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// One case of a simulation under each policy.
struct SimulationResult {
    enum Policy: String, CaseIterable {
        case gates, threshold, none
    }

    let name: String
    let model: TrafficModel
    var summaries: [Policy: PlayedSummary] = [:]

    func title(of policy: Policy, limit: Double) -> String {
        switch policy {
        case .gates: "these gates"
        case .threshold: "a threshold of \(Self.percent(limit))"
        case .none: "no gate"
        }
    }

    static func percent(_ share: Double) -> String { "\(Comparator.short(share * 100)) %" }
}

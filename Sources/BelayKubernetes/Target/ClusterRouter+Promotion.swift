internal import BelayCore

/// The last look before a release is over.
extension ClusterRouter {
    /// Why the end would be no promotion: stable has lost the new version since it came home.
    func objectionToPromotion() async throws -> String? {
        guard target.cloneName != nil else { return nil }
        let own = try facts().deployments[stableIndex]
        guard let stable = try await eye.get().deployment(own.name) else { return "Deployment `\(own.name)` is gone" }
        if try clone().isNew(stable, side: stableIndex) { return nil }
        return "`\(own.name)` does not have the new version any more\(Self.writer(of: stable))"
    }
}

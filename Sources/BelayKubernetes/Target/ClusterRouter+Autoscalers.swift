internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// While stable has no traffic an autoscaler would take its pods away, and the way back leads to them: its minimum is held at the number
/// that stable began with until the traffic is back and drained.
extension ClusterRouter {
    /// Whether minimums are held: from the deployment on.
    var holdsAutoscalers: Bool {
        get async {
            guard let facts = try? facts(), !facts.autoscalers.isEmpty else { return false }
            let canary = try? await eye.get().deployment(facts.deployments[canaryIndex].name)
            return canary?["metadata"]?["annotations"]?[ClusterMarks.rollout]?.string == state.withLock { $0.rollout }
        }
    }

    /// Raises the minimum of each autoscaler that could take pods away.
    /// - Returns: Why one of them could not be held.
    func holdAutoscalers(_ mark: OwnerMark) async throws -> String? {
        let facts = try facts()
        let path = ResourcePath.autoscalers(namespace)
        for scaler in facts.autoscalers {
            try await marks.claim(path, scaler.name, mark)
            let minimum = ["spec", "minReplicas"]
            let patch: JSONValue = .array(
                ClusterMarks.tests(mark) + [
                    ClusterClone.operation("test", minimum, .int(scaler.minimum)),
                    ClusterClone.operation("replace", minimum, .int(scaler.held)),
                ])
            let result = try await KubernetesClient.persistently {
                try await client.get().patchTested(path, scaler.name, patch, timeout: Self.patience)
            }
            if case .refused(let present) = result, present?["spec"]?["minReplicas"]?.int != scaler.held {
                return "the minimum of autoscaler `\(scaler.name)` was changed by another hand: it is not held"
            }
        }
        return nil
    }
}

extension ClusterMarks {
    /// Gives the minimum of each autoscaler back that still has the one that was held, and takes the marks away.
    func giveBack(_ scalers: [ClusterFacts.Autoscaler], rollout: String) async throws {
        let path = ResourcePath.autoscalers(namespace)
        for scaler in scalers {
            let minimum = ["spec", "minReplicas"]
            let patch: JSONValue = .array([
                ClusterClone.operation("test", ["metadata", "annotations", Self.rollout], .string(rollout)),
                ClusterClone.operation("test", minimum, .int(scaler.held)),
                ClusterClone.operation("replace", minimum, .int(scaler.minimum)),
            ])
            try await Self.unlessGone {
                try await KubernetesClient.persistently {
                    // Where a test does not hold, another hand has set a minimum of its own.
                    _ = try await client.get().patchTested(path, scaler.name, patch, timeout: .seconds(2))
                }
            }
            try await leave(path, scaler.name, rollout: rollout)
        }
    }
}

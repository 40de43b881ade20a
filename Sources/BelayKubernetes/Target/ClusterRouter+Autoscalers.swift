internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// While stable has no traffic an autoscaler would take its pods away, and the way back leads to them: its minimum is held at the number
/// that stable began with until the traffic is back and drained.
extension ClusterRouter {
    /// Raises the minimum of each autoscaler that could take pods away.
    /// - Returns: Why one of them could not be held.
    func holdAutoscalers(_ mark: OwnerMark) async throws -> String? {
        let facts = try facts()
        let path = ResourcePath.autoscalers(namespace)
        for scaler in facts.autoscalers {
            try await marks.claim(path, scaler.name, mark)
            let result = try await KubernetesClient.persistently {
                try await client.get().patchTested(path, scaler.name, hold(scaler, mark), timeout: Self.patience)
            }
            if case .refused(let present) = result, present?["spec"]?["minReplicas"]?.int != scaler.held {
                return "the minimum of autoscaler `\(scaler.name)` was changed by another hand: it is not held"
            }
        }
        return nil
    }

    /// A controller of the autoscaler's own may have put its minimum back. The patch claims nothing: where nothing is held, or nothing
    /// any more, its tests do not hold.
    func holdAutoscalersAgain(_ mark: OwnerMark) async {
        for scaler in (try? facts().autoscalers) ?? [] {
            guard !state.withLock({ $0.isReturning || $0.isReleasing }), let client = try? client.get() else { return }
            let path = ResourcePath.autoscalers(namespace)
            _ = try? await client.patch(path, scaler.name, .json, hold(scaler, mark), timeout: Self.patience)
        }
    }

    private func hold(_ scaler: ClusterFacts.Autoscaler, _ mark: OwnerMark) -> JSONValue {
        let minimum = ["spec", "minReplicas"]
        return .array(
            ClusterMarks.tests(mark) + [
                ClusterClone.operation("test", minimum, .int(scaler.minimum)),
                ClusterClone.operation("replace", minimum, .int(scaler.held)),
            ])
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
                // A late renewal is refused from here on.
                ClusterClone.operation("add", ["metadata", "annotations", Self.epoch], "0-back"),
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

internal import BelayCore

/// What is left of a release on objects that are not its own: nothing.
extension ClusterMarks {
    /// Takes this rollout's annotations away, and the entries by which the server remembers who wrote: the next server-side apply
    /// must conflict with nothing. Entries of others stay.
    func leave(_ path: ResourcePath, _ name: String, rollout: String) async throws {
        let client = try client.get()
        try await Self.unlessGone {
            for attempt in 1... {
                let object = try await client.get(path, name, timeout: .seconds(2))
                guard Self.isMarked(object, by: rollout) else { break }
                let patch: JSONValue = .members([
                    "metadata": .members([
                        "resourceVersion": object["metadata"]?["resourceVersion"],
                        "annotations": .members([
                            Self.rollout: .null, Self.epoch: .null, Self.switched: .null, Self.count: .null,
                            Self.share: .null, Self.returnedBy: .null, Self.deployed: .null,
                        ]),
                    ])
                ])
                do {
                    _ = try await client.patch(path, name, .merge, patch, timeout: .seconds(2))
                } catch let error as KubernetesError where error.kind == .conflict && attempt < 5 {
                    continue
                }
            }
            try await forgetFields(path, name, client)
        }
    }

    /// Whether an object bears nothing of a release's: a manifest was put in its place. A way back leaves its epoch.
    static func isUnmarked(_ object: JSONValue) -> Bool {
        let found = object["metadata"]?["annotations"]
        return found?[rollout] == nil && found?[epoch] == nil
    }

    /// Whether an object bears a rollout's mark, or what is left of one after a replace and a way back.
    private static func isMarked(_ object: JSONValue, by rollout: String) -> Bool {
        let found = object["metadata"]?["annotations"]
        if let owner = found?[Self.rollout]?.string { return owner == rollout }
        return found?[epoch] != nil || found?[switched] != nil
    }

    private func forgetFields(_ path: ResourcePath, _ name: String, _ client: KubernetesClient) async throws {
        for _ in 0..<5 {
            let object = try await client.get(path, name, timeout: .seconds(2))
            let entries = object["metadata"]?["managedFields"]?.array ?? []
            let own = entries.lastIndex { $0["manager"]?.string == KubernetesClient.fieldManager }
            // An empty list would take everybody's entries away.
            guard let own, entries.count > 1 else { return }
            let patch: JSONValue = .array([
                ClusterClone.operation(
                    "test", ["metadata", "resourceVersion"], object["metadata"]?["resourceVersion"] ?? .null),
                ClusterClone.operation(
                    "test", ["metadata", "managedFields", "\(own)", "manager"],
                    .string(KubernetesClient.fieldManager)),
                ClusterClone.operation("remove", ["metadata", "managedFields", "\(own)"]),
            ])
            _ = try await client.patchTested(path, name, patch, timeout: .seconds(2))
        }
    }
}

internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// Whether the canary's pods are well, from the API: the gate that every release of a cluster has.
extension ClusterRouter {
    /// Restarts, and pods that were ready and are not any more, together; 0 is good.
    func measure(_ question: String) async -> MetricReading {
        do {
            let (look, name) = (try await glance(), try facts().deployments[canaryIndex].name)
            var (troubles, words) = (0, [String]())
            for pod in look.pods(of: name) where !pod.isEnding {
                for (container, count, reason) in Self.restarts(of: pod) {
                    troubles += count
                    words.append("pod \(pod.name): \(container) restarted \(count) times\(reason)")
                }
                let wasReady = state.withLock { state in
                    if pod.isReady { state.ready.insert(pod.name) }
                    return state.ready.contains(pod.name)
                }
                if wasReady, !pod.isReady {
                    troubles += 1
                    words.append("pod \(pod.name) was ready and is not any more")
                }
            }
            var reading = MetricReading(.scalar(Double(troubles)))
            reading.detail = words.prefix(3).joined(separator: "; ")
            return reading
        } catch {
            return MetricReading(.noData(Self.words(error)))
        }
    }

    /// As its protocol says. The plan's pattern fits any pods of a side's Deployment, also those of a release long ago, whose series may
    /// still be there; these fit the pods of the ReplicaSets that have some now.
    var currentNames: [String: String] { state.withLock { $0.names } }

    /// Keeps the names that a reading shows; of a side without pods the last ones.
    func keepNames(_ look: ClusterLook, _ facts: ClusterFacts) {
        for deployment in facts.deployments {
            guard let pattern = Self.pattern(of: look.pods(of: deployment.name)) else { continue }
            state.withLock { $0.names[ClusterTarget.podPattern(of: deployment.name)] = pattern }
        }
    }

    /// The server cuts what it makes a pod's name of.
    /// https://github.com/kubernetes/apiserver/blob/master/pkg/storage/names/generate.go
    private static let longestBase = 58

    /// - Returns: nil where there are no pods: nothing is known that would be more exact.
    static func pattern(of pods: [ClusterLook.Pod]) -> String? {
        let sets = Set(pods.compactMap { $0.json.owner(ofKind: "ReplicaSet") })
        if pods.isEmpty || sets.isEmpty { return nil }
        func any(_ names: [String]) -> String {
            let all = names.sorted().map { $0.replacing(".", with: #"\\."#) }
            return all.count == 1 ? all[0] : "(\(all.joined(separator: "|")))"
        }
        // Of a name that was cut, another Deployment's pods could have the same beginning.
        if sets.contains(where: { $0.utf8.count >= longestBase }) { return "(?:\(any(pods.map(\.name))))" }
        return "(?:\(any(Array(sets)))-[\(ClusterTarget.nameLetters)]{5})"
    }

    private static func restarts(of pod: ClusterLook.Pod) -> [(container: String, count: Int, reason: String)] {
        let status = pod.json["status"]
        let all = (status?["containerStatuses"]?.array ?? []) + (status?["initContainerStatuses"]?.array ?? [])
        return all.compactMap { container in
            guard let count = container["restartCount"]?.count, count > 0 else { return nil }
            let died = container["lastState"]?["terminated"]
            let reason = died?["reason"]?.string.map { " (\($0), status \(died?["exitCode"]?.int ?? 0))" } ?? ""
            return (container["name"]?.string ?? "", count, reason)
        }
    }
}

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

internal import BelayAnalysis
package import BelayCore

/// What a release of a cluster adds to a plan.
extension RolloutSpec {
    /// Restarts of the canary's pods, and pods that have lost their readiness: always a gate.
    static let pods: Metric = {
        var metric = Metric(name: "pods", source: .target("pods"))
        metric.interval = .seconds(2)
        metric.successCondition = "result == 0"
        metric.blindFor = .seconds(60)
        return metric
    }()

    /// The traffic with what is released filled in, so that the look before a release knows each write; as the file has it where a value
    /// cannot be filled, which the compilation tells.
    package var releasedTraffic: Traffic {
        guard let cluster else { return traffic }
        var issues: [SpecIssue] = []
        let filled = filled(cluster, &issues)
        return issues.isEmpty ? .cluster(filled) : traffic
    }

    /// With what `image` and `set` stand for: there are the revision and the name of the release, nothing else.
    func filled(_ cluster: ClusterTarget, _ issues: inout [SpecIssue]) -> ClusterTarget {
        var cluster = cluster
        let known = Placeholders(["revision": revision, "name": name])
        func fill(_ text: String, at path: String) -> String {
            do throws(Placeholders.Failure) {
                return try known.fill(text)
            } catch {
                issues.append(root.descendant(path).issue(error.message))
                return text
            }
        }
        (cluster.revision, cluster.counts) = (revision, strategy.counts)
        cluster.image = cluster.image.map { fill($0, at: "workload.kubernetes.image") }
        for index in cluster.settings.indices {
            cluster.settings[index].value = fill(cluster.settings[index].value, at: "workload.kubernetes.set")
        }
        return cluster
    }
}

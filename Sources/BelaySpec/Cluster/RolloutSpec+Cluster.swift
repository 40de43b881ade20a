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

    /// How far shares by numbers of pods may be from what the steps ask, which depends on the pods that stable has; nil where every step is
    /// all or nothing.
    func podsNeeded(by steps: [PlanStep]) -> String? {
        let shares = steps.map(\.weight).filter { $0 > .zero && $0 < .full }
        guard let least = shares.min(), let most = shares.max() else { return nil }
        var words: [String] = []
        let full = Weight.full.basisPoints
        let needed = (full - least.basisPoints + least.basisPoints - 1) / least.basisPoints
        if needed > 1 {
            let beside = [3, 1].first { $0 < needed } ?? 1
            let share = Reach.beside(beside).share(ofUnits: 1).text
            words.append(
                "\(least.text) needs \(needed) pods of stable's beside one of the canary's, and beside \(beside) that one is \(share)"
            )
        }
        let ratio = most.basisPoints / (full - most.basisPoints)
        if ratio > 1 { words.append("\(most.text) is \(ratio) pods of the canary's for each of stable's") }
        guard !words.isEmpty else { return nil }
        return
            "stable keeps its pods and the canary grows beside it: \(words.joined(separator: "; ")); `plan` shows the shares that are "
            + "reachable now, and `scale` states numbers of both"
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

package import BelayCore

/// What becomes of pods: their image's tag says it, so that a test writes the story into the Deployment. `v2-ready20` takes twenty
/// seconds until it is ready, `v3-crash` ends again and again, `v4-hang` runs and is never ready, `v5-pull` cannot be pulled,
/// `v6-dies5` is ready at once and ends again and again after five seconds; a Job's `v1-fail` ends with status 1. All others are ready at once.
package struct PodWorld: Sendable {
    /// Until a pod is ready whose tag says nothing.
    package var readyAfter: Duration = .zero
    /// false: pods that begin now run and are never ready.
    package var becomesReady = true
    /// Until a Job's pod ends.
    package var jobRuns: Duration = .seconds(2)
    /// How long a pod takes to end; it is bounded by its grace period.
    package var endsAfter: Duration = .zero
    /// Until then no controller does anything, by the cluster's clock: a controller manager that hangs.
    package var controllersHangUntil: Timestamp?
    /// So long after what is to be shown EndpointSlices show it, one slice at a time: a controller that has much to do.
    package var endpointsFollowAfter: Duration = .zero
    /// A slice has so many endpoints at most.
    package var endpointsInSlice = 100
    /// nil: no autoscaler works.
    package var autoscales = true

    /// What a pod does.
    enum Fate: Equatable {
        case ready(after: Duration)
        case crashes
        case dies(after: Duration)
        case hangs
        case cannotBePulled

        /// It ends again and again, sooner or later.
        var crashes: Bool {
            switch self {
            case .crashes, .dies: true
            case .ready, .hangs, .cannotBePulled: false
            }
        }
    }

    func fate(of pod: JSONValue) -> Fate {
        if !becomesReady, !Self.isReady(pod) { return .hangs }
        for container in pod.at("spec", "containers")?.array ?? [] {
            let tag = (container["image"]?.string ?? "").split(separator: ":").last ?? ""
            for word in tag.split(separator: "-") {
                if word == "crash" { return .crashes }
                if word == "hang" { return .hangs }
                if word == "pull" { return .cannotBePulled }
                if word.hasPrefix("dies"), let seconds = Int(word.dropFirst(4)) {
                    return .dies(after: .seconds(seconds))
                }
                if word.hasPrefix("ready"), let seconds = Int(word.dropFirst(5)) {
                    return .ready(after: .seconds(seconds))
                }
            }
        }
        return .ready(after: readyAfter)
    }

    func fails(_ pod: JSONValue) -> Bool {
        (pod.at("spec", "containers")?.array ?? []).contains { ($0["image"]?.string ?? "").hasSuffix("-fail") }
    }

    static func isReady(_ pod: JSONValue) -> Bool {
        (pod.at("status", "conditions")?.array ?? []).contains {
            $0["type"]?.string == "Ready" && $0["status"]?.string == "True"
        }
    }

    static func isEnding(_ pod: JSONValue) -> Bool { pod.at("metadata", "deletionTimestamp") != nil }

    static func restarts(of pod: JSONValue) -> Int {
        (pod.at("status", "containerStatuses")?.array ?? []).reduce(0) { $0 + ($1["restartCount"]?.count ?? 0) }
    }

    /// A few lines, as a program writes them before it ends.
    static func log(of pod: JSONValue, previous: Bool) -> [String] {
        let name = pod.text("metadata", "name") ?? ""
        if previous || restarts(of: pod) > 0 {
            return ["starting \(name)", "fatal: cannot read configuration", "exit status 1"]
        }
        return ["starting \(name)", "listening on 8080"]
    }
}

internal import BelayCore
internal import BelayEngine
internal import BelayPlatform
internal import Foundation

/// What was done, as Events of the objects that it was done to, so that `kubectl describe` tells it. Nothing waits for them, and nothing
/// depends on them.
extension ClusterRouter {
    /// What an Event is about.
    enum Subject {
        case service
        case stable
    }

    /// - Parameter reason: One word, as Events have it.
    func tell(_ reason: String, _ words: String, of subject: Subject, isWarning: Bool = false) {
        guard let client = try? client.get(), let facts = try? facts() else { return }
        let stable = facts.deployments[stableIndex]
        let object: JSONValue =
            switch subject {
            case .service:
                .members([
                    "apiVersion": "v1", "kind": "Service", "namespace": .string(namespace),
                    "name": .string(target.service), "uid": .string(facts.serviceUID),
                ])
            case .stable:
                .members([
                    "apiVersion": "apps/v1", "kind": "Deployment", "namespace": .string(namespace),
                    "name": .string(stable.name), "uid": stable.uid.map { .string($0) },
                ])
            }
        let rollout = state.withLock { $0.rollout } ?? "a release"
        let name = object["name"]?.string ?? ""
        let now = JSONValue.string(Date.now.formatted(.iso8601))
        let event: JSONValue = .members([
            "apiVersion": "v1", "kind": "Event",
            "metadata": .members([
                "name": .string("\(ClusterClone.cut(name)).\(String(UInt64.random(in: 0 ... .max), radix: 16))"),
                "namespace": .string(namespace),
            ]),
            "involvedObject": object, "reason": .string(reason), "type": isWarning ? "Warning" : "Normal",
            // The API takes 1,024 characters.
            "message": .string(String("\(rollout): \(words)".prefix(1000))),
            "source": .members(["component": "belay"]), "reportingComponent": "belay",
            "firstTimestamp": now, "lastTimestamp": now, "count": .int(1),
        ])
        let path = ResourcePath.events(namespace)
        Task { _ = try? await client.create(path, event, timeout: Self.patience) }
    }

    /// A share that was written, once.
    func tell(_ write: TrafficWrite, by person: String?) {
        let isNew = state.withLock { state in
            defer { state.told = write }
            return state.told != write
        }
        guard isNew else { return }
        switch write.kind {
        case .forward where write.share == .zero: return  // Stable has it already.
        case .forward: tell("TrafficShifted", "\(write.share.text) for the canary", of: .service)
        case .wayBack:
            let words = "all of it for stable\(person.map { ", by \($0)" } ?? "")"
            tell("TrafficTakenBack", words, of: .service, isWarning: true)
        }
    }

    /// What an action came to.
    func tell(_ run: ActionRun, _ complaint: String?) {
        let (reason, words): (String, String)
        switch run.kind {
        case .deploy: (reason, words) = ("CanaryDeployed", "the new version runs beside this one")
        case .awaitReady: (reason, words) = ("CanaryReady", "the new version is ready")
        case .adopt: (reason, words) = ("Adopted", "brought to the new version")
        case .handOver: (reason, words) = ("TrafficReturned", "stable has the new version, and the traffic")
        case .retire: (reason, words) = ("CanaryRetired", "what the release does not need any more is gone")
        case .claim, .hook, .drain, .release: return
        }
        if let complaint {
            tell("\(reason)Failed", complaint, of: .stable, isWarning: true)
        } else {
            tell(reason, words, of: run.kind == .handOver ? .service : .stable)
        }
    }
}

internal import BelayCore

/// Scheduler and node in one: pods get an address, run, become ready or not, and end.
extension Cluster {
    /// One step of one pod at a time, so that watchers see each.
    func runPods() {
        let type = type(ofKind: "Pod")
        for pod in store.list(type, nil) {
            let uid = pod.text("metadata", "uid") ?? ""
            if PodWorld.isEnding(pod) {
                if endPod(pod, uid) { return }
            } else if pod.text("spec", "nodeName") == nil {
                start(pod, uid)
            } else if step(pod, uid) {
                return
            }
        }
    }

    private func start(_ pod: JSONValue, _ uid: String) {
        let type = type(ofKind: "Pod")
        podSteps[uid] = now
        let number = nextSerial()
        change(type, pod, by: "kube-scheduler") { $0.put("node-1", at: "spec", "nodeName") }
        let isPulled = pods.fate(of: pod) != .cannotBePulled
        change(type, pod, subresource: "status", by: "kubelet") { pod in
            let time = JSONValue.string(Calendar.text(self.now))
            pod.put(isPulled ? "Running" : "Pending", at: "status", "phase")
            pod.put("127.0.0.1", at: "status", "hostIP")
            let address = JSONValue.string("10.64.\(number / 250 % 250).\(number % 250 + 1)")
            pod.put(address, at: "status", "podIP")
            pod.put(.array([.members(["ip": address])]), at: "status", "podIPs")
            pod.put(time, at: "status", "startTime")
            pod.put("BestEffort", at: "status", "qosClass")
            for name in ["Initialized", "PodScheduled"] { self.set(&pod, name, true) }
            for name in ["ContainersReady", "Ready"] { self.set(&pod, name, false) }
            self.setContainers(&pod, isReady: false, restarts: 0)
        }
    }

    private func set(_ pod: inout JSONValue, _ name: String, _ isTrue: Bool) {
        let status = isTrue ? "True" : "False"
        if condition(pod, name)?["status"]?.string == status { return }
        let condition: JSONValue = .members([
            "type": .string(name), "status": .string(status), "lastProbeTime": .null,
            "lastTransitionTime": .string(Calendar.text(now)),
        ])
        var list = pod.at("status", "conditions")?.array ?? []
        if let index = list.firstIndex(where: { $0["type"]?.string == name }) {
            list[index] = condition
        } else {
            list.append(condition)
        }
        pod.put(.array(list), at: "status", "conditions")
    }

    private func setContainers(_ pod: inout JSONValue, isReady: Bool, restarts: Int, exit: Int? = nil) {
        let fate = pods.fate(of: pod)
        let containers = (pod.at("spec", "containers")?.array ?? []).map { container -> JSONValue in
            let state: JSONValue
            if let exit {
                state = .members([
                    "terminated": .members([
                        "exitCode": .count(exit), "reason": .string(exit == 0 ? "Completed" : "Error"),
                    ])
                ])
            } else if fate == .cannotBePulled {
                let words = "Back-off pulling image \"\(container["image"]?.string ?? "")\""
                state = .members(["waiting": .members(["reason": "ImagePullBackOff", "message": .string(words)])])
            } else if fate.crashes, restarts > 0 {
                state = .members([
                    "waiting": .members([
                        "reason": "CrashLoopBackOff", "message": "back-off restarting failed container",
                    ])
                ])
            } else {
                state = .members(["running": .members(["startedAt": .string(Calendar.text(now))])])
            }
            let last: JSONValue =
                restarts == 0
                ? .empty : .members(["terminated": .members(["exitCode": 1, "reason": "Error"])])
            return .members([
                "name": container["name"], "state": state, "lastState": last, "ready": .bool(isReady),
                "restartCount": .count(restarts), "image": container["image"], "imageID": container["image"],
                "started": .bool(isReady || fate == .hangs),
            ])
        }
        pod.put(.array(containers), at: "status", "containerStatuses")
    }

    /// - Returns: Whether the pod did something.
    private func step(_ pod: JSONValue, _ uid: String) -> Bool {
        guard let due = stepDue(pod, uid), now >= due else { return false }
        let type = type(ofKind: "Pod")
        podSteps[uid] = now
        if pod.controller?["kind"]?.string == "Job" {
            let isFailed = pods.fails(pod)
            change(type, pod, subresource: "status", by: "kubelet") { pod in
                pod.put(isFailed ? "Failed" : "Succeeded", at: "status", "phase")
                self.setContainers(&pod, isReady: false, restarts: 0, exit: isFailed ? 1 : 0)
            }
            return true
        }
        if pods.fate(of: pod) == .crashes || hasBegunToDie(pod) {
            change(type, pod, subresource: "status", by: "kubelet") {
                for name in ["ContainersReady", "Ready"] { self.set(&$0, name, false) }
                self.setContainers(&$0, isReady: false, restarts: PodWorld.restarts(of: pod) + 1)
            }
            return true
        }
        readySince[uid] = now
        change(type, pod, subresource: "status", by: "kubelet") { pod in
            for name in ["ContainersReady", "Ready"] { self.set(&pod, name, true) }
            self.setContainers(&pod, isReady: true, restarts: 0)
        }
        return true
    }

    /// Whether a pod whose time is short was ready already.
    private func hasBegunToDie(_ pod: JSONValue) -> Bool {
        guard case .dies = pods.fate(of: pod) else { return false }
        return PodWorld.isReady(pod) || PodWorld.restarts(of: pod) > 0
    }

    /// When a pod does what it does next.
    private func stepDue(_ pod: JSONValue, _ uid: String) -> Timestamp? {
        guard let since = podSteps[uid] else { return nil }
        if pod.controller?["kind"]?.string == "Job" {
            return pod.text("status", "phase") == "Running" ? since.advanced(by: pods.jobRuns) : nil
        }
        switch pods.fate(of: pod) {
        case .ready(let after): return PodWorld.isReady(pod) ? nil : since.advanced(by: after)
        case .dies(let after) where !hasBegunToDie(pod) || PodWorld.restarts(of: pod) == 0:
            return PodWorld.isReady(pod) ? since.advanced(by: after) : since
        case .crashes, .dies:
            // The kubelet waits 10 s, then twice as long each time, and never longer than five minutes.
            let restarts = PodWorld.restarts(of: pod)
            return since.advanced(
                by: restarts == 0 ? .milliseconds(500) : .seconds(min(300, 10 << min(restarts - 1, 5))))
        case .hangs, .cannotBePulled: return nil
        }
    }

    /// - Returns: Whether something happened.
    private func endPod(_ pod: JSONValue, _ uid: String) -> Bool {
        let type = type(ofKind: "Pod")
        let since = endSteps[uid] ?? now
        endSteps[uid] = since
        let grace = Duration.seconds(pod.at("metadata", "deletionGracePeriodSeconds")?.int ?? 30)
        guard now >= since.advanced(by: min(pods.endsAfter, grace)) else { return false }
        if (pod.at("metadata", "deletionGracePeriodSeconds")?.int ?? 0) > 0 {
            var last = pod
            last.put(0, at: "metadata", "deletionGracePeriodSeconds")
            last.put(.string(Calendar.text(now)), at: "metadata", "deletionTimestamp")
            store.put(type, last)
        } else {
            store.delete(type, pod)
            (podSteps[uid], endSteps[uid], readySince[uid]) = (nil, nil, nil)
        }
        return true
    }

    /// When a ready pod counts as available.
    private func availableAt(_ pod: JSONValue, _ uid: String) -> Timestamp? {
        guard let since = readySince[uid], let owner = pod.controller?["name"]?.string,
            let set = store.get(type(ofKind: "ReplicaSet"), pod.text("metadata", "namespace"), owner)
        else { return nil }
        return since.advanced(by: .seconds(set.at("spec", "minReadySeconds")?.int ?? 0))
    }

    func podsDue() -> [Timestamp] {
        store.list(type(ofKind: "Pod"), nil).flatMap { pod -> [Timestamp] in
            let uid = pod.text("metadata", "uid") ?? ""
            if PodWorld.isEnding(pod) { return endSteps[uid].map { [$0.advanced(by: pods.endsAfter)] } ?? [] }
            let available = availableAt(pod, uid)
            return [available, stepDue(pod, uid)].compactMap(\.self)
        }
    }
}

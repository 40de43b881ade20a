internal import BelayCore

/// The Job controller, as far as one pod at a time goes.
extension Cluster {
    func reconcile(job: JSONValue) {
        guard job.at("metadata", "deletionTimestamp") == nil, condition(job, "Complete") == nil,
            condition(job, "Failed") == nil
        else { return }
        let type = type(ofKind: "Job")
        let uid = job.text("metadata", "uid") ?? ""
        let all = store.list(self.type(ofKind: "Pod"), job.text("metadata", "namespace")).filter { $0.isOwned(by: uid) }
        if condition(job, "SuccessCriteriaMet") != nil || condition(job, "FailureTarget") != nil {
            return end(job)
        }
        let done = all.filter { $0.text("status", "phase") == "Succeeded" }
        let failed = all.filter { $0.text("status", "phase") == "Failed" }
        if !done.isEmpty {
            return change(type, job, subresource: "status") {
                $0.put(nil, at: "status", "active")
                $0.put(
                    .members(["succeeded": .array(done.compactMap { $0.at("metadata", "uid") })]), at: "status",
                    "uncountedTerminatedPods")
                self.note(&$0, "SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods")
            }
        }
        if failed.count > (job.at("spec", "backoffLimit")?.count ?? 6) {
            return change(type, job, subresource: "status") {
                $0.put(nil, at: "status", "active")
                $0.put(
                    .members(["failed": .array(failed.compactMap { $0.at("metadata", "uid") })]), at: "status",
                    "uncountedTerminatedPods")
                self.note(
                    &$0, "FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
            }
        }
        guard all.count == failed.count, job.at("spec", "suspend")?.bool != true else { return }
        startPod(of: job)
        change(type, job, subresource: "status") { job in
            job.fill("status", "startTime", with: .string(Calendar.text(self.now)))
            job.put(1, at: "status", "active")
            job.put(0, at: "status", "ready")
            job.put(0, at: "status", "terminating")
            job.put(.empty, at: "status", "uncountedTerminatedPods")
        }
    }

    private func startPod(of job: JSONValue) {
        let name = "\(job.text("metadata", "name") ?? "")-\(newSuffix())"
        let pod: JSONValue = .members([
            "metadata": .members([
                "name": .string(name), "namespace": job.at("metadata", "namespace"),
                "labels": job.at("spec", "template", "metadata", "labels"),
                "ownerReferences": .array([reference(to: job, "batch/v1", "Job")]),
            ]),
            "spec": job.at("spec", "template", "spec"),
        ])
        _ = try? create(type(ofKind: "Pod"), pod, Writer(manager: "kube-controller-manager"))
        tell(job, "Job", "SuccessfulCreate", "Created pod: \(name)", by: "job-controller")
    }

    private func end(_ job: JSONValue) {
        change(type(ofKind: "Job"), job, subresource: "status") { job in
            let isDone = self.condition(job, "SuccessCriteriaMet") != nil
            job.put(.empty, at: "status", "uncountedTerminatedPods")
            if isDone {
                job.put(1, at: "status", "succeeded")
                job.put(.string(Calendar.text(self.now)), at: "status", "completionTime")
                self.note(&job, "Complete", "CompletionsReached", "Reached expected number of succeeded pods")
            } else {
                job.put(1, at: "status", "failed")
                self.note(&job, "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
            }
        }
    }

    private func note(_ job: inout JSONValue, _ name: String, _ reason: String, _ message: String) {
        let time = JSONValue.string(Calendar.text(now))
        let condition: JSONValue = .members([
            "type": .string(name), "status": "True", "lastProbeTime": time, "lastTransitionTime": time,
            "reason": .string(reason), "message": .string(message),
        ])
        job.put(.array((job.at("status", "conditions")?.array ?? []) + [condition]), at: "status", "conditions")
    }
}

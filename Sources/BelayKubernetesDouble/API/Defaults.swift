internal import BelayCore

/// What a server adds to an object that does not say it.
enum Defaults {
    static func fill(_ object: inout JSONValue, _ type: ResourceType) {
        for key in ["labels", "annotations", "finalizers", "ownerReferences"] {
            let value = object.at("metadata", key)
            if value == .empty || value == .array([]) || value == .null { object.put(nil, at: "metadata", key) }
        }
        switch type.kind {
        case "Namespace":
            object.fill(
                "metadata", "labels", "kubernetes.io/metadata.name", with: object.at("metadata", "name") ?? .null)
        case "Deployment": deployment(&object)
        case "ReplicaSet": template(&object, at: "spec", "template")
        case "Pod": pod(&object, at: "spec")
        case "Service": service(&object)
        case "Job": job(&object)
        case "CronJob":
            object.fill("spec", "concurrencyPolicy", with: "Allow")
            object.fill("spec", "suspend", with: .bool(false))
            object.fill("spec", "successfulJobsHistoryLimit", with: 3)
            object.fill("spec", "failedJobsHistoryLimit", with: 1)
            template(&object, at: "spec", "jobTemplate", "spec", "template")
        case "HorizontalPodAutoscaler": autoscaler(&object)
        case "NetworkPolicy":
            object.forEachItem(at: "spec", "ingress") { rule in
                rule.forEachItem(at: "ports") { $0.fill("protocol", with: "TCP") }
            }
        case "PodDisruptionBudget":
            for key in ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] {
                object.fill("status", key, with: 0)
            }
        case "Ingress": object.fill("status", "loadBalancer", with: .empty)
        case "HTTPRoute": route(&object)
        default: break
        }
    }

    /// What a server gives a new object of its own accord: nobody owns it.
    static func allocate(_ object: inout JSONValue, _ type: ResourceType, _ cluster: Cluster) {
        switch type.kind {
        case "Namespace":
            object.fill("spec", "finalizers", with: .array(["kubernetes"]))
            object.fill("status", "phase", with: "Active")
        case "Service" where object.text("spec", "type") != "ExternalName":
            object.fill("spec", "clusterIP", with: .string("10.0.0.\(cluster.nextSerial() % 250 + 1)"))
            object.fill("spec", "clusterIPs", with: .array([object.at("spec", "clusterIP") ?? .null]))
            object.fill("spec", "ipFamilies", with: .array(["IPv4"]))
            object.fill("spec", "ipFamilyPolicy", with: "SingleStack")
        case "Job": allocateJob(&object)
        default: return
        }
    }

    private static func allocateJob(_ object: inout JSONValue) {
        let (name, uid) = (object.text("metadata", "name") ?? "", object.text("metadata", "uid") ?? "")
        let labels = [
            "batch.kubernetes.io/controller-uid": uid, "controller-uid": uid, "batch.kubernetes.io/job-name": name,
            "job-name": name,
        ]
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
            object.fill("metadata", "labels", key, with: .string(value))
            object.fill("spec", "template", "metadata", "labels", key, with: .string(value))
        }
        object.fill("spec", "selector", "matchLabels", "batch.kubernetes.io/controller-uid", with: .string(uid))
    }

    private static func deployment(_ object: inout JSONValue) {
        if object.at("spec", "paused")?.bool == false { object.put(nil, at: "spec", "paused") }
        object.fill("spec", "replicas", with: 1)
        object.fill("spec", "revisionHistoryLimit", with: 10)
        object.fill("spec", "progressDeadlineSeconds", with: 600)
        object.fill("spec", "strategy", "type", with: "RollingUpdate")
        if object.text("spec", "strategy", "type") == "RollingUpdate" {
            object.fill("spec", "strategy", "rollingUpdate", "maxUnavailable", with: "25%")
            object.fill("spec", "strategy", "rollingUpdate", "maxSurge", with: "25%")
        }
        template(&object, at: "spec", "template")
    }

    private static func template(_ object: inout JSONValue, at keys: String...) {
        var template = object.at(keys[...]) ?? .empty
        pod(&template, at: "spec")
        object.put(template, at: keys[...])
    }

    private static func pod(_ object: inout JSONValue, at key: String) {
        object.fill(key, "restartPolicy", with: "Always")
        object.fill(key, "terminationGracePeriodSeconds", with: 30)
        object.fill(key, "dnsPolicy", with: "ClusterFirst")
        object.fill(key, "securityContext", with: .empty)
        object.fill(key, "schedulerName", with: "default-scheduler")
        for list in ["containers", "initContainers"] {
            object.forEachItem(at: key, list) { container in
                container.fill("resources", with: .empty)
                container.fill("terminationMessagePath", with: "/dev/termination-log")
                container.fill("terminationMessagePolicy", with: "File")
                let image = container["image"]?.string ?? ""
                let isLatest =
                    image.hasSuffix(":latest") || !image.split(separator: "/").suffix(1).joined().contains(":")
                container.fill("imagePullPolicy", with: isLatest ? "Always" : "IfNotPresent")
                container.forEachItem(at: "ports") { $0.fill("protocol", with: "TCP") }
                for probe in ["readinessProbe", "livenessProbe", "startupProbe"] where container[probe] != nil {
                    container.fill(probe, "timeoutSeconds", with: 1)
                    container.fill(probe, "periodSeconds", with: 10)
                    container.fill(probe, "successThreshold", with: 1)
                    container.fill(probe, "failureThreshold", with: 3)
                    if container.at(probe, "httpGet") != nil {
                        container.fill(probe, "httpGet", "scheme", with: "HTTP")
                        container.fill(probe, "httpGet", "path", with: "/")
                    }
                }
            }
        }
    }

    private static func service(_ object: inout JSONValue) {
        object.fill("spec", "type", with: "ClusterIP")
        object.fill("spec", "sessionAffinity", with: "None")
        object.fill("status", "loadBalancer", with: .empty)
        if object.text("spec", "type") == "ExternalName" { return }
        object.fill("spec", "internalTrafficPolicy", with: "Cluster")
        object.forEachItem(at: "spec", "ports") { port in
            port.fill("protocol", with: "TCP")
            port.fill("targetPort", with: port["port"] ?? .null)
        }
    }

    private static func job(_ object: inout JSONValue) {
        object.fill("spec", "parallelism", with: 1)
        object.fill("spec", "completions", with: 1)
        object.fill("spec", "backoffLimit", with: 6)
        object.fill("spec", "completionMode", with: "NonIndexed")
        object.fill("spec", "suspend", with: .bool(false))
        object.fill("spec", "manualSelector", with: .bool(false))
        object.fill("spec", "podReplacementPolicy", with: "TerminatingOrFailed")
        template(&object, at: "spec", "template")
    }

    private static func autoscaler(_ object: inout JSONValue) {
        object.fill("spec", "minReplicas", with: 1)
        let target: JSONValue = .members(["type": "Utilization", "averageUtilization": 80])
        object.fill(
            "spec", "metrics",
            with: .array([
                .members(["type": "Resource", "resource": .members(["name": "cpu", "target": target])])
            ]))
        object.fill("status", "desiredReplicas", with: 0)
        object.fill("status", "currentMetrics", with: .null)
    }

    private static func route(_ object: inout JSONValue) {
        object.forEachItem(at: "spec", "parentRefs") { parent in
            parent.fill("group", with: "gateway.networking.k8s.io")
            parent.fill("kind", with: "Gateway")
        }
        object.forEachItem(at: "spec", "rules") { rule in
            let all: JSONValue = .members(["path": .members(["type": "PathPrefix", "value": "/"])])
            rule.fill("matches", with: .array([all]))
            rule.forEachItem(at: "backendRefs") { backend in
                backend.fill("group", with: "")
                backend.fill("kind", with: "Service")
                backend.fill("weight", with: 1)
            }
        }
    }
}

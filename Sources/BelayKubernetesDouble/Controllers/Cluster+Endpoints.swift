internal import BelayCore

/// The endpoint controllers: which pods a Service reaches.
extension Cluster {
    func reconcile(service: JSONValue) {
        guard service.at("metadata", "deletionTimestamp") == nil,
            let labels = service.at("spec", "selector"), !labels.members.isEmpty
        else { return }
        let selector = Selector(matching: labels)
        let namespace = service.text("metadata", "namespace")
        let pods = store.list(type(ofKind: "Pod"), namespace).filter {
            selector.matches($0) && $0.text("status", "podIP") != nil && $0.text("status", "phase") == "Running"
        }
        let takesAll = service.at("spec", "publishNotReadyAddresses")?.bool ?? false
        let ports = (service.at("spec", "ports")?.array ?? []).map { port in
            JSONValue.members([
                "name": port["name"] ?? "", "protocol": port["protocol"], "port": Self.target(of: port, in: pods),
            ])
        }
        slice(of: service, pods, ports, takesAll)
        endpoints(of: service, pods.filter { takesAll || PodWorld.isReady($0) && !PodWorld.isEnding($0) }, ports)
    }

    /// The number that a port has in the pods; a name is looked up there.
    private static func target(of port: JSONValue, in pods: [JSONValue]) -> JSONValue? {
        guard let name = port["targetPort"]?.string else { return port["targetPort"] ?? port["port"] }
        for container in pods.first?.at("spec", "containers")?.array ?? [] {
            for candidate in container["ports"]?.array ?? [] where candidate["name"]?.string == name {
                return candidate["containerPort"]
            }
        }
        return nil
    }

    private func slice(of service: JSONValue, _ pods: [JSONValue], _ ports: [JSONValue], _ takesAll: Bool) {
        let type = type(ofKind: "EndpointSlice")
        let endpoints = pods.map { pod -> JSONValue in
            let (isReady, isEnding) = (PodWorld.isReady(pod), PodWorld.isEnding(pod))
            return .members([
                "addresses": .array([pod.at("status", "podIP") ?? ""]),
                "conditions": .members([
                    "ready": .bool(takesAll || isReady && !isEnding), "serving": .bool(isReady),
                    "terminating": .bool(isEnding),
                ]),
                "targetRef": Self.reference(to: pod), "nodeName": pod.at("spec", "nodeName"),
            ])
        }
        let name = service.text("metadata", "name") ?? ""
        let mine = store.list(type, service.text("metadata", "namespace")).filter {
            $0.text("metadata", "labels", "kubernetes.io/service-name") == name
        }
        let parts = parts(of: endpoints, keeping: mine)
        for index in 0..<max(mine.count, parts.count) {
            let part = parts.indices.contains(index) ? parts[index] : []
            let wanted: JSONValue = part.isEmpty ? .null : .array(part)
            let present = mine.indices.contains(index) ? mine[index] : nil
            if let present, (present["endpoints"] ?? .null) == wanted, present["ports"] == .array(ports) { continue }
            guard isTime(toShow: service) else { return }
            if let present {
                change(type, present) { slice in
                    slice.setMember("endpoints", wanted)
                    slice.setMember("ports", .array(ports))
                }
            } else {
                make(sliceOf: service, wanted, ports)
            }
        }
    }

    /// Endpoints stay in the slice in which they are; new ones fill it up, and what is left comes into slices of its own.
    private func parts(of endpoints: [JSONValue], keeping slices: [JSONValue]) -> [[JSONValue]] {
        func uid(_ endpoint: JSONValue) -> String { endpoint.text("targetRef", "uid") ?? "" }
        var left = endpoints
        var parts = slices.map { slice -> [JSONValue] in
            let present = Set((slice["endpoints"]?.array ?? []).map(uid))
            defer { left.removeAll { present.contains(uid($0)) } }
            return left.filter { present.contains(uid($0)) }
        }
        let size = max(pods.endpointsInSlice, 1)
        for index in parts.indices where parts[index].count < size {
            let more = left.prefix(size - parts[index].count)
            parts[index] += more
            left.removeFirst(more.count)
        }
        while !left.isEmpty || parts.isEmpty {
            parts.append(Array(left.prefix(size)))
            left.removeFirst(min(size, left.count))
        }
        return parts
    }

    /// Whether what a Service's slices show may be changed now; where controllers are slow, only one slice of it, and later.
    private func isTime(toShow service: JSONValue) -> Bool {
        guard pods.endpointsFollowAfter > .zero else { return true }
        let uid = service.text("metadata", "uid") ?? ""
        guard let due = endpointsDue[uid] else {
            endpointsDue[uid] = now.advanced(by: pods.endpointsFollowAfter)
            return false
        }
        if now < due { return false }
        endpointsDue[uid] = nil
        return true
    }

    private func make(sliceOf service: JSONValue, _ endpoints: JSONValue, _ ports: [JSONValue]) {
        let type = type(ofKind: "EndpointSlice")
        let name = service.text("metadata", "name") ?? ""
        let slice: JSONValue = .members([
            "metadata": .members([
                "generateName": .string("\(name)-"), "namespace": service.at("metadata", "namespace"),
                "labels": .map([
                    "kubernetes.io/service-name": name,
                    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                ]),
                "ownerReferences": .array([reference(to: service, "v1", "Service")]),
            ]),
            "addressType": "IPv4", "endpoints": endpoints, "ports": .array(ports),
        ])
        _ = try? create(type, slice, Writer(manager: "kube-controller-manager"))
    }

    private static func reference(to pod: JSONValue) -> JSONValue {
        .members([
            "kind": "Pod", "namespace": pod.at("metadata", "namespace"), "name": pod.at("metadata", "name"),
            "uid": pod.at("metadata", "uid"),
        ])
    }

    private func endpoints(of service: JSONValue, _ pods: [JSONValue], _ ports: [JSONValue]) {
        let type = type(ofKind: "Endpoints")
        let addresses = pods.map { pod in
            JSONValue.members([
                "ip": pod.at("status", "podIP"), "nodeName": pod.at("spec", "nodeName"),
                "targetRef": Self.reference(to: pod),
            ])
        }
        let subsets: JSONValue? =
            addresses.isEmpty ? nil : .array([.members(["addresses": .array(addresses), "ports": .array(ports)])])
        let (namespace, name) = (service.text("metadata", "namespace"), service.text("metadata", "name") ?? "")
        if let old = store.get(type, namespace, name) { return change(type, old) { $0.setMember("subsets", subsets) } }
        let object: JSONValue = .members([
            "metadata": .members([
                "name": .string(name), "namespace": service.at("metadata", "namespace"),
                "labels": .map(["endpoints.kubernetes.io/managed-by": "endpoint-controller"]),
            ]),
            "subsets": subsets,
        ])
        _ = try? create(type, object, Writer(manager: "kube-controller-manager"))
    }
}

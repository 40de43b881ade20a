import BelayCore
import BelayKubernetesDouble
import BelayPlatform

/// Plays the recordings against the double. What the recorder did in between without recording it is done here, too.
struct Stage {
    private var double: KubernetesDouble
    private var comparison: Comparison

    init() throws {
        double = Self.fresh()
        comparison = try Comparison()
    }

    private static func fresh() -> KubernetesDouble {
        let double = KubernetesDouble(now: Timestamp(milliseconds: 1_764_300_000_000))
        double.know(.admin, byToken: "admin")
        double.know(.serviceAccount("shop", "runner"), byToken: "runner")
        double.install(
            .custom(
                "networking.istio.io", "v1beta1", "VirtualService", "virtualservices",
                rules: [FieldRule("spec.http[].route[].weight")]))
        double.install(.custom("networking.istio.io", "v1beta1", "DestinationRule", "destinationrules"))
        double.install(
            .custom(
                "gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes",
                rules: [FieldRule("spec.rules[].backendRefs[].weight", maximum: 1_000_000)]))
        double.install(.custom("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects"))
        return double
    }

    /// - Returns: What the double answers otherwise.
    mutating func play(_ recording: Recording) -> [String] {
        prepare(recording.number)
        let response = double.answer(request(recording))
        var found: [String] = []
        if response.status != recording.status {
            found.append("status \(response.status) in place of \(recording.status)")
        }
        let warnings = response.headers.filter { $0.0 == "Warning" }.map(\.1)
        if warnings != recording.warnings { found.append("warnings \(warnings) in place of \(recording.warnings)") }
        switch response.body {
        case .json(let json):
            comparison.learn(recording.answer, json)
            if Self.isForReadingOnly(recording.number) { break }
            found += comparison.differences(recording.answer, json, number: recording.number)
        case .text(let text): found += comparison.differences(recording.answer, .string(text), number: recording.number)
        case .watch(let watch):
            let seconds = recording.path.firstRange(of: "timeoutSeconds=").flatMap {
                Int(recording.path[$0.upperBound...].prefix { $0.isNumber })
            }
            double.advance(by: .seconds(seconds ?? 30))
            let events = watch.take().events
            if let missing = comparison.missing(recording.stream ?? [], in: events) {
                found.append(
                    "no event \(missing) among\n  \(events.map { comparison.shape(of: $0) }.joined(separator: "\n  "))")
            }
            if let last = recording.stream?.last?["object"] { comparison.learn(last, events.last?["object"]) }
        }
        return found
    }

    /// 001 has build strings. The message of 021 repeats the object, and that of 092 the words of another parser.
    private static func isForReadingOnly(_ number: Int) -> Bool { [1, 3, 21, 92].contains(number) }

    private func request(_ recording: Recording) -> APIRequest {
        var headers = recording.headers + [("User-Agent", "recorder/1")]
        switch recording.identity {
        case "anonymous": break
        case "an invalid token": headers.append(("Authorization", "Bearer nonsense"))
        case let name where name.hasPrefix("service account"): headers.append(("Authorization", "Bearer runner"))
        default: headers.append(("Authorization", "Bearer admin"))
        }
        var body: [UInt8] = []
        switch recording.body {
        case .string(let text)?:
            // Recording 141 says how long the real text was.
            body = Array(text.utf8)
        case .null?, nil: break
        case let json? where [106, 124, 135].contains(recording.number):
            // The recorder has read the object in between.
            let name = recording.number == 135 ? "cart-canary" : "cart"
            let present = double.object("Deployment", "market", name)?.at("metadata", "resourceVersion")?.string ?? ""
            let text = JSONText.write(comparison.translated(json))
            let pattern = #/("resourceVersion":|resourceVersion","value":)"\d+"/#
            body = Array(text.replacing(pattern) { "\($0.output.1)\"\(present)\"" }.utf8)
        case let json?: body = Array(JSONText.write(comparison.translated(json)).utf8)
        }
        if recording.number == 141 {
            body = Array(
                String(decoding: body, as: UTF8.self).replacing(
                    "(1,100,000 times x)", with: String(repeating: "x", count: 1_100_000)
                ).utf8)
        }
        return APIRequest(
            method: recording.method, target: comparison.translated(recording.path), headers: headers, body: body)
    }

    // MARK: What was not recorded

    private func send(
        _ method: String, _ path: String, _ body: String, type: String = "application/json",
        by manager: String = "kubectl"
    ) {
        let headers = [("Authorization", "Bearer admin"), ("Content-Type", type), ("User-Agent", "\(manager)/1")]
        _ = double.answer(APIRequest(method: method, target: path, headers: headers, body: Array(body.utf8)))
    }

    private mutating func prepare(_ number: Int) {
        switch number {
        case 6, 7, 8, 9, 16, 32, 38, 39, 110, 152, 153: break  // The recorder was faster than the controllers.
        case 17, 111: double.work()
        case 35, 40, 45, 91, 99, 108, 114, 119, 123, 126, 129, 136, 139, 157: double.advance(by: .seconds(3))
        default: double.advance(by: .zero)
        }
        switch number {
        case 87: bindRunner()
        case 93: double.forget()
        case 95: double = Self.fresh()
        case 129: undo()
        case 140: double.admit { type, object in Self.noLatest(object) }
        case 142:
            send(
                "POST", "/api/v1/namespaces/market/configmaps",
                #"{"metadata":{"name":"fixed"},"data":{"x":"1"},"immutable":true}"#)
        case 149: send("DELETE", "/api/v1/namespaces/market/resourcequotas/pods", "{}")
        case 158:
            send("POST", "/api/v1/namespaces", #"{"metadata":{"name":"leaving"}}"#, by: "python-requests")
            send(
                "POST", "/api/v1/namespaces/leaving/configmaps",
                #"{"metadata":{"name":"kept","finalizers":["example.com/keep"]}}"#)
            send("DELETE", "/api/v1/namespaces/leaving", "{}")
        default: break
        }
    }

    private static func noLatest(_ object: JSONValue) -> String? {
        let containers = object.find(["spec", "template", "spec", "containers"])?.array ?? []
        guard containers.contains(where: { $0["image"]?.string?.hasSuffix(":latest") ?? false }) else { return nil }
        return "ValidatingAdmissionPolicy 'no-latest' with binding 'no-latest' denied request: images need a tag"
    }

    /// `kubectl rollout undo deployment/cart`: the template and the annotations of the ReplicaSet before.
    private func undo() {
        let path = "/apis/apps/v1/namespaces/market"
        let answer = double.answer(
            APIRequest(
                method: "GET", target: "\(path)/replicasets?labelSelector=app=cart",
                headers: [("Authorization", "Bearer admin")]))
        guard case .json(let list) = answer.body else { return }
        let mine = (list["items"]?.array ?? []).filter {
            $0.find(["metadata", "ownerReferences"])?.array?.first?["name"]?.string == "cart"
        }.sorted { Self.revision($0) < Self.revision($1) }
        guard let before = mine.dropLast().last, var template = before.find(["spec", "template"]) else { return }
        template.put(nil, at: "metadata", "labels", "pod-template-hash")
        var annotations = before.find(["metadata", "annotations"]) ?? .empty
        for key in ["desired-replicas", "max-replicas"] { annotations.put(nil, at: "deployment.kubernetes.io/\(key)") }
        annotations.put(.string("\(Self.revision(mine.last!))"), at: "deployment.kubernetes.io/revision")
        let patch: JSONValue = .array([
            .members(["op": "replace", "path": "/spec/template", "value": template]),
            .members(["op": "replace", "path": "/metadata/annotations", "value": annotations]),
        ])
        send("PATCH", "\(path)/deployments/cart", JSONText.write(patch), type: "application/json-patch+json")
    }

    private static func revision(_ set: JSONValue) -> Int {
        set.find(["metadata", "annotations", "deployment.kubernetes.io/revision"])?.string.flatMap { Int($0) } ?? 0
    }

    private func bindRunner() {
        let place = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop"
        send(
            "POST", "\(place)/roles",
            #"{"metadata":{"name":"runner"},"rules":[{"verbs":["get","list","watch"],"apiGroups":["apps"],"resources":["deployments"]}]}"#
        )
        send(
            "POST", "\(place)/rolebindings",
            #"{"metadata":{"name":"runner"},"subjects":[{"kind":"ServiceAccount","name":"runner","namespace":"shop"}],"#
                + #""roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"runner"}}"#
        )
    }
}

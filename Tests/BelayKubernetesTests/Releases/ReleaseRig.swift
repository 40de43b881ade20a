import BelayCore
import BelayKubernetesDouble
import BelayKubernetesServer
import BelayPlatform
import Foundation
import Subprocess
import SystemPackage
import Testing

/// A cluster of one's own with the Deployment and the Service `cart`, the program itself, and a recorder of all that is written.
final class ReleaseRig: Sendable {
    /// What the program printed, and how it ended.
    struct Visit: Sendable {
        let status: Int
        let words: String
    }

    /// One request that changed something, or tried to.
    struct Write: Sendable {
        let method: String
        let path: String
        let body: JSONValue
    }

    static let root = Recording.folder.appending(path: "../..").standardized.path
    let server: TestServer
    private let writes = Locked<[Write]>([])
    private let outages = Locked<[String]>([])
    private let dryRuns = Locked(0)
    /// The largest number of stable's pods that was seen.
    private let mostOfStable = Locked(3)
    private let reads = Locked<[String]>([])

    /// Everything of Belay's that was written, in its order.
    var written: [Write] { writes.withLock { $0 } }

    /// What was read without a watch, by the last part of its path.
    var asked: [String] { reads.withLock { $0 } }

    /// So many writes were tried only.
    var tried: Int { dryRuns.withLock { $0 } }

    private init(_ server: TestServer) { self.server = server }

    /// Runs a scenario, and checks at its end what must hold of each: the Service was never without a ready endpoint, and nothing
    /// but the objects of a release was written.
    /// - Parameter isServed: Whether the Service has to have an endpoint all the time.
    static func run(isServed: Bool = true, _ body: (ReleaseRig) async throws -> Void) async throws {
        await Lanes.shared.enter()
        let result = await Result { try await runAlone(isServed: isServed, body) }
        await Lanes.shared.leave()
        try result.get()
    }

    /// So many scenarios at once, so that a small machine's clocks mean something.
    private actor Lanes {
        static let shared = Lanes()
        private var free = 8
        private var waiting: [CheckedContinuation<Void, Never>] = []

        func enter() async {
            if free > 0 {
                free -= 1
                return
            }
            await withCheckedContinuation { waiting.append($0) }
        }

        func leave() {
            if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
        }
    }

    private static func runAlone(isServed: Bool, _ body: (ReleaseRig) async throws -> Void) async throws {
        try await TestServer.run { server in
            let rig = ReleaseRig(server)
            server.make("/api/v1/namespaces", #"{"metadata":{"name":"shop"}}"#)
            server.make(
                "/apis/apps/v1/namespaces/shop/deployments",
                TestServer.deployment)
            server.make(
                "/api/v1/namespaces/shop/services",
                #"{"metadata":{"name":"cart"},"spec":{"selector":{"app":"cart"},"ports":[{"port":80,"targetPort":8080}]}}"#
            )
            server.double.advance(by: .seconds(2))
            server.double.observe { [rig] request in rig.note(request) }
            server.server.run()
            try server.server.certificates.writeKubeconfig(server: server.address, namespace: "shop")
            let watching = Task { await rig.watch() }
            let result = await Result { try await body(rig) }
            watching.cancel()
            await watching.value
            try result.get()
            #expect(!isServed || rig.outages.withLock { $0 }.isEmpty, "\(rig.outages.withLock { $0 }.prefix(3))")
            let paths = rig.written.map(\.path).filter { path in !Self.allowed.contains { path.hasPrefix($0) } }
            #expect(paths.isEmpty && rig.strays.isEmpty, "\(paths + rig.strays)")
            let excesses = rig.excesses(beside: rig.mostOfStable.withLock { $0 })
            #expect(excesses.isEmpty, "\(excesses)")
        }
    }

    private static let allowed = [
        "/apis/coordination.k8s.io/v1/namespaces/shop/leases", "/api/v1/namespaces/shop/configmaps",
        "/api/v1/namespaces/shop/services", "/apis/apps/v1/namespaces/shop/deployments",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "/api/v1/namespaces/shop/events",
        "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers",
    ]

    private func note(_ request: APIRequest) {
        if request.method == "GET", request.parameter("watch") == nil, request.headers["user-agent"] == "belay" {
            reads.withLock { $0.append(request.path.last ?? "") }
        }
        guard request.method != "GET", request.headers["user-agent"] == "belay" else { return }
        guard request.parameter("dryRun") == nil else { return dryRuns.withLock { $0 += 1 } }
        let path = "/" + request.path.joined(separator: "/")
        let body = (try? JSONText.parse(request.body)) ?? .null
        writes.withLock { $0.append(Write(method: request.method, path: path, body: body)) }
    }

    /// Looks again and again whether somebody serves.
    private func watch() async {
        while !Task.isCancelled {
            let pods = server.double.objects("Pod", "shop").filter { $0["metadata"]?["deletionTimestamp"] == nil }
            let living = Set(pods.compactMap { $0["metadata"]?["name"]?.string })
            if endpoints.allSatisfy({ !living.contains($0) }) {
                outages.withLock {
                    $0.append("at \(server.double.now): the Service has \(endpoints), and there are \(living.sorted())")
                }
            }
            let wanted = ["cart", "blue"].compactMap { deployment($0)?["spec"]?["replicas"]?.count }.max() ?? 0
            mostOfStable.withLock { $0 = max($0, wanted) }
            try? await Task.sleep(for: .milliseconds(25))
        }
    }

    // MARK: The cluster

    /// The pods that the Service sends requests to.
    var endpoints: [String] { endpoints(of: "cart") }

    func endpoints(of service: String) -> [String] {
        server.double.objects("EndpointSlice", "shop")
            .filter { $0["metadata"]?["labels"]?["kubernetes.io/service-name"]?.string == service }
            .flatMap { $0["endpoints"]?.array ?? [] }
            .filter { $0["conditions"]?["ready"]?.bool ?? true }
            .compactMap { $0["targetRef"]?["name"]?.string }
    }

    /// So many endpoints are stable's and the canary's.
    var split: (stable: Int, canary: Int) {
        let canary = endpoints.count { $0.hasPrefix("cart-canary-") }
        return (endpoints.count - canary, canary)
    }

    var selector: String? { service("cart")?["spec"]?["selector"]?["app"]?.string }
    func service(_ name: String) -> JSONValue? { server.double.object("Service", "shop", name) }
    func deployment(_ name: String) -> JSONValue? { server.double.object("Deployment", "shop", name) }
    func image(_ name: String) -> String? {
        deployment(name)?["spec"]?["template"]?["spec"]?["containers"]?.array?.first?["image"]?.string
    }

    /// Changes an object as somebody else does, by `kubectl edit`.
    func patch(_ plural: String, _ name: String, _ json: String) {
        let groups = ["services": "/api/v1", "horizontalpodautoscalers": "/apis/autoscaling/v2"]
        let group = groups[plural] ?? "/apis/apps/v1"
        let headers = [
            ("Authorization", "Bearer admin-token"), ("Content-Type", "application/merge-patch+json"),
        ]
        _ = server.double.answer(
            APIRequest(
                method: "PATCH", target: "\(group)/namespaces/shop/\(plural)/\(name)?fieldManager=kubectl-edit",
                headers: headers, body: Array(json.utf8)))
    }

    /// What `kubectl apply` sends of the Deployment's manifest.
    func manifest(image: String) -> String {
        #"{"spec":{"replicas":3,"template":{"spec":{"containers":[{"name":"app","image":"\#(image)","ports":[{"containerPort":8080}]}]}}}}"#
    }

    /// `kubectl replace` of the Service: whatever the manifest does not have is gone.
    func replaceService(_ selector: String) {
        let version = service("cart")?["metadata"]?["resourceVersion"]?.string ?? ""
        let body =
            #"{"apiVersion":"v1","kind":"Service","metadata":{"name":"cart","resourceVersion":"\#(version)"},"#
            + #""spec":{"selector":\#(selector),"ports":[{"port":80,"targetPort":8080}]}}"#
        let headers = [("Authorization", "Bearer admin-token"), ("Content-Type", "application/json")]
        _ = server.double.answer(
            APIRequest(
                method: "PUT", target: "/api/v1/namespaces/shop/services/cart?fieldManager=kubectl-replace",
                headers: headers, body: Array(body.utf8)))
    }

    /// `kubectl delete`
    func remove(_ path: String) {
        _ = server.double.answer(
            APIRequest(method: "DELETE", target: path, headers: [("Authorization", "Bearer admin-token")]))
    }

    /// The process that drives, as the Lease names it.
    var driver: pid_t? {
        let mark = server.double.object("Lease", "shop", "belay-cart")?["metadata"]?["annotations"]?["belay.dev/mark"]
        let json = mark?.string.flatMap { try? JSONText.parse($0) }
        return json?["pid"]?.int.map { pid_t($0) }
    }

    /// Two Deployments, `blue` with two pods and `green` with none, and the Service `pair` before them.
    /// - Parameter selector: The Service's.
    func makePair(selector: String = #"{"app":"pair","side":"blue"}"#) {
        for (side, replicas) in [("blue", 2), ("green", 0)] {
            let labels = #"{"app":"pair","side":"\#(side)"}"#
            server.make(
                "/apis/apps/v1/namespaces/shop/deployments",
                #"{"metadata":{"name":"\#(side)"},"spec":{"replicas":\#(replicas),"selector":{"matchLabels":\#(labels)},"#
                    + #""template":{"metadata":{"labels":\#(labels)},"spec":{"containers":[{"name":"app","image":"cart:v1"}]}}}}"#
            )
        }
        server.make(
            "/api/v1/namespaces/shop/services",
            #"{"metadata":{"name":"pair"},"spec":{"selector":\#(selector),"ports":[{"port":80}]}}"#)
        server.double.advance(by: .seconds(2))
    }

    /// The numbers of the canary's pods that were asked for, in their order.
    var canaryCounts: [Int64] {
        written.filter { $0.path.hasSuffix("deployments/cart-canary") }.compactMap { write in
            if let count = write.body["spec"]?["replicas"]?.int { return count }
            return (write.body.array ?? []).first { $0["path"]?.string == "/spec/replicas" }?["value"]?.int
        }
    }

    /// What a release leaves behind: nothing of its own, and nobody's entry in the managed fields.
    func checkClean(image: String, _ place: SourceLocation = #_sourceLocation) {
        #expect(deployment("cart-canary") == nil && service("cart-canary") == nil, sourceLocation: place)
        #expect(server.double.object("Lease", "shop", "belay-cart") == nil, sourceLocation: place)
        #expect(server.double.object("ConfigMap", "shop", "belay-cart") == nil, sourceLocation: place)
        #expect(selector == "cart" && self.image("cart") == image, sourceLocation: place)
        for object in [service("cart"), deployment("cart")] {
            let text = object.map(JSONText.write) ?? ""
            #expect(!text.contains("belay"), "\(text)", sourceLocation: place)
        }
        #expect(split == (3, 0), sourceLocation: place)
    }

    /// Waits until something is so; two minutes at most.
    func until(
        _ what: String, _ place: SourceLocation = #_sourceLocation, _ isSo: () -> Bool
    ) async throws {
        for _ in 0..<6000 {
            if isSo() { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("it never came that \(what)", sourceLocation: place)
        throw CancellationError()
    }

    // MARK: The program

    /// Waits until `belay status` says something.
    func untilTold(_ words: String, _ place: SourceLocation = #_sourceLocation) async throws {
        var last = ""
        for _ in 0..<120 {
            last = try await belay("status", "cart").words
            if last.contains(words) { return }
            try await Task.sleep(for: .milliseconds(250))
        }
        Issue.record("it was never said that \(words): \(last)", sourceLocation: place)
        throw CancellationError()
    }

    /// Writes a rollout's file.
    /// - Returns: Its path.
    func file(
        revision: String, traffic: String = "service: {name: cart}", steps: String = "{setWeight: 100, hold: 2s}",
        deadline: String = "60s", workload: String = "deployment: cart", strategy: String? = nil
    ) throws -> String {
        let path = "\(server.folder)/release-\(revision).yaml"
        try """
        apiVersion: belay.dev/v1
        kind: Rollout
        metadata: {name: cart}
        spec:
          revision: "\(revision)"
          workload: {kubernetes: {\(workload)}}
          traffic: {\(traffic)}
          strategy: \(strategy ?? "{canary: {steps: [\(steps)], progressDeadline: \(deadline)}}")
          analysis: none
        """.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    /// - Parameters:
    ///   - crash: Where the program ends itself, as `BELAY_CRASH_AT` names it.
    ///   - journal: Another one is another machine's.
    func belay(_ arguments: String..., crash: String? = nil, journal: String = "belay.db") async throws -> Visit {
        var variables: [Environment.Key: String?] = [
            "KUBECONFIG": "\(server.folder)/kubeconfig", "HOME": server.folder,
            "BELAY_DB": "\(server.folder)/\(journal)", "NO_COLOR": "1",
        ]
        variables["BELAY_CRASH_AT"] = crash
        let result = try await Subprocess.run(
            .path(FilePath("\(Self.root)/.build/debug/belay")), arguments: Arguments(arguments),
            environment: .inherit.updating(variables), output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        let words = result.standardOutput + result.standardError
        switch result.terminationStatus {
        case .exited(let code): return Visit(status: Int(code), words: words)
        case .signaled(let signal): return Visit(status: 128 + Int(signal), words: words)
        }
    }
}

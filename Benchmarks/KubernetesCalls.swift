import BelayCore
import BelayDemo
import BelayKubernetes
import BelayKubernetesDouble
import BelayKubernetesServer
import BelayPlatform
import Foundation

/// The client of the Kubernetes API against the double's server in the same process: what it adds to the server's own time.
struct KubernetesCalls {
    private let folder: String
    private let root: String
    private static let runs = 200

    /// - Parameter root: The project's folder, for the recorded pod and the double's program.
    init(root: String) throws {
        self.root = root
        folder = "/tmp/belay-kube-bench-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    func figures() async throws -> [Figure] {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var figures = try list()
        figures.append(try await memory())
        figures += try await calls()
        return figures
    }

    // MARK: Calls and events

    private func calls() async throws -> [Figure] {
        let double = KubernetesDouble(now: Timestamp(milliseconds: 1_764_300_000_000))
        double.know(.admin, byToken: "admin")
        let server = try KubernetesServer(double, try await Certificates.make(in: folder))
        let port = try await server.start()
        let headers = [("Authorization", "Bearer admin"), ("Content-Type", "application/merge-patch+json")]
        func ask(_ method: String, _ path: String, _ body: String = "") {
            _ = double.answer(APIRequest(method: method, target: path, headers: headers, body: Array(body.utf8)))
        }
        ask("POST", "/api/v1/namespaces", #"{"metadata":{"name":"shop"}}"#)
        ask("POST", "/apis/apps/v1/namespaces/shop/deployments", Self.deployment)
        double.advance(by: .seconds(1))
        var access = ClusterAccess(
            server: "https://127.0.0.1:\(port)", context: "", namespace: "shop", credential: .token("admin"), origin: ""
        )
        access.authority = FileManager.default.contents(atPath: "\(folder)/ca.crt").map(Array.init)
        let client = KubernetesClient(access, read: { _ in nil })
        let path = "/apis/apps/v1/namespaces/shop/deployments/cart"
        func patch(_ run: Int) -> String { #"{"spec":{"replicas":\#(run % 7 + 1)}}"# }
        let own = (
            get: Self.median(try await Self.times { _ in ask("GET", path) }),
            patch: Self.median(try await Self.times { run in ask("PATCH", path, patch(run)) })
        )
        let gets = try await Self.times { _ in _ = try await client.get(.deployments("shop"), "cart") }
        let patches = try await Self.times { run in
            _ = try await client.patch(
                .deployments("shop"), "cart", .merge,
                .members(["spec": .members(["replicas": .int(Int64(run % 7 + 1))])]))
        }
        var events: [Double] = []
        var told = client.watch(.deployments("shop")).makeAsyncIterator()
        _ = try await told.next()
        for run in 0..<Self.runs {
            let before = ContinuousClock.now
            ask("PATCH", path, patch(run))
            _ = try await told.next()
            events.append((ContinuousClock.now - before) / .milliseconds(1) - own.patch)
        }
        client.shutdown()
        await server.stop()
        return [
            Figure(
                name: "Kubernetes: a GET beyond the server's own time", values: gets.map { $0 - own.get }, unit: "ms",
                limit: 2),
            Figure(
                name: "Kubernetes: a patch beyond the server's own time", values: patches.map { $0 - own.patch },
                unit: "ms", limit: 2),
            Figure(
                name: "Kubernetes: a watch's event, from the change to the caller", values: events, unit: "ms", limit: 1
            ),
        ]
    }

    private static func times(_ body: (Int) async throws -> Void) async throws -> [Double] {
        var times: [Double] = []
        for run in 0..<(runs + 20) {
            let before = ContinuousClock.now
            try await body(run)
            if run >= 20 { times.append((ContinuousClock.now - before) / .milliseconds(1)) }  // The first ones warm up.
        }
        return times
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    static let deployment = """
        {"metadata":{"name":"cart"},"spec":{"replicas":3,"selector":{"matchLabels":{"app":"cart"}},"template":{"metadata":{"labels":{"app":"cart"}},
        "spec":{"containers":[{"name":"app","image":"cart:v1"}]}}}}
        """

    // MARK: Memory

    /// What 200 watches cost, with the server in another process.
    private func memory() async throws -> Figure {
        let process = try await LocalProcess.start(
            "\(root)/.build/release/belay-kube-double", ["--folder", folder], log: "\(folder)/double.log")
        do {
            let figure = try await watched()
            await process.stop()
            return figure
        } catch {
            await process.stop()
            throw error
        }
    }

    private func watched() async throws -> Figure {
        let line = try await Self.address(in: "\(folder)/double.log")
        var access = ClusterAccess(
            server: line, context: "", namespace: "default", credential: .token("admin"), origin: "")
        access.authority = FileManager.default.contents(atPath: "\(folder)/ca.crt").map(Array.init)
        let client = KubernetesClient(access, read: { _ in nil })
        _ = try await client.version()
        let before = Self.residentMegabytes()
        var streams: [AsyncThrowingStream<WatchEvent, any Error>.Iterator] = []
        for _ in 0..<200 {
            var iterator = client.watch(.namespaces()).makeAsyncIterator()
            _ = try await iterator.next()
            streams.append(iterator)
        }
        try await Task.sleep(for: .seconds(3))  // Every watch has its connection then.
        let after = Self.residentMegabytes()
        client.shutdown()
        return Figure(name: "Kubernetes: memory of 200 watches", values: [after - before], unit: "MB", limit: 40)
    }

    private static func address(in log: String) async throws -> String {
        for _ in 0..<500 {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            if let found = text.split(separator: "\n").first(where: { $0.hasPrefix("listening on ") }) {
                return String(found.dropFirst("listening on ".count))
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw LocalProcess.Failure(description: "belay-kube-double has not begun to listen")
    }

    private static func residentMegabytes() -> Double {
        let words = ((try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? "").split(separator: " ")
        return (words.count > 1 ? Double(words[1]) ?? 0 : 0) * 4096 / 1e6
    }

    // MARK: Lists

    /// 5,000 pods as a real server sent one, in pages of 500: what reading them takes, and what it needs at its peak.
    private func list() throws -> [Figure] {
        let recording = "\(root)/Tests/BelayKubernetesTests/Recordings/101-list-pods-with-limit-one.json"
        let json = try JSONText.parse(try String(contentsOfFile: recording, encoding: .utf8))
        guard let pod = json["response"]?["body"]?["items"]?.array?.first else { return [] }
        let page = Array(
            JSONText.write(.members(["items": .array(Array(repeating: pod, count: 500))])).utf8)
        var (times, peak) = ([Double](), 0.0)
        let base = Self.residentMegabytes()
        for _ in 0..<11 {
            let before = ContinuousClock.now
            var names: [String] = []
            for _ in 0..<10 {
                let items = try JSONText.parse(page)["items"]?.array ?? []
                peak = max(peak, Self.residentMegabytes() - base)
                names += items.compactMap { $0["metadata"]?["name"]?.string }
            }
            times.append((ContinuousClock.now - before) / .milliseconds(1))
        }
        return [
            Figure(
                name: "Kubernetes: reading a list of 5,000 pods (\(page.count * 10 / 1_000_000) MB)", values: times,
                unit: "ms", limit: 300),
            Figure(name: "Kubernetes: memory while reading it", values: [peak], unit: "MB", limit: 60),
        ]
    }
}

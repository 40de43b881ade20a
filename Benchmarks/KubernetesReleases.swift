import BelayCore
import BelayDemo
import BelayEngine
import BelayJournal
import BelayKubernetesDouble
import BelayKubernetesServer
import BelayPlatform
import Foundation

/// Releases of a Deployment by the program, against the double's server in this process: how fast the traffic is taken back, and what a
/// release that waits needs.
struct KubernetesReleases {
    private static let runs = 7

    private let belay: String
    private let folder: String

    init(belay: String) throws {
        self.belay = belay
        folder = "/tmp/belay-release-bench-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    func figures() async throws -> [Figure] {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let double = KubernetesDouble(now: WallClock.systemTime)
        double.know(.admin, byToken: "admin")
        let server = try KubernetesServer(double, try await Certificates.make(in: folder))
        let port = try await server.start()
        func make(_ path: String, _ body: String) {
            let headers = [("Authorization", "Bearer admin"), ("Content-Type", "application/json")]
            _ = double.answer(APIRequest(method: "POST", target: path, headers: headers, body: Array(body.utf8)))
        }
        make("/api/v1/namespaces", #"{"metadata":{"name":"shop"}}"#)
        make("/apis/apps/v1/namespaces/shop/deployments", KubernetesCalls.deployment)
        make(
            "/api/v1/namespaces/shop/services",
            #"{"metadata":{"name":"cart"},"spec":{"selector":{"app":"cart"},"ports":[{"port":80}]}}"#)
        double.advance(by: .seconds(2))
        server.run()
        try server.certificates.writeKubeconfig(server: "https://127.0.0.1:\(port)", namespace: "shop")
        do {
            let figures = try await failingMeasurements(double) + (try await waiting(double))
            await server.stop()
            return figures
        } catch {
            await server.stop()
            throw error
        }
    }

    private func file(_ name: String, hold: String, analysis: String) throws -> String {
        let path = "\(folder)/\(name).yaml"
        try """
        apiVersion: belay.dev/v1
        kind: Rollout
        metadata: {name: cart}
        spec:
          revision: "v2"
          workload: {kubernetes: {deployment: cart}}
          traffic: {service: {name: cart}}
          strategy: {canary: {settle: 0s, steps: [{setWeight: 100, hold: \(hold)}]}}
          analysis: \(analysis)
        """.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private func start(_ file: String) async throws -> LocalProcess {
        try await LocalProcess.start(
            belay, ["run", file],
            environment: ["KUBECONFIG": "\(folder)/kubeconfig", "BELAY_DB": "\(folder)/belay.db", "HOME": folder],
            log: "\(folder)/\(UUID().uuidString).log")
    }

    /// From the end of a failing measurement to the patch of the Service as the server gets it.
    private func failingMeasurements(_ double: KubernetesDouble) async throws -> [Figure] {
        let patched = Locked<Timestamp?>(nil)
        double.observe { request in
            let isBack = String(decoding: request.body, as: UTF8.self).contains("-back")
            guard request.method == "PATCH", request.path.suffix(2) == ["services", "cart"], isBack else { return }
            patched.withLock { $0 = $0 ?? WallClock.systemTime }
        }
        let gate =
            "{templates: [{metrics: [{name: fails, initialDelay: 400ms, successCondition: 'result < 0.5', provider: {constant: {value: 1}}}]}]}"
        let file = try file("fails", hold: "60s", analysis: gate)
        var values: [Double] = []
        for _ in 0..<Self.runs {
            patched.withLock { $0 = nil }
            let run = try await start(file)
            guard await run.wait() == 1 else { throw LocalProcess.Failure(description: run.output) }
            let journal = try SQLiteJournal(path: "\(folder)/belay.db", access: .operate, clock: WallClock())
            var failed: Timestamp?
            for record in try journal.records(of: try journal.find(nil).id) {
                if case .measured(let measured) = record.event, measured.measurement.phase == .failed {
                    failed = failed ?? measured.measurement.finishedAt
                }
            }
            guard let failed, let patched = patched.withLock({ $0 }) else { continue }
            values.append(Double(failed.duration(to: patched).wholeMilliseconds))
        }
        return [
            Figure(
                name: "Kubernetes: failing measurement to the patch as the server gets it", values: values, unit: "ms",
                limit: 30)
        ]
    }

    /// The memory of a release, and what it asks of the server in ten seconds of a hold.
    private func waiting(_ double: KubernetesDouble) async throws -> [Figure] {
        let asked = Locked<[String]>([])
        let run = try await start(try file("waits", hold: "60s", analysis: "none"))
        try await Rig.until("the hold", log: run.log) { run.output.contains("router confirms: 100 %") }
        try await Task.sleep(for: .seconds(5))
        double.observe { request in
            asked.withLock { $0.append("\(request.method) \(request.path.last ?? "")") }
        }
        try await Task.sleep(for: .seconds(10))
        let requests = asked.withLock { $0 }
        let status = (try? String(contentsOfFile: "/proc/\(run.pid)/status", encoding: .utf8)) ?? ""
        let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") }?.split(separator: " ").dropLast().last
        await run.stop()
        return [
            Figure(
                name: "Kubernetes: peak memory of a release", values: [(Double(peak ?? "") ?? .nan) / 1024], unit: "MB",
                limit: 40),
            Figure(
                name: "Kubernetes: requests in ten seconds of a hold", values: [Double(requests.count)],
                unit: "requests",
                limit: 20),
        ]
    }
}

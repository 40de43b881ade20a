import BelayDemo
import Foundation
import Testing

/// A rig, the binary under test and its journal. The servers are real; every name, port and folder is this test's own.
final class Stage {
    struct Ended {
        let code: Int32
        let text: String
    }

    /// The binary beside the test bundle.
    static let belay: String = {
        let me =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: me).deletingLastPathComponent().appending(path: "belay").path
    }()

    let rig: Rig
    let store: String
    private var logs = 0

    init(instances: Int = 1, otherKeys: String = "", redispatch: Bool = false, folder: String? = nil) async throws {
        rig = try Rig(
            belay: Self.belay, folder: folder, instances: instances, life: 300, otherKeys: otherKeys,
            redispatch: redispatch)
        store = rig.folder + "/belay.db"
        for index in 0..<instances { try await rig.startHAProxy(index) }
    }

    /// Runs the body and leaves nothing behind, whatever it throws.
    static func with(
        instances: Int = 1, otherKeys: String = "", redispatch: Bool = false, folder: String? = nil,
        _ body: (Stage) async throws -> Void
    ) async throws {
        let stage = try await Stage(instances: instances, otherKeys: otherKeys, redispatch: redispatch, folder: folder)
        do {
            try await body(stage)
        } catch {
            await stage.rig.stop()
            throw error
        }
        await stage.rig.stop()
    }

    /// A release that holds at 50 % while a request hangs on the canary.
    static func withHangingRequest(
        hasMaster: Bool = false, _ body: (Stage, LocalProcess) async throws -> Void
    ) async throws {
        try await with { stage in
            if hasMaster {
                await stage.rig.stopHAProxy()
                try await stage.rig.startHAProxy(hasMaster: true)
            }
            try await stage.rig.startBlue()
            try await stage.rig.startGreen(delay: 60_000)
            let run = try await stage.start(["run", try stage.file(canary([50, 100], hold: "120s"), analysis: noGate)])
            try await stage.expect(run, says: "router confirms: 50 %")
            // Six connections: soon at least one hangs on the canary.
            let load = Load(port: stage.rig.frontends[0], connections: 6, perSecond: 60, life: 60)
            defer { load.stop() }
            try await Rig.until("a request hangs on the canary") { stage.rig.sessions(of: "app_green") > 0 }
            try await body(stage, run)
        }
    }

    func file(_ strategy: String, name: String = "rollout", analysis: String? = nil, max: String = "0.01") throws
        -> String
    {
        let path = "\(rig.folder)/\(name).yaml"
        try rig.rolloutFile(strategy: strategy, analysis: analysis, max: max).write(
            toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    /// Changes a file of the rig's folder.
    func edit(_ name: String, _ change: (String) -> String) throws {
        let path = "\(rig.folder)/\(name)"
        try change(try String(contentsOfFile: path, encoding: .utf8)).write(
            toFile: path, atomically: true, encoding: .utf8)
    }

    /// A canary of these weights, each held for so long.
    static func canary(_ weights: [Int], hold: String, extra: String = "") -> String {
        let steps = weights.map { "        - {setWeight: \($0), hold: \(hold)}" }.joined(separator: "\n")
        return "    canary:\n      settle: 0s\n\(extra)      steps:\n\(steps)"
    }

    static let noGate = "    none"

    func start(_ arguments: [String], environment: [String: String] = [:], store: String? = nil) async throws
        -> LocalProcess
    {
        logs += 1
        var environment = environment
        environment["BELAY_DB"] = store ?? self.store
        environment["NO_COLOR"] = "1"
        return try await LocalProcess.start(
            Self.belay, arguments, environment: environment, log: "\(rig.folder)/belay-\(logs).log")
    }

    func belay(_ arguments: String..., environment: [String: String] = [:], store: String? = nil) async throws -> Ended
    {
        let process = try await start(arguments, environment: environment, store: store)
        let code = await process.wait()
        return Ended(code: code, text: process.output)
    }

    /// Where the stage's own folder cannot take a log.
    func readOnly(_ command: String) async throws -> Ended {
        let log = "/tmp/belay-\(UUID().uuidString.prefix(8)).log"
        defer { unlink(log) }
        let process = try await LocalProcess.start(Self.belay, [command], environment: ["BELAY_DB": store], log: log)
        let code = await process.wait()
        return Ended(code: code, text: process.output)
    }

    func expect(_ process: LocalProcess, says text: String, within seconds: Double = 30) async throws {
        try await Rig.until("`\(text)`", within: seconds, log: process.log) { process.output.contains(text) }
    }

    func serve(errors: Double = 0) async throws { try await rig.startServices(greenErrors: errors) }

    /// Prometheus, and the first scrape of HAProxy.
    func watch() async throws {
        try await rig.startPrometheus()
        try await Rig.until("Prometheus has scraped HAProxy", within: 30) {
            try await rig.hasScraped()
        }
    }
}

/// One after another: two cores also serve HAProxy, Prometheus and the load.
@Suite("Gates on real servers", .serialized)
enum GateSuites {}

import BelayDemo
import Foundation

/// A folder with the file, a rollout's file and a journal. `shown` is what the balancer has in force.
final class Stand {
    let folder: String
    private var logs = 0
    private var balancer: LocalProcess?

    var share: String { text("share") }
    var shown: String { text("shown") }
    /// Lines of a file that the user's programs write.
    func lines(_ name: String) -> [String] { text(name).split(separator: "\n").map(String.init) }

    var told: [String] { text("told").split(separator: "\n").map(String.init) }

    init() throws {
        folder = "/tmp/belay-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        chmod(folder, 0o755)  // Another test may have taken the umask away.
        try "0\n".write(toFile: folder + "/share", atomically: true, encoding: .utf8)
    }

    static func with(_ body: (Stand) async throws -> Void) async throws {
        let stand = try Stand()
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(stand))
        } catch {
            result = .failure(error)
        }
        await stand.balancer?.stop()
        try? FileManager.default.removeItem(atPath: stand.folder)
        try result.get()
    }

    private func text(_ name: String) -> String {
        let text = (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? ""
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// A balancer of one's own that looks at the file every second.
    func startBalancer() async throws {
        let loop = "while [ $SECONDS -lt 120 ]; do cp share next && mv next shown; sleep 1; done"
        balancer = try await LocalProcess.start(
            "bash", ["-c", "cd '\(folder)'; \(loop)"], log: folder + "/balancer.log")
        try await Rig.until("the balancer has looked") { shown == "0" }
    }

    func file(
        _ weights: [Int], hold: String, more: String = "", workload: String = "{external: {}}",
        run: String? = nil
    ) throws -> String {
        let hook = run.map { ", run: \($0)" } ?? ""
        let steps = weights.map { "{setWeight: \($0), hold: \(hold)\(hook)}" }.joined(separator: ", ")
        let path = folder + "/rollout.yaml"
        try """
        apiVersion: belay.dev/v1
        kind: Rollout
        metadata: {name: app}
        spec:
          revision: "2"
          workload: \(workload)
          traffic:
            file: {path: \(folder)/share, sides: {blue: pool-1, green: pool-2}\(more)}
          strategy: {canary: {settle: 0s, steps: [\(steps)]}}
          analysis: none

        """.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    /// Tells a program of each write, which notes it.
    var noting: String { ", run: [/bin/sh, -c, 'echo $BELAY_SHARE >> \(folder)/told']" }
    var asking: String { ", read: [/bin/cat, \(folder)/shown]" }

    func start(_ arguments: String..., environment: [String: String] = [:]) async throws -> LocalProcess {
        logs += 1
        let own = ["BELAY_DB": folder + "/belay.db", "NO_COLOR": "1"]
        return try await LocalProcess.start(
            Stage.belay, arguments, environment: own.merging(environment) { $1 },
            log: "\(folder)/belay-\(logs).log")
    }

    func belay(_ arguments: String...) async throws -> (code: Int32, text: String) {
        logs += 1
        let process = try await LocalProcess.start(
            Stage.belay, arguments, environment: ["BELAY_DB": folder + "/belay.db", "NO_COLOR": "1"],
            log: "\(folder)/belay-\(logs).log")
        return (await process.wait(), process.output)
    }

    func expect(_ process: LocalProcess, says text: String) async throws {
        try await Rig.until("`\(text)`", within: 30, log: process.log) { process.output.contains(text) }
    }
}

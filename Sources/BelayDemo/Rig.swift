internal import Foundation
internal import Glibc

/// Two versions of a service, HAProxy and Prometheus on free loopback ports, in a folder of their own, each with a
/// bounded life. Everything it starts ends with `stop`.
package final class Rig {
    package let folder: String
    package let frontends: [Int]
    package let prometheusPort: Int
    package let mapFile: String
    package private(set) var blue: LocalProcess?
    package private(set) var green: LocalProcess?
    package private(set) var haproxies: [LocalProcess?]
    package private(set) var prometheus: LocalProcess?
    private let ports: (blue: Int, green: Int, stats: [Int])
    private let belay: String
    private let life: Int
    /// Lines added to the map beside our key.
    private let otherKeys: String
    private let redispatch: Bool

    /// - Parameter belay: The binary whose hidden `demo-service` is the service.
    package init(
        belay: String, folder: String? = nil, instances: Int = 1, life: Int = 600, otherKeys: String = "",
        redispatch: Bool = false
    ) throws {
        self.belay = belay
        self.life = life
        self.otherKeys = otherKeys
        self.redispatch = redispatch
        let base = folder ?? "/tmp/belay-\(UUID().uuidString.prefix(8))"
        self.folder = base
        try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
        chmod(base, 0o755)  // Whatever the umask: Belay refuses a folder that everybody may write to.
        frontends = try (0..<instances).map { _ in try Loopback.freePort() }
        ports = (
            try Loopback.freePort(), try Loopback.freePort(), try (0..<instances).map { _ in try Loopback.freePort() }
        )
        prometheusPort = try Loopback.freePort()
        mapFile = base + "/app.map"
        haproxies = Array(repeating: nil, count: instances)
        try ("app 0\n" + otherKeys).write(toFile: mapFile, atomically: true, encoding: .utf8)
        for index in 0..<instances {
            try config(index).write(toFile: configPath(index), atomically: true, encoding: .utf8)
        }
        try scrape.write(toFile: base + "/prometheus.yml", atomically: true, encoding: .utf8)
    }

    /// The path of an instance's admin socket.
    package func socket(_ index: Int = 0) -> String { "\(folder)/haproxy-\(index).sock" }
    package var prometheusAddress: String { "http://127.0.0.1:\(prometheusPort)" }
    private func configPath(_ index: Int) -> String { "\(folder)/haproxy-\(index).cfg" }

    private func config(_ index: Int) -> String {
        haproxyConfig(
            stats: ports.stats[index], frontend: frontends[index], socket: socket(index), blue: ports.blue,
            green: ports.green,
            redispatch: redispatch)
    }

    private var scrape: String {
        let targets = ports.stats.map { "'127.0.0.1:\($0)'" }.joined(separator: ", ")
        return """
            global: {scrape_interval: 1s, evaluation_interval: 1s, scrape_timeout: 900ms}
            scrape_configs:
            - {job_name: haproxy, static_configs: [{targets: [\(targets)]}]}
            - {job_name: app, static_configs: [{targets: ['127.0.0.1:\(ports.blue)', '127.0.0.1:\(ports.green)']}]}

            """
    }

    // MARK: Start and stop

    /// Where a side's service listens.
    package func port(of side: String) -> Int { side == "blue" ? ports.blue : ports.green }

    /// Starts both versions. Each fails its percentage of the requests, 0…100.
    package func startServices(blueErrors: Double = 0, greenErrors: Double = 0) async throws {
        try await startBlue(errors: blueErrors)
        try await startGreen(errors: greenErrors)
    }

    /// Starts the blue side's service, which fails that percentage of its requests, 0…100.
    package func startBlue(errors: Double = 0, version: String = "blue") async throws {
        blue = try await service(version, ports.blue, errors)
    }

    /// Starts the green side's service.
    /// - Parameters:
    ///   - errors: The percentage of its requests that fails, 0…100.
    ///   - delay: Milliseconds before each answer.
    package func startGreen(errors: Double = 0, version: String = "green", delay: Int = 0) async throws {
        green = try await service(version, ports.green, errors, delay: delay)
    }

    /// Replaces the blue side's service by another version, as a deployment would. It fails `errors` percent of its
    /// requests.
    package func replaceBlue(errors: Double, version: String) async throws {
        await blue?.stop()
        try await startBlue(errors: errors, version: version)
    }

    /// Replaces the green side's service by another version, as a deployment would. It fails `errors` percent of its
    /// requests.
    package func replaceGreen(errors: Double, version: String) async throws {
        await green?.stop()
        try await startGreen(errors: errors, version: version)
    }

    /// Ends the green side's service.
    package func stopGreen() async {
        await green?.stop()
        green = nil
    }

    private func service(
        _ version: String, _ port: Int, _ errors: Double, delay: Int = 0
    ) async throws -> LocalProcess {
        let arguments = [
            "demo-service", "--port", "\(port)", "--name", version, "--errors", "\(errors)", "--delay", "\(delay)",
            "--life", "\(life)",
        ]
        let process = try await LocalProcess.start(belay, arguments, log: folder + "/service.log")
        try await Rig.until("the service \(version) listens", log: process.log) { Rig.connects(to: port) }
        return process
    }

    /// Starts an HAProxy instance and waits until it answers.
    /// - Parameter hasMaster: Whether to run a master process with its worker, as a service manager does.
    package func startHAProxy(_ index: Int = 0, hasMaster: Bool = false) async throws {
        unlink(socket(index))
        haproxies[index] = try await LocalProcess.start(
            "timeout", ["--kill-after=1", "\(life)", "haproxy", "-f", configPath(index), hasMaster ? "-W" : "-db"],
            environment: ["PATH": Rig.path], log: "\(folder)/haproxy-\(index).log")
        try await Rig.until("HAProxy answers", log: "\(folder)/haproxy-\(index).log") {
            FileManager.default.fileExists(atPath: socket(index)) && Rig.connects(to: frontends[index])
        }
    }

    /// A new process takes the listeners over; the old one finishes what it has.
    package func reloadHAProxy(_ index: Int = 0) async throws {
        let old = haproxyPID(index)
        haproxies[index] = try await LocalProcess.start(
            "timeout",
            [
                "--kill-after=1", "\(life)", "haproxy", "-f", configPath(index), "-db", "-x", socket(index), "-sf",
                "\(old)",
            ],
            environment: ["PATH": Rig.path], log: "\(folder)/haproxy-\(index).log")
        try await Rig.until("HAProxy was reloaded", log: "\(folder)/haproxy-\(index).log") {
            ![0, old].contains(haproxyPID(index))
        }
    }

    /// A master's reload: it starts another worker, and the old one finishes what it has.
    package func reloadMaster(_ index: Int = 0) async throws {
        let old = haproxyPID(index)
        let status = try String(contentsOfFile: "/proc/\(old)/status", encoding: .utf8)
        let parent = status.split(separator: "\n").first { $0.hasPrefix("PPid:") }?.split(separator: "\t").last
        kill(parent.flatMap { pid_t($0) } ?? 0, SIGUSR2)
        try await Rig.until("HAProxy was reloaded", log: "\(folder)/haproxy-\(index).log") {
            ![0, old].contains(haproxyPID(index))
        }
    }

    /// Ends an instance, and waits until it is gone.
    package func stopHAProxy(_ index: Int = 0) async {
        await haproxies[index]?.stop()
        haproxies[index] = nil
    }

    private func haproxyPID(_ index: Int) -> Int {
        let answer = UnixSocket.ask(socket(index), "show info") ?? ""
        let line = answer.split(separator: "\n").first { $0.hasPrefix("Pid: ") }
        return line.flatMap { Int($0.dropFirst(5)) } ?? 0
    }

    /// Starts the metrics server and waits until it answers.
    package func startPrometheus() async throws {
        prometheus = try await LocalProcess.start(
            "timeout",
            [
                "--kill-after=1", "\(life)", "prometheus", "--config.file=\(folder)/prometheus.yml",
                "--storage.tsdb.path=\(folder)/data",
                "--web.listen-address=127.0.0.1:\(prometheusPort)", "--log.level=warn",
            ], environment: ["PATH": Rig.path], log: folder + "/prometheus.log")
        try await Rig.until("Prometheus is ready", log: folder + "/prometheus.log") { Rig.connects(to: prometheusPort) }
    }

    /// Ends the metrics server.
    package func stopPrometheus() async {
        await prometheus?.stop()
        prometheus = nil
    }

    /// Ends everything and removes the folder.
    package func stop() async {
        for process in [blue, green, prometheus] + haproxies { await process?.stop() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    // MARK: Asking

    /// The share of the second side as an instance has it.
    package func value(_ index: Int = 0) -> String {
        let answer = UnixSocket.ask(socket(index), "get map \(mapFile) app") ?? ""
        guard let start = answer.range(of: "value=\"") else { return "none" }
        return String(answer[start.upperBound...].prefix { $0 != "\"" })
    }

    /// Sessions on a backend now.
    package func sessions(of backend: String, _ index: Int = 0) -> Int {
        let lines = (UnixSocket.ask(socket(index), "show stat") ?? "").split(separator: "\n")
        let fields = lines.map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        return fields.first { $0.count > 4 && $0[0] == backend && $0[1] == "BACKEND" }.flatMap { Int($0[4]) } ?? 0
    }

    /// Sends a line to an instance's runtime API.
    package func tell(_ line: String, _ index: Int = 0) { _ = UnixSocket.ask(socket(index), line) }

    /// Changes the runtime value of one instance, as another hand would.
    package func setValue(_ value: Int, _ index: Int = 0) {
        _ = UnixSocket.ask(socket(index), "set map \(mapFile) app \(value)")
    }

    package var fileValue: String {
        let text = (try? String(contentsOfFile: mapFile, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").first { $0.hasPrefix("app ") }.map { String($0.dropFirst(4)) } ?? "none"
    }

    /// A loopback port that is free now.
    package static func freePort() throws -> Int { try Loopback.freePort() }

    /// Whether Prometheus has seen both backends.
    package func hasScraped() async throws -> Bool {
        let query = "/api/v1/query?query=haproxy_backend_http_responses_total"
        return (Loopback.get(port: prometheusPort, path: query) ?? "").contains("app_green")
    }

    /// Waits until a condition holds, so that no test sleeps for a guessed time.
    /// - Throws: ``LocalProcess/Failure``, with the end of the log, where the condition does not hold within `seconds`.
    package static func until(
        _ what: String, within seconds: Double = 30, log: String? = nil, _ condition: () async throws -> Bool
    ) async throws {
        let end = Date().addingTimeInterval(seconds)
        while try await !condition() {
            guard Date() < end else {
                let words = log.flatMap { try? String(contentsOfFile: $0, encoding: .utf8) } ?? ""
                throw LocalProcess.Failure(description: "waited \(seconds) s in vain: \(what)\n\(words.suffix(4000))")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Whether something listens on that loopback port.
    package static func connects(to port: Int) -> Bool {
        guard let file = Loopback.connect(port: port, timeout: 1) else { return false }
        close(file)
        return true
    }

    package static let path = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin") + ":/usr/sbin:/sbin"
}

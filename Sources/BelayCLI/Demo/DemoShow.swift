internal import ArgumentParser
internal import BelayDemo
internal import BelayEngine
internal import BelayPlatform
internal import Foundation
internal import Glibc

/// The demo's three acts.
struct DemoShow {
    enum Gate: String, CaseIterable, ExpressibleByArgument {
        case threshold, compare

        /// Requests a second. A comparison decides by errors, of which a quiet service has few.
        var rate: Int { self == .threshold ? 100 : 200 }
    }

    let rate: Int
    let gate: Gate

    private static let fixed = """
            canary:
              steps:
                - {setWeight: 10, hold: 6s}
                - {setWeight: 25, hold: 6s}
                - {setWeight: 50, hold: 6s}
                - {setWeight: 100, hold: 6s}
        """

    private static let onEvidence = """
            canary:
              steps:
                - {setWeight: 25, hold: {min: 5s, max: 90s}}
                - {setWeight: 50, hold: {min: 5s, max: 90s}}
                - {setWeight: 100, hold: 6s}
        """

    /// The percentage of its requests that a good version fails. A comparison does not need a version without errors.
    private var usualErrors: Double { gate == .threshold ? 0 : 0.1 }
    private var badErrors: Double { gate == .threshold ? 5 : 2 }

    private func file(_ rig: Rig) -> String {
        switch gate {
        case .threshold: rig.rolloutFile(name: "demo", strategy: Self.fixed)
        case .compare:
            rig.rolloutFile(
                name: "demo", strategy: Self.onEvidence,
                analysis: """
                        prometheus: {address: "\(rig.prometheusAddress)", timeout: 2s}
                        templates:
                          - ref: haproxy-compare-errors
                            args: {interval: 1s, warm-up: 4s, lookback: 10s, delta: "0.5%"}
                    """)
        }
    }

    /// - Returns: Whether everything went as it should.
    func play() async throws -> Bool {
        let rig = try Rig(belay: "/proc/self/exe", life: 400)
        let load = Locked<Load?>(nil)
        do {
            let isGood = try await acts(rig, load)
            load.withLock { $0?.stop() }
            await rig.stop()
            return isGood
        } catch {
            load.withLock { $0?.stop() }
            await Task { await rig.stop() }.value  // Its own task: the cancellation must not cut it short.
            throw error
        }
    }

    private func acts(_ rig: Rig, _ running: Locked<Load?>) async throws -> Bool {
        heading("starting two versions of a service, HAProxy, Prometheus and \(rate) requests a second")
        try await rig.startBlue(errors: usualErrors, version: "v1")
        try await rig.startGreen(errors: usualErrors, version: "v2")
        try await rig.startHAProxy()
        try await rig.startPrometheus()
        let load = Load(port: rig.frontends[0], perSecond: rate, life: 350)
        running.withLock { $0 = load }
        let file = rig.folder + "/demo.yaml"
        try self.file(rig).write(toFile: file, atomically: true, encoding: .utf8)
        say(
            "http://127.0.0.1:\(rig.frontends[0]) is the service, \(rig.prometheusAddress) is Prometheus, \(file) is the rollout"
        )
        try await waitForFirstScrape(rig)

        if gate == .compare {
            heading("what the traffic allows")
            _ = try await belay(["plan", file, "--revision", "v2"], rig)
        }
        heading("1. a good version, v2: \(gate == .threshold ? "10 → " : "")25 → 50 → 100 %")
        let first = try await belay(["run", file, "--revision", "v2"], rig)

        heading("2. v3, which fails \(Int(badErrors)) % of its requests: Belay has to take it back")
        try await rig.replaceBlue(errors: badErrors, version: "v3")
        let second = try await belay(["run", file, "--revision", "v3"], rig)
        if gate == .compare { _ = try await belay(["show", "demo", "--evidence"], rig) }

        heading("3. v4, whose driver is killed at 25 % with SIGKILL, and resumed")
        try await rig.replaceBlue(errors: usualErrors, version: "v4")
        let killed = try await belay(["run", file, "--revision", "v4"], rig, killedAt: "router confirms: 25 %")
        say(Console.colored("— the driver is dead; HAProxy serves 25 % on, nobody watches. `belay resume` —", .yellow))
        let third = try await belay(["resume", "demo"], rig)

        load.stop()
        let table = try DemoTable(samples: load.samples, store: rig.folder + "/belay.db")
        heading("what the clients saw")
        for line in table.lines { say(line) }
        let isGood = first == 0 && second == 1 && killed == 137 && third == 0 && load.failed.isEmpty
        if !isGood {
            say(
                Console.colored(
                    "not as it should be: exit codes \(first), \(second), \(killed), \(third) instead of 0, 1, 137, 0",
                    .red))
        }
        return isGood
    }

    /// Waits for the first scrape, which comes up to six seconds after Prometheus has started.
    private func waitForFirstScrape(_ rig: Rig) async throws {
        try await Rig.until("the first scrape", log: rig.folder + "/prometheus.log") { try await rig.hasScraped() }
    }

    /// Runs this binary as a process of its own, its words passed on.
    private func belay(_ arguments: [String], _ rig: Rig, killedAt moment: String? = nil) async throws -> Int32 {
        say(
            Console.colored(
                "$ belay \(arguments.map { $0.hasPrefix("/tmp") ? "demo.yaml" : $0 }.joined(separator: " "))", .bold))
        let log = "\(rig.folder)/act-\(UUID().uuidString.prefix(4)).log"
        let process = try await LocalProcess.start(
            "/proc/self/exe", arguments, environment: ["BELAY_DB": rig.folder + "/belay.db"], log: log)
        let code = Task { await process.wait() }
        let isOver = Locked(false)
        let watcher = Task {
            _ = await code.value
            isOver.withLock { $0 = true }
        }
        var shown = 0
        var isLast = false
        while !isLast {
            do {
                try await Task.sleep(for: .milliseconds(50))
            } catch {
                await Task { await process.stop() }.value
                throw error
            }
            isLast = isOver.withLock { $0 }
            let lines = process.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            for line in lines.dropFirst(shown) { say("    \(line)") }
            shown = lines.count
            if let moment, process.output.contains(moment) { process.signal(SIGKILL) }
        }
        await watcher.value
        return await code.value
    }

    private func heading(_ text: String) {
        say("")
        say(Console.colored(text, .bold))
    }
    private func say(_ text: String) { Console.say(text) }
}

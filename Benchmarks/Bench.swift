import BelayCore
import BelayDemo
import BelayEngine
import BelayJournal
import BelayPlatform
import Foundation
import Glibc

/// What is measured, and how.
struct Bench {
    private static let runs = 11

    private let belay: String
    private let folder: String

    init(belay: String) throws {
        self.belay = belay
        folder = "/tmp/belay-bench-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    func run() async throws -> [Figure] {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var figures = try await status()  // First: the peak memory of children is one number for all of them.
        figures.append(Polls.figure(runs: Self.runs))
        figures.append(try Simulations.evaluation(runs: Self.runs))
        figures.append(await Simulations.figure(runs: Self.runs))
        figures += try journal()
        figures += try await reactions()
        figures += try await Comparisons(belay: belay).figures()
        return figures
    }

    static var machine: String {
        let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model =
            info.split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last ?? " unknown"
        return "machine:\(model), \(ProcessInfo.processInfo.processorCount) cores"
    }

    // MARK: status

    private func status() async throws -> [Figure] {
        let path = folder + "/thousand.db"
        let journal = try SQLiteJournal(path: path, access: .drive, clock: WallClock())
        for index in 0..<1000 { try Self.fill(journal, "app-\(index)", events: 60, finished: index < 999) }
        var cpu: [Double] = []
        for _ in 0..<Self.runs {
            let before = Self.childrenCPU()
            let process = try await LocalProcess.start(
                belay, ["status"], environment: ["BELAY_DB": path], log: folder + "/status.log")
            guard await process.wait() == 0 else { throw LocalProcess.Failure(description: process.output) }
            cpu.append(Self.childrenCPU() - before)
        }
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
        return [
            Figure(name: "belay status, 1,000 rollouts, CPU from a cold start", values: cpu, unit: "ms", limit: 30),
            Figure(name: "belay status, peak memory", values: [Double(usage.ru_maxrss) / 1024], unit: "MB", limit: 40),
        ]
    }

    private static func childrenCPU() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
        let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
        return Double(seconds) * 1000 + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000
    }

    // MARK: journal

    private func journal() throws -> [Figure] {
        let journal = try SQLiteJournal(path: folder + "/journal.db", access: .drive, clock: WallClock())
        let lease = try Self.create(journal, "append-1")
        let clock = ContinuousClock()
        var rates: [Double] = []
        var position = 1
        for _ in 0..<Self.runs {
            let took = try clock.measure {
                for _ in 0..<500 {
                    try journal.append(Self.append([Self.measured(position)], after: position), under: lease)
                    position += 1
                }
            }
            rates.append(500 / (Double(took.wholeMilliseconds) / 1000))
        }
        try Self.fill(journal, "recover-1", events: 10_000, finished: false)
        var recover: [Double] = []
        for _ in 0..<Self.runs {
            let took = try clock.measure { _ = try journal.machine(of: "recover-1") }
            recover.append(Double(took.components.attoseconds) / 1e15 + Double(took.components.seconds) * 1000)
        }
        return [
            Figure(name: "durable appends a second (one event each)", values: rates, unit: "/s", limit: nil),
            Figure(name: "recovering a rollout of 10,000 events", values: recover, unit: "ms", limit: 100),
        ]
    }

    // MARK: reactions

    private func reactions() async throws -> [Figure] {
        let rig = try Rig(belay: belay, life: 300)
        do {
            try await rig.startServices()
            try await rig.startHAProxy()
            try await rig.startPrometheus()
            let figures = [try await failingMeasurement(rig), try await abort(rig)]
            await rig.stop()
            return figures
        } catch {
            await rig.stop()
            throw error
        }
    }

    /// From the end of a failing measurement to the reading of HAProxy that confirms stable 100 %, as journaled.
    private func failingMeasurement(_ rig: Rig) async throws -> Figure {
        let gates = """
                prometheus: {address: "\(rig.prometheusAddress)"}
                templates:
                  - metrics:
                      - name: fails
                        initialDelay: 400ms
                        successCondition: result[0] < 0.5
                        provider: {prometheus: {query: "vector(1)"}}
            """
        let file = try write(rig, "fails", "    canary: {settle: 0s, steps: [{setWeight: 50, hold: 60s}]}", gates)
        let store = rig.folder + "/fails.db"
        var values: [Double] = []
        for _ in 0..<Self.runs {
            let run = try await LocalProcess.start(
                belay, ["run", file], environment: ["BELAY_DB": store], log: rig.folder + "/fails.log")
            guard await run.wait() == 1 else { throw LocalProcess.Failure(description: run.output) }
            let journal = try SQLiteJournal(path: store, access: .operate, clock: WallClock())
            let records = try journal.records(of: try journal.find(nil).id)
            var failed: Timestamp?
            for record in records {
                if case .measured(let measured) = record.event { failed = measured.measurement.finishedAt }
                if let failed, case .trafficConfirmed(.zero, _) = record.event {
                    values.append(Double(failed.duration(to: record.at).wholeMilliseconds))
                }
            }
        }
        return Figure(name: "failing measurement to stable 100 % confirmed", values: values, unit: "ms", limit: 50)
    }

    /// The command's whole life: it returns when the driver's journal says that the router has confirmed.
    private func abort(_ rig: Rig) async throws -> Figure {
        let file = try write(rig, "abort", "    canary: {settle: 0s, steps: [{setWeight: 50, hold: 60s}]}", "    none")
        let environment = ["BELAY_DB": rig.folder + "/abort.db"]
        var values: [Double] = []
        for index in 0..<Self.runs {
            let run = try await LocalProcess.start(
                belay, ["run", file], environment: environment, log: "\(rig.folder)/abort-\(index).log")
            try await Rig.until("50 %", log: run.log) { run.output.contains("router confirms: 50 %") }
            let took = try await ContinuousClock().measure {
                let abort = try await LocalProcess.start(
                    belay, ["abort"], environment: environment, log: rig.folder + "/abort.log")
                guard await abort.wait() == 0, rig.value() == "0" else {
                    throw LocalProcess.Failure(description: abort.output)
                }
            }
            values.append(Double(took.wholeMilliseconds))
            _ = await run.wait()
        }
        return Figure(name: "belay abort to stable 100 % confirmed", values: values, unit: "ms", limit: 300)
    }

    private func write(_ rig: Rig, _ name: String, _ strategy: String, _ analysis: String) throws -> String {
        let path = "\(rig.folder)/\(name).yaml"
        try rig.rolloutFile(name: name, strategy: strategy, analysis: analysis).write(
            toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    // MARK: what fills a journal

    private static let now = Timestamp(milliseconds: 1_700_000_000_000)

    private static func create(_ journal: SQLiteJournal, _ id: String) throws -> Lease {
        var metric = Metric(name: "errors", query: PrometheusQuery(address: "http://p", query: "sum(rate(x[1m]))"))
        metric.successCondition = "result[0] < 0.01"
        let sides = Sides(first: Side(name: "blue", backend: "b"), second: Side(name: "green", backend: "g"))
        let target = Target(
            traffic: .haproxy(HAProxyTraffic(sockets: ["/s"], mapFile: "/m", key: "k", sides: sides)), identity: id)
        let steps = [1000, 2500, 5000, 10_000].map {
            PlanStep(weight: Weight(basisPoints: $0)!, hold: Hold(.seconds(300)))
        }
        let plan = Plan(
            name: "app", revision: "1", target: target, roles: Roles(canaryIsSecond: true), steps: steps,
            metrics: [metric])
        return try journal.create(
            id, .init(plan: plan, original: "0", actor: Actor(name: "bench")), key: nil, process: .current, at: now)
    }

    private static func fill(_ journal: SQLiteJournal, _ id: String, events: Int, finished: Bool) throws {
        let lease = try create(journal, id)
        var records: [Event] = [
            .tookOver(epoch: 1, holder: "bench"), .claimed(epoch: 1),
            .trafficConfirmed(share: .zero, incarnations: ["1"]),
            .stepStarted(step: 0, share: Weight(basisPoints: 1000)!),
            .trafficConfirmed(share: Weight(basisPoints: 1000)!, incarnations: ["1"]),
        ]
        while records.count < events - 2 { records.append(measured(records.count)) }
        if finished { records.append(.finished(.promoted)) }
        try journal.append(append(records, after: 1), under: lease)
    }

    private static func measured(_ index: Int) -> Event {
        let at = now.advanced(by: .seconds(15 * index))
        let measurement = Measurement(
            metric: 0, phase: .successful, value: "[0.00\(index % 90 + 10)]", startedAt: at, finishedAt: at)
        return .measured(
            .init(measurement: measurement, isFresh: true, watched: .seconds(15 * index), watchedUntil: at))
    }

    private static func append(_ events: [Event], after: Int) -> Driver.Append {
        Driver.Append(records: events.map { .init(event: $0, at: now) }, after: after, isWayBack: false)
    }
}

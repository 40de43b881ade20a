import BelayCore
import Foundation
import Testing

@testable import BelayAnalysis

/// The published vectors, number for number. `BELAY_VECTORS` names a folder with further files of the same form.
@Suite("Vectors")
struct VectorTests {
    typealias Object = [String: Any]

    static let folders: [String] = {
        let own = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Vectors").path
        return [own] + (ProcessInfo.processInfo.environment["BELAY_VECTORS"].map { [$0] } ?? [])
    }()

    /// Every file of that name; the project's own has to be there.
    static func files(_ name: String) throws -> [Object] {
        try folders.compactMap { folder in
            let path = "\(folder)/\(name)"
            guard folder == folders[0] || FileManager.default.fileExists(atPath: path) else { return nil }
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            return try #require(try JSONSerialization.jsonObject(with: data) as? Object)
        }
    }

    static func list(_ object: Object, _ key: String) throws -> [Object] { try #require(object[key] as? [Object]) }

    static func number(_ object: Object, _ key: String) throws -> Double {
        if object[key] as? String == "inf" { return .infinity }
        return try #require(object[key] as? NSNumber).doubleValue
    }

    static func block(_ poll: Object) throws -> Block {
        Block(
            canaryBad: try number(poll, "xc"), stableBad: try number(poll, "yb"),
            canaryRequests: try number(poll, "nc"),
            stableRequests: try number(poll, "nb"))
    }

    /// Ten digits are printed.
    static func isClose(_ value: Double, _ wanted: Double, _ tolerance: Double = 2e-9) -> Bool {
        abs(value - wanted) <= tolerance * max(1, abs(wanted))
    }

    @Test func `the ratio processes give the published evidence at every poll`() throws {
        var polls = 0
        for file in try Self.files("sequential.json") {
            for test in try Self.list(file, "cases") where (test["test"] as? String)?.hasPrefix("ratio") == true {
                let null = try Self.number(test, "rho0")
                let hypotheses: RatioHypotheses =
                    test["test"] as? String == "ratio-harm" ? .harm(null) : .promotion(null)
                var dispersion = Comparison.Dispersion()
                (dispersion.variance, dispersion.burst) = (try Self.number(test, "v"), try Self.number(test, "phi0"))
                var process = RatioProcess(hypotheses)
                var largest = 0.0
                var scratch = Array(repeating: 0.0, count: hypotheses.count)
                for (poll, wanted) in zip(try Self.list(test, "polls"), try Self.list(test, "expect")) {
                    let block = try Self.block(poll)
                    if block.hasLabels {
                        hypotheses.increments(block, dispersion, into: &scratch)
                        process.add(scratch, hypotheses)
                    }
                    largest = max(largest, process.logE)
                    #expect(Self.isClose(process.logE, try Self.number(wanted, "logE")), "\(test["id"] ?? "")")
                    #expect(Self.isClose(min(1, exp(-largest)), try Self.number(wanted, "p"), 1e-8))
                    let isRejected = largest >= log(1 / (try Self.number(test, "alpha")))
                    #expect(isRejected == (wanted["rejected"] as? Bool))
                    polls += 1
                }
            }
        }
        #expect(polls > 100)
    }

    @Test func `the absolute tests give the published evidence at every poll`() throws {
        var polls = 0
        for file in try Self.files("sequential.json") {
            for test in try Self.list(file, "cases") where (test["test"] as? String)?.hasPrefix("absolute") == true {
                var (bad, requests) = (0.0, 0.0)
                for (poll, wanted) in zip(try Self.list(test, "polls"), try Self.list(test, "expect")) {
                    bad += try Self.number(poll, "xc")
                    requests += try Self.number(poll, "nc")
                    let limit = try Self.number(test, "p0")
                    let logE =
                        test["test"] as? String == "absolute-ni"
                        ? AbsoluteTest.promotion(bad: bad, of: requests, limit: limit)
                        : AbsoluteTest.harm(bad: bad, of: requests, limit: limit)
                    #expect(Self.isClose(logE, try Self.number(wanted, "logE")), "\(test["id"] ?? "")")
                    polls += 1
                }
            }
        }
        #expect(polls > 20)
    }

    @Test func `the closed forms agree`() throws {
        for file in try Self.files("sequential.json") {
            for row in try Self.list(file, "betaClosedForm") {
                let mixture = BetaMixture(
                    a: try Self.number(row, "a"), b: try Self.number(row, "b"), null: try Self.number(row, "pi0"))
                let (x, y) = (try Self.number(row, "x"), try Self.number(row, "y"))
                // The null is printed with ten digits, and x times its error is what can be lost.
                let tolerance = 1e-8
                #expect(Self.isClose(mixture.twoSided(x, y), try Self.number(row, "logE_two"), tolerance))
                #expect(Self.isClose(mixture.harm(x, y), try Self.number(row, "logE_harm"), tolerance))
                #expect(Self.isClose(mixture.promotion(x, y), try Self.number(row, "logE_ni"), tolerance))
            }
        }
    }

    @Test func `the interval of the ratio lies where it should`() throws {
        for file in try Self.files("sequential.json") {
            for row in try Self.list(file, "confidenceSequences") {
                var interval = RatioInterval()
                for poll in try Self.list(row, "polls") { interval.add(try Self.block(poll)) }
                let wanted = try #require(row["expect"] as? Object)
                let (low, high) = interval.bounds(alpha: try Self.number(row, "alpha"))
                let (wantedLow, wantedHigh) = (try Self.number(wanted, "rhoLow"), try Self.number(wanted, "rhoHigh"))
                #expect(abs(low - wantedLow) <= 1e-3 * wantedLow, "\(row["name"] ?? "")")
                #expect(high == wantedHigh || abs(high - wantedHigh) <= 1e-3 * wantedHigh, "\(row["name"] ?? "")")
            }
        }
    }

    @Test func `several metrics combine as published`() throws {
        for file in try Self.files("sequential.json") {
            for row in try Self.list(file, "combination") {
                let logs = try #require(row["logE"] as? [NSNumber]).map(\.doubleValue)
                let wanted = try Self.number(row, "expectLogE")
                let combined =
                    if let weights = row["weights"] as? [NSNumber] {
                        LogMath.sum(logs.count) { log(weights[$0].doubleValue) + logs[$0] }
                    } else { try #require(logs.min()) }
                #expect(Self.isClose(combined, wanted))
                #expect((combined >= log(1 / (try Self.number(row, "alpha")))) == (row["reject"] as? Bool))
            }
        }
    }

    @Test func `the gate decides as published, poll by poll`() throws {
        let words: [String: SequentialGate.Decision] = [
            "WARMUP": .warmUp, "HOLD": .hold, "PROMOTE": .promote, "COMPLETE": .complete, "ABORT": .abort,
        ]
        var polls = 0
        for file in try Self.files("sequential.json") {
            for run in try Self.list(file, "policyEndToEnd") {
                var gate = SequentialGate(try Self.settings(try #require(run["config"] as? Object)))
                for poll in try Self.list(run, "polls") {
                    let wanted = try #require(poll["expect"] as? Object)
                    let isWhole = try #require(poll["wholeWindowInStep"] as? Bool) && poll["step"] as? Int == gate.step
                    let outcome = gate.poll(
                        try Self.number(poll, "dt"), WindowCounts(try Self.block(poll)), isWhole: isWhole)
                    #expect(
                        outcome.decision == words[wanted["decision"] as? String ?? ""], "\(run["id"] ?? "") \(polls)")
                    for (key, value) in [
                        ("logEHarm", outcome.logHarm), ("logENi", outcome.logPromotion),
                        ("logEGuard", outcome.logGuardian),
                    ] where wanted[key] != nil {
                        #expect(Self.isClose(value, try Self.number(wanted, key)), "\(run["id"] ?? "") \(key)")
                    }
                    polls += 1
                }
            }
        }
        #expect(polls > 200)
    }

    static func settings(_ config: Object) throws -> SequentialGate.Settings {
        var settings = SequentialGate.Settings()
        settings.steps = Int(try number(config, "gated"))
        (settings.minHold, settings.maxHold) = (try number(config, "min_hold"), try number(config, "max_hold"))
        settings.onSuspicion = .promote
        settings.comparison.alpha = try number(config, "ah")
        settings.comparison.promotionAlpha = try number(config, "ap")
        settings.comparison.harmRatio = try number(config, "rho_h")
        settings.comparison.promotionRatio = try number(config, "rho_n")
        settings.comparison.delta = config["delta"] is NSNull ? nil : try number(config, "delta")
        settings.comparison.dispersion.variance = try number(config, "v")
        settings.comparison.dispersion.burst = try number(config, "phi0")
        settings.comparison.suspicion = try number(config, "suspicious")
        settings.comparison.warmUp = .seconds(try number(config, "warm"))
        settings.comparison.suspicionLimit = .seconds(try number(config, "hard_hold"))
        return settings
    }

    @Test func `counters give the published increments`() throws {
        for file in try Self.files("counters.json") {
            for test in try Self.list(file, "cases") {
                func moment(_ seconds: Double) -> Timestamp { Timestamp(milliseconds: Int64(seconds * 1000)) }
                var query = CounterQuery(canary: "c", stable: "s")
                query.bad = [.init(label: "bad", pattern: "yes")]
                query.requests = [.init(label: "series", pattern: "[0-9]+")]
                var reader = CounterReader(query, start: moment(try Self.number(test, "t0")))
                var all: [CounterSeries] = []
                for (index, series) in try Self.list(test, "series").enumerated() {
                    let samples = try #require(series["samples"] as? [[NSNumber]]).map {
                        CounterSeries.Sample(at: moment($0[0].doubleValue), value: $0[1].doubleValue)
                    }
                    let labels = ["instance": "target-\(index)", "series": "\(index)"]
                    let start = (series["startTime"] as? NSNumber).map { moment($0.doubleValue) }
                    let starts = start.map { [CounterSeries.Start(at: samples.last!.at, began: $0)] } ?? []
                    all.append(CounterSeries(labels: .init(labels), samples: samples, starts: starts))
                    if series["targetKnownBefore"] as? Bool == true {
                        // The same target was scraped before without this child: another series of it shows that.
                        let sibling = samples.map { CounterSeries.Sample(at: $0.at, value: 100) }
                        let earlier = CounterSeries.Sample(at: moment(samples[0].at.seconds - 15), value: 100)
                        all.append(
                            CounterSeries(
                                labels: .init(["instance": "target-\(index)", "series": "sibling"]),
                                samples: [earlier] + sibling))
                    }
                }
                for wanted in try Self.list(test, "expect") {
                    // The vectors are of one version; what both do together is known from the other one.
                    let reading = reader.read(all, until: moment(try Self.number(wanted, "ts")), pace: 100)
                    let counted = reading.pieces.map(\.requests).reduce(0, +)
                    #expect(counted == (try Self.number(wanted, "rawDelta")), "\(test["id"] ?? "")")
                }
            }
        }
    }
}

extension WindowCounts {
    init(_ block: Block) {
        self.init(
            bad: [.init(canary: block.canaryBad, stable: block.stableBad)], canaryRequests: block.canaryRequests,
            stableRequests: block.stableRequests)
    }
}

extension Timestamp {
    fileprivate var seconds: Double { Double(milliseconds) / 1000 }
}

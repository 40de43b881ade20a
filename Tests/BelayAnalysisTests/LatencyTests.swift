import BelayCore
import Foundation
import Testing

@testable import BelayAnalysis

/// The study of latency's tests, played again: slow answers at three bounds, the evidence of harm averaged over them.
@Suite("Latency")
struct LatencyTests {
    struct Row: CustomTestStringConvertible, Sendable {
        let scenario: String
        let requests: Double
        let alpha: Double
        let runs: Int
        let alarms: Double
        let delay: Double?
        var testDescription: String { "\(scenario), \(Int(requests))/s" }
    }

    private static let bounds = [0.1, 0.25, 0.5]

    static var rows: [Row] {
        get throws {
            let study = try VectorTests.files("latency.json").compactMap { $0["study"] as? VectorTests.Object }
            return try study.flatMap { try VectorTests.list($0, "rows") }
                .filter { $0["method"] as? String == "slow avg 3 bounds" }
                .map { row in
                    Row(
                        scenario: row["scenario"] as? String ?? "", requests: try VectorTests.number(row, "rps"),
                        alpha: try VectorTests.number(row, "alpha"), runs: row["reps"] as? Int ?? 0,
                        alarms: try VectorTests.number(row, "alarmRate"),
                        delay: (row["meanDelaySeconds"] as? NSNumber)?.doubleValue)
                }
        }
    }

    /// The shares of the canary's answers that are slower than each bound: lognormal, median 80 ms, spread 0.6.
    private static func shares(_ scenario: String) -> [Double]? {
        let model = TrafficModel()
        if scenario == "A/A" { return bounds.map { model.slower(than: $0, times: 1) } }
        if let times = scenario.split(separator: "x").last.flatMap({ Double($0) }) {
            return bounds.map { model.slower(than: $0, times: times) }
        }
        // `tail: 2% of requests ~1.5 s`: slower than every bound.
        guard scenario.hasPrefix("tail: "), let tail = Double(scenario.dropFirst(6).prefix { $0 != "%" }) else {
            return nil
        }
        return bounds.map { model.slower(than: $0, times: 1) * (1 - tail / 100) + tail / 100 }
    }

    @Test func `the published slow shares of stable are those of the model`() throws {
        for file in try VectorTests.files("latency.json") {
            let study = try #require(file["study"] as? VectorTests.Object)
            let wanted = try #require(study["slowFractionBaseline"] as? [String: NSNumber])
            for (bound, share) in wanted {
                let found = TrafficModel().slower(than: try #require(Double(bound)), times: 1)
                #expect(abs(found - share.doubleValue) < 1e-9)
            }
        }
    }

    @Test func `the test of three bounds alarms as often and as fast as in the study`() throws {
        let rows = try Self.rows
        #expect(rows.count == 16)
        for row in rows {
            let shares = try #require(Self.shares(row.scenario), "\(row.scenario)")
            let delays = (0..<200).compactMap { Self.alarm(row, shares, seed: UInt64($0)) }
            let rate = Double(delays.count) / 200
            // Both are measured: four standard deviations of either.
            let spread = 4 * (max(row.alarms * (1 - row.alarms), 0.005) * (1 / 200 + 1 / Double(row.runs))).squareRoot()
            #expect(abs(rate - row.alarms) <= spread, "\(row): \(rate), published \(row.alarms)")
            guard let wanted = row.delay, delays.count >= 50 else { continue }
            let mean = delays.reduce(0, +) / Double(delays.count)
            #expect(abs(mean - wanted) <= 0.15 * wanted + 2, "\(row): \(mean) s, published \(wanted)")
        }
    }

    /// Seconds until the averaged evidence reaches 1/alpha, in a quarter of an hour at 10:90; nil where it never does.
    private static func alarm(_ row: Row, _ shares: [Double], seed: UInt64) -> Double? {
        var random = SplitMix64(seed: seed &* 7919 &+ 1)
        let stable = bounds.map { TrafficModel().slower(than: $0, times: 1) }
        let hypotheses = RatioHypotheses.harm(1.25)
        var processes = bounds.map { _ in RatioProcess(hypotheses) }
        var dispersion = Comparison.Dispersion()
        dispersion.variance = 0
        var scratch = Array(repeating: 0.0, count: hypotheses.count)
        for poll in 1...60 {
            let (canaryRequests, stableRequests) = (row.requests * 1.5, row.requests * 13.5)
            var (slow, slowStable, above) = (0.0, 0.0, (0.0, 0.0))
            for index in bounds.indices.reversed() {
                slow += random.poisson(canaryRequests * (shares[index] - above.0))
                slowStable += random.poisson(stableRequests * (stable[index] - above.1))
                above = (shares[index], stable[index])
                let block = Block(
                    canaryBad: slow, stableBad: slowStable, canaryRequests: canaryRequests,
                    stableRequests: stableRequests)
                guard block.hasLabels else { continue }
                hypotheses.increments(block, dispersion, into: &scratch)
                processes[index].add(scratch, hypotheses)
            }
            let mean = processes.reduce(0) { $0 + exp($1.logE) } / Double(bounds.count)
            if mean >= 1 / row.alpha { return Double(poll) * 15 }
        }
        return nil
    }
}

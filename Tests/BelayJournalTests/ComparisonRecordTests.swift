import BelayCore
import BelayEngine
import BelayPlatform
import Testing

@testable import BelayJournal

@Suite("Comparisons in the journal")
struct ComparisonRecordTests {
    private static var metric: Metric {
        var counters = CounterQuery(canary: "a{x=\"1\"}", stable: "b")
        counters.bad = [.init(label: "code", pattern: "5..")]
        counters.requests = [.init(label: "kind", pattern: "user")]
        counters.slowerThan = [0.1, 0.25]
        (counters.startTimes, counters.lag, counters.lookback) = ("start", .seconds(5), .seconds(90))
        var metric = Metric(
            name: "compared",
            query: PrometheusQuery(server: Endpoint(address: "http://p"), question: .counters(counters)))
        var comparison = Comparison()
        (comparison.harmRatio, comparison.promotionRatio, comparison.alpha) = (1.5, 3, 0.02)
        (comparison.promotionAlpha, comparison.delta, comparison.suspicion) = (0.1, 0.005, 4)
        (comparison.suspicionLimit, comparison.minRequests, comparison.warmUp) = (.seconds(60), 7, .seconds(9))
        (comparison.dispersion.variance, comparison.dispersion.burst, comparison.weight) = (0.2, 3, 2)
        metric.comparison = comparison
        return metric
    }

    /// Numbers that take every digit of a double.
    private static var evidence: Evidence {
        let now = Timestamp(milliseconds: 1_700_000_000_123)
        let window = CountWindow(
            from: now, to: now.advanced(by: .seconds(15)), since: now, canaryRequests: 1480.5,
            stableRequests: 9_007_199_254_740_991,
            bad: [.init(canary: 0.1 + 0.2, stable: 4), .init(canary: 0, stable: 1)])
        return Evidence(
            test: .warmUp, window: window, step: 1, isWhole: false, harm: 1e300, harmLimit: 1000,
            promotion: 1.0 / 3, requests: 12, reference: 7.25)
    }

    private static func readBack(_ event: Event) throws -> Event {
        let text = JSONText.write(StoredEvent.payload(of: event))
        return StoredEvent.event(named: StoredEvent.name(of: event), try JSONText.parse(Array(text.utf8)))
    }

    @Test func `what a metric compares is stored whole`() throws {
        let sides = Sides(first: Side(name: "blue", backend: "b"), second: Side(name: "green", backend: "g"))
        let plan = Plan(
            name: "app", revision: "2",
            target: Target(
                traffic: .haproxy(HAProxyTraffic(sockets: ["/s"], mapFile: "/m", key: "k", sides: sides)), identity: "t"
            ),
            roles: Roles(canaryIsSecond: true), steps: [PlanStep(weight: .full)], metrics: [Self.metric])
        let started = Event.started(.init(plan: plan, original: "0", actor: Actor(name: "alice")))
        #expect(try Self.readBack(started) == started)
    }

    @Test func `a window and its numbers read back bit for bit`() throws {
        let now = Timestamp(milliseconds: 1_700_000_000_123)
        let measurement = Measurement(
            metric: 0, phase: .successful, value: "1/2", startedAt: now, finishedAt: now, evidence: Self.evidence)
        let measured = Event.measured(
            .init(measurement: measurement, isFresh: true, watched: .zero, watchedUntil: nil))
        #expect(try Self.readBack(measured) == measured)
    }
}

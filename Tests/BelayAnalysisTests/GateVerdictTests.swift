import BelayCore
import BelayTestSupport
import Testing

@testable import BelayAnalysis

/// What is said of a gate before the release.
@Suite("What a gate can notice")
struct GateVerdictTests {
    private static func comparison(_ requests: Double, _ bad: Double) -> [GateVerdict] {
        let plan = Plan.compared()
        let forecast = Forecast(plan.metrics[0].comparison!, requestsPerSecond: requests, badShare: bad)
        return GateVerdict.of(plan.metrics[0], [forecast], in: plan)
    }

    @Test func `a comparison at much traffic notices a threefold rate, at little only ten times, at less nothing`() {
        let busy = Self.comparison(2000, 0.001)
        #expect(busy.count == 3 && busy.allSatisfy(\.noticesThreefold))
        #expect(busy[0].text.hasPrefix("notices a threefold rate of stable's within step 1 (held 5m), after about "))
        let quiet = Self.comparison(60, 0.001)[0]
        #expect(!quiet.noticesThreefold && quiet.noticesTenfold)
        #expect(
            quiet.text.hasPrefix("cannot notice a threefold rate of stable's within step 1 (held 5m); ten times takes ")
        )
        let idle = Self.comparison(2, 0.001)[0]
        #expect(idle.badness == 2 && idle.text.contains("nor ten times, which takes "))
        #expect(Self.comparison(2000, 0)[0].text.contains("three times nothing is nothing"))
    }

    private static func threshold(_ stable: Double, perSecond: Double? = 1000, minRequests: Int? = nil) -> GateVerdict {
        let query = "sum(rate(x{code=~\"5..\"}[1m])) / sum(rate(x[1m]))"
        var metric = Metric(name: "rate", query: PrometheusQuery(address: "http://p", query: query))
        (metric.successCondition, metric.window) = ("all(result, # <= 0.01)", .seconds(60))
        (metric.minRequests, metric.limits.failure) = (minRequests, 1)
        return GateVerdict.of(metric, stable: stable, perSecond: perSecond, in: .compared())[0]
    }

    @Test func `a threshold notices what goes beyond its limit, after its window and what it forgives`() {
        #expect(Self.threshold(0.005).threefold == 75)
        let loose = Self.threshold(0.002)
        #expect(!loose.noticesThreefold && loose.tenfold == 75)
        #expect(
            loose.text.hasSuffix("ten times takes 75 s (stable is at 0.002, and three times that is within the limit)"))
        #expect(Self.threshold(0.0001).badness == 2)
        let quiet = Self.threshold(0.005, perSecond: 1, minRequests: 20)
        #expect(quiet.badness == 2 && quiet.reason == "6 requests in 1m at this share, minRequests 20")
    }
}

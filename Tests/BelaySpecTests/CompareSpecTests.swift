import BelayCore
import BelaySpec
import Testing

@Suite("`compare` in files")
struct CompareSpecTests {
    static let metric = """
            - name: errors
              interval: 10s
              minRequests: 50
              compare: {alpha: 2%, delta: 0.5%, warmUp: 5s, dispersion: {variance: 0.4}}
              provider:
                prometheus:
                  canary: http_requests_total{side="{{canary.side}}"}
                  stable: http_requests_total{side="{{stable.side}}"}
                  bad: {status: "5.."}
        """

    private static func file(_ metric: String, strategy: String = "{ref: canary-evidence}") -> SpecSource {
        let inline = metric.split(separator: "\n").map { "          \($0.dropFirst(4))" }.joined(separator: "\n")
        let text = SpecTests.good.replacing("{ref: canary-10-25-50-100}", with: strategy)
            .replacing(
                "- {ref: haproxy-error-rate, args: {backend: \"{{canary.backend}}\", max: \"0.01\"}}",
                with: "- metrics:\n\(inline)")
        return SpecSource(file: "r.yaml", text: text)
    }

    @Test func `a comparison becomes part of the plan`() throws {
        let plan = try SpecTests.loader().rollout(Self.file(Self.metric))
            .plan(roles: Roles(canaryIsSecond: true), identity: "t")
        let metric = try #require(plan.metrics.first)
        let comparison = try #require(metric.comparison)
        #expect(comparison.alpha == 0.02)
        #expect(comparison.delta == 0.005)
        #expect(comparison.warmUp == .seconds(5))
        #expect(comparison.minRequests == 50)
        #expect(comparison.dispersion.variance == 0.4)
        #expect(comparison.harmRatio == 1.25)
        let counters = try #require(metric.counters)
        #expect(counters.canary == "http_requests_total{side=\"green\"}")
        #expect(counters.stable == "http_requests_total{side=\"blue\"}")
        #expect(counters.bad == [.init(label: "status", pattern: "5..")])
        #expect(plan.steps[0].hold == Hold(min: .seconds(60), max: .seconds(300)))
    }

    @Test(
        "what cannot be compared is refused",
        arguments: [
            ("minRequests: 50", "successCondition: result[0] < 1", "has no say beside `compare`"),
            ("alpha: 2%", "alpha: 50%", "`50%` is not a probability in 1e-06…0.2"),
            ("alpha: 2%", "alpah: 2%", "unknown key `alpah`; did you mean `alpha`?"),
            ("alpha: 2%", "promotionRatio: 1.1", "promotionRatio 1.1 must be more than harmRatio 1.25"),
            ("alpha: 2%", "suspicion: 100", "must be less than 1/alpha, 100"),
            ("{{stable.side}}", "{{canary.side}}", "compares a thing with itself"),
            ("http_requests_total{side=\"{{canary.side}}\"}", "sum(rate(a[1m]))", "is no selector"),
            ("bad: {status: \"5..\"}", "lag: 1s", "either `bad`"),
            ("bad: {status: \"5..\"}", "bad: {status: \"5(\"}", "`5(` is no regular expression"),
            ("bad: {status: \"5..\"}", "query: up", "asks for `canary` and `stable`"),
        ])
    func refused(old: String, new: String, says: String) throws {
        #expect(Self.metric.contains(old))
        let issues = SpecTests.loader().lint(Self.file(Self.metric.replacing(old, with: new)))
        #expect(issues.contains { $0.description.contains(says) }, "\(issues.map(\.description))")
    }

    @Test func `a strategy that never gives both versions traffic has nothing to compare`() throws {
        let issues = SpecTests.loader().lint(Self.file(Self.metric, strategy: "{blueGreen: {}}"))
        #expect(issues.contains { $0.description.contains("no step gives both of them traffic at once") }, "\(issues)")
    }
}

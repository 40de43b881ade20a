import Testing

@testable import BelayAnalysis

@Suite("What is read out of a query")
struct PromQLTests {
    @Test(
        "selectors are found wherever they stand",
        arguments: [
            ("up", ["up"]),
            ("sum(rate(http_requests_total{code=~\"5..\"}[1m])) or vector(0)", ["http_requests_total{code=~\"5..\"}"]),
            ("sum by (le, job) (rate(x_bucket{a=\"b\"}[5m:30s] offset 1m))", ["x_bucket{a=\"b\"}"]),
            ("sum(a) by (job) / on (job) group_left (team) b{c!=\"\"} > bool 1e3", ["a", "b{c!=\"\"}"]),
            ("{__name__=\"x\",y='z'} unless x", ["{__name__=\"x\",y='z'}", "x"]), ("1 + time() * pi()", []),
            ("a{b=\"}\"} # c{d=\"e\"}\n- a{b=\"}\"}", ["a{b=\"}\"}"]),
            ("label_replace(up, \"x\", \"$1\", \"y\", \"(.*)\")", ["up"]),
            ("count_values without (instance) (\"version\", build_info)", ["build_info"]),
        ])
    func selectors(query: String, texts: [String]) {
        #expect(PromQL.selectors(in: query)?.map(\.text) == texts)
    }

    @Test("what is no query has none", arguments: ["a{b}", "a{b=\"c", "a{b==\"c\"}", "x[5m", "sum by (a"])
    func broken(query: String) { #expect(PromQL.selectors(in: query) == nil) }

    @Test func `a selector knows a wider one of its metric`() throws {
        let all = try #require(PromQL.selectors(in: "x{a=\"1\",code=~\"5..\"} / x{a=\"1\"} + y{a=\"1\"} + x{a=\"2\"}"))
        #expect(all[1].isWider(than: all[0]))
        #expect(!all[0].isWider(than: all[1]) && !all[2].isWider(than: all[0]) && !all[3].isWider(than: all[0]))
        #expect(all[0].labels == ["a", "code"])
        let absent = try #require(PromQL.selectors(in: "x{a!=\"1\",b=\"\",c=~\".*\",d!~\"x\",e=~\".+\",f=\"1\"}"))
        #expect(absent[0].needed == ["e", "f"])
    }

    @Test func `the age is that of the oldest selector's newest sample`() {
        #expect(
            PromQL.ageQuery(of: ["rate(a[1m]) / rate(b[1m])"])
                == "time() - min(label_replace(max(timestamp(a)), \"selector\", \"0\", \"\", \"\") or "
                + "label_replace(max(timestamp(b)), \"selector\", \"1\", \"\", \"\"))")
        #expect(PromQL.ageQuery(of: ["vector(1)"]) == nil)
        // The newest sample is not the one that is seen.
        #expect(PromQL.ageQuery(of: ["rate(a[1m] offset 5m)"]) == nil)
        #expect(PromQL.ageQuery(of: ["a @ 1700000000"]) == nil)
        #expect(PromQL.ageQuery(of: ["a{b=\"offset @\"}"]) != nil)
    }

    @Test func `a quantile is found where it is all that is asked`() {
        let query = "1000 * histogram_quantile(0.99, sum by (le) (rate(x_bucket[1m])))"
        #expect(
            PromQL.quantile(in: query)
                == QuantileQuery(quantile: 0.99, buckets: "sum by (le) (rate(x_bucket[1m]))", scale: 1000))
        #expect(PromQL.quantile(in: " histogram_quantile(0.5, x) * 2 ")?.scale == 2)
        #expect(PromQL.quantile(in: "max(histogram_quantile(0.5, x))") == nil)
        #expect(PromQL.quantile(in: "histogram_quantile(0.5, x) - 1") == nil)
    }
}

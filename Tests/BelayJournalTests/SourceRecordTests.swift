import BelayCore
import BelayEngine
import BelayPlatform
import Testing

@testable import BelayJournal

@Suite("Sources and judges in the journal")
struct SourceRecordTests {
    private static var server: Endpoint {
        var server = Endpoint(address: "http://x/{{env:PATH}}")
        server.headers = [Header(name: "A", value: "{{env:TOKEN}}")]
        (server.bearer, server.basicUser, server.basicPassword) = ("env:A", "u", "file:/p")
        (server.authority, server.certificate, server.key) = ("/a", "/c", "/k")
        (server.timeout, server.isInsecure, server.maxInFlight) = (.seconds(3), true, 2)
        return server
    }

    private static var sources: [MetricSource] {
        var web = WebQuery(server: server)
        (web.method, web.body, web.path) = (.put, .json(.object([.init("a", .int(1))])), try! JSONPath("{$.a[0]}"))
        var text = WebQuery(server: server)
        (text.method, text.body) = (.post, .text("x"))
        var command = CommandQuery(arguments: ["./a", "b"])
        command.environment = [Header(name: "N", value: "{{env:V}}")]
        (command.directory, command.timeout, command.reads) = ("/d", .seconds(9), .exitStatus)
        let stretch = PrometheusQuery.Stretch(start: .seconds(300), end: .seconds(1), step: .seconds(15))
        var range = PrometheusQuery(server: server, question: .range("up", stretch))
        range.requestsQuery = "count(up)"
        return [
            .web(web), .web(text), .web(WebQuery(server: Endpoint(address: "http://y"))), .command(command),
            .constant(.array([.double(0.5), .string("x")])), .prometheus(range),
            .prometheus(PrometheusQuery(server: server, question: .judged)),
        ]
    }

    private static var judge: Judge {
        var series = Judge.Series(name: "n", canary: "c", stable: "s")
        (series.groups, series.direction, series.effect) = (["g", "h"], .decrease, .cles)
        (series.replacesNaN, series.isCritical, series.mustHaveData) = (true, true, true)
        (series.allowedIncrease, series.allowedDecrease) = (0.6, 0.4)
        (series.criticalIncrease, series.criticalDecrease, series.outlierFactor) = (0.7, 0.3, 1.5)
        var judge = Judge(series: [series])
        judge.groupWeights = [.init(group: "g", weight: 60), .init(group: "h", weight: 40)]
        (judge.pass, judge.marginal, judge.step) = (90, 50, .seconds(15))
        (judge.lookback, judge.minPoints) = (.seconds(600), 7)
        return judge
    }

    private static func readBack(_ metric: Metric) throws -> Metric {
        try StoredMetric.decode(try JSONText.parse(JSONText.write(StoredMetric.encode(metric))))
    }

    @Test("whom a metric asks is stored whole", arguments: sources)
    func source(source: MetricSource) throws {
        var metric = Metric(name: "m", source: source)
        #expect(try Self.readBack(metric) == metric)
        metric.isDryRun = true
        #expect(try Self.readBack(metric) == metric)
    }

    @Test func `how a judge judges is stored whole`() throws {
        var metric = Metric(
            name: "m", source: .prometheus(PrometheusQuery(server: Self.server, question: .judged)))
        metric.judge = Self.judge
        #expect(try Self.readBack(metric) == metric)
    }
}

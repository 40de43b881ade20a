import BelayAnalysis
import BelayCore
import Testing

@testable import BelayEngine

/// One measurement, by what the server says of the samples behind its answer.
@Suite("A measurement and what is behind it")
struct GaugeTests {
    /// Answers by the words of the question.
    private struct Server: MetricProvider {
        let remarks: [String] = []
        var answer: MetricAnswer
        var requests: MetricAnswer?
        var vectors: [(word: String, answer: VectorAnswer)] = []

        func measure(_ metric: Metric, at moment: Timestamp) async -> MetricReading {
            MetricReading(answer, requests: requests)
        }

        func vector(_ query: String, of metric: Metric, at moment: Timestamp) async -> VectorAnswer {
            vectors.first { query.contains($0.word) }?.answer ?? .series([])
        }

        func counters(_ metric: Metric, back: Duration, at moment: Timestamp) async -> CounterAnswer { .error("") }
        func series(_ metric: Metric, back: Duration, at moment: Timestamp) async -> SeriesAnswer { .error("") }
    }

    private static let now = Timestamp(milliseconds: 1_700_000_000_000)

    private static func metric(_ query: String, max: Double) -> Metric {
        var metric = Metric(name: "m", query: PrometheusQuery(address: "http://p", query: query))
        (metric.successCondition, metric.most) = ("all(result, # <= \(max))", max)
        return metric
    }

    private static func one(_ value: Double, _ labels: [String: String] = [:]) -> VectorAnswer.Series {
        .init(labels: labels, value: value)
    }

    private static func buckets(_ counts: [(String, Double)]) -> VectorAnswer {
        .series(counts.map { one($0.1, ["le": $0.0]) })
    }

    // MARK: 7, age

    @Test func `a measurement is as old as its newest sample`() async {
        let metric = Self.metric("sum(rate(x[1m]))", max: 1)
        let server = Server(answer: .list([0]), vectors: [("timestamp(x)", .series([Self.one(31.5)]))])
        #expect(await Gauge(metric).measure(server, back: nil, asked: nil, at: Self.now).age == .milliseconds(31_500))
    }

    @Test func `where the age cannot be asked for, the declared lag stands for it`() async {
        var metric = Self.metric("vector(1)", max: 1)
        metric.prometheus?.lag = .seconds(40)
        #expect(
            await Gauge(metric).measure(Server(answer: .list([0])), back: nil, asked: nil, at: Self.now).age
                == .seconds(40))
        let refused = Server(answer: .list([0]), vectors: [("timestamp", .error("no such function"))])
        var other = Self.metric("x", max: 1)
        #expect(await Gauge(other).measure(refused, back: nil, asked: nil, at: Self.now).age == nil)
        other.prometheus?.lag = .seconds(7)
        #expect(await Gauge(other).measure(refused, back: nil, asked: nil, at: Self.now).age == .seconds(7))
    }

    @Test func `an age that the server cannot say now makes its answer no data`() async {
        let server = Server(answer: .list([0]), vectors: [("timestamp", .noData("503"))])
        let taken = await Gauge(Self.metric("x", max: 1)).measure(server, back: nil, asked: nil, at: Self.now)
        #expect(taken.phase == .noData && taken.message == "the age of its samples is not known: 503")
    }

    // MARK: 8, sparse data

    @Test func `a range shorter than two scrapes is told apart from no traffic`() async {
        let metric = Self.metric("sum(rate(x[1m]))", max: 1)
        func server(_ inFiveMinutes: Double) -> Server {
            Server(
                answer: .list([]),
                vectors: [
                    ("timestamp", .series([Self.one(3)])),
                    ("count_over_time(x[5m])", .series([Self.one(inFiveMinutes)])),
                ])
        }
        let sparse = await Gauge(metric).measure(server(7), back: nil, asked: nil, at: Self.now)
        #expect(
            sparse.message
                == "the answer is empty; samples come every 43s, and the range of 1m holds fewer than two of them")
        #expect(
            await Gauge(metric).measure(server(20), back: nil, asked: nil, at: Self.now).message
                == "the answer is empty")
    }

    // MARK: 9, the last bucket

    @Test(
        "a quantile beyond the last bound is a failure under a lower limit and no data under a higher one",
        arguments: [(2.0, MeasurementPhase.failed), (2.5, .noData), (3, .noData)])
    func lastBucket(max: Double, phase: MeasurementPhase) async {
        let metric = Self.metric("histogram_quantile(0.99, sum by (le) (rate(x_bucket[1m])))", max: max)
        let server = Server(
            answer: .list([2.5]), vectors: [("rate", Self.buckets([("1", 90), ("2.5", 95), ("+Inf", 100)]))])
        let taken = await Gauge(metric).measure(server, back: nil, asked: nil, at: Self.now)
        #expect(taken.phase == phase && taken.value == "≥ [2.5]", "\(taken)")
    }

    @Test func `a quantile inside the histogram is what it is`() async {
        let metric = Self.metric("histogram_quantile(0.9, sum by (le) (rate(x_bucket[1m])))", max: 2.5)
        let server = Server(answer: .list([2.5]), vectors: [("rate", Self.buckets([("2.5", 95), ("+Inf", 100)]))])
        #expect(await Gauge(metric).measure(server, back: nil, asked: nil, at: Self.now).phase == .successful)
    }

    @Test func `a limit above the last bound is refused before the start`() async {
        let query = "1000 * histogram_quantile(0.99, sum by (le) (rate(x_bucket[1m])))"
        let server = Server(answer: .list([0]), vectors: [("rate", Self.buckets([("1", 1), ("+Inf", 1)]))])
        let high = await MetricSight.look(at: Self.metric(query, max: 2000), server, at: Self.now)
        #expect(high.problems.first?.contains("`max: 2000` lies above the histogram's last bound, 1000") == true)
        #expect(await MetricSight.look(at: Self.metric(query, max: 900), server, at: Self.now) == MetricSight())
        var condition = Self.metric(query, max: 2000)
        (condition.most, condition.successCondition) = (nil, "result[0] <= 2000")
        let noted = await MetricSight.look(at: condition, server, at: Self.now)
        #expect(noted.problems.isEmpty && noted.notes.count == 1)
    }

    // MARK: 10, sight

    private static let ratio = "sum(rate(x{v=\"2\",code=~\"5..\"}[1m])) / sum(rate(x{v=\"2\"}[1m]))"

    @Test func `a label that no series has is refused, with the names that exist`() async {
        let server = Server(
            answer: .list([0]),
            vectors: [
                ("code", .series([])), ("x{v", .series([Self.one(5, ["__name__": "x", "v": "2", "status": "200"])])),
            ])
        let sight = await MetricSight.look(at: Self.metric(Self.ratio, max: 1), server, at: Self.now)
        #expect(
            sight.problems == [
                "`x{v=\"2\",code=~\"5..\"}`: no series of x has the label code, so that it is empty whatever happens; "
                    + "there are status, v"
            ])
    }

    @Test func `a value without a series yet is a healthy service`() async {
        let server = Server(
            answer: .list([0]),
            vectors: [("code", .series([])), ("x{v", .series([Self.one(5, ["v": "2", "code": "200"])]))])
        let sight = await MetricSight.look(at: Self.metric(Self.ratio, max: 1), server, at: Self.now)
        #expect(sight.problems.isEmpty && sight.notes.first?.contains("has no series yet") == true)
    }

    @Test func `where the denominator has no series nothing is checked`() async {
        let sight = await MetricSight.look(at: Self.metric(Self.ratio, max: 1), Server(answer: .list([])), at: Self.now)
        #expect(sight == MetricSight())
    }
}

import BelayCore
import BelayTestSupport
import Testing

@testable import BelayAnalysis

/// Traffic that is drawn, and rollouts that are played against it.
@Suite("Simulated rollouts")
struct SimulatedRolloutTests {
    static func plan(_ metric: Metric? = nil, _ change: (inout Comparison) -> Void = { _ in }) -> Plan {
        var plan = Plan.compared(change)
        if let metric { plan.metrics = [metric] }
        return plan
    }

    private static func model(_ requests: Double, _ errors: Double = 0.001) -> TrafficModel {
        var model = TrafficModel()
        (model.requests, model.canaryErrors) = (requests, errors)
        return model
    }

    private static func simulation(
        _ model: TrafficModel, _ metric: Metric? = nil, _ reading: ModelledValue = .errorRatio, horizon: Double = 1800
    ) -> SimulatedRollout {
        SimulatedRollout(plan: plan(metric), model: model, readings: [reading], horizon: horizon)
    }

    private static func summary(_ runs: Int, _ play: (UInt64) -> Played) -> PlayedSummary {
        (0..<UInt64(runs)).reduce(into: PlayedSummary()) { $0.add(play($1 &* 7919)) }
    }

    // MARK: Through the reader

    @Test(
        "clean histories through the reader of counters end as they do on counts, at the same second",
        arguments: [(50.0, 0.001), (50, 0.01), (200, 0.003), (1000, 0.001), (1000, 0.01), (5000, 0.002)])
    func reader(requests: Double, errors: Double) {
        var plan = Self.plan()
        guard case .counters(var query)? = plan.metrics[0].prometheus?.question else { return }
        let model = Self.model(requests, errors)
        query.lag = .seconds(15)  // What the model's samples take to arrive.
        plan.metrics[0].prometheus?.question = .counters(query)
        let direct = SimulatedRollout(plan: plan, model: model, readings: [.errorRatio], horizon: 1800)
        var read = direct
        read.isReadFromCounters = true
        for seed in UInt64(0)..<40 { #expect(read.play(seed: seed) == direct.play(seed: seed), "seed \(seed)") }
    }

    // MARK: Draws

    @Test("counts have the mean and the variance of their distribution", arguments: [0.3, 4.0, 12.0, 90.0, 40_000.0])
    func poisson(mean: Double) {
        var random = SplitMix64(seed: 5)
        let draws = (0..<20_000).map { _ in random.poisson(mean) }
        let average = draws.reduce(0, +) / 20_000
        let variance = draws.reduce(0) { $0 + ($1 - average) * ($1 - average) } / 20_000
        #expect(abs(average - mean) < 5 * (mean / 20_000).squareRoot())
        #expect(abs(variance / mean - 1) < 0.06)
        #expect(draws.allSatisfy { $0 >= 0 && $0 == $0.rounded() })
    }

    @Test("noise has mean 1 and its variance", arguments: [0.05, 0.4, 3.0])
    func noise(variance: Double) {
        var random = SplitMix64(seed: 6)
        let draws = (0..<40_000).map { _ in random.noise(variance: variance) }
        let average = draws.reduce(0, +) / 40_000
        let found = draws.reduce(0) { $0 + ($1 - average) * ($1 - average) } / 40_000
        #expect(abs(average - 1) < 5 * (variance / 40_000).squareRoot())
        #expect(abs(found / variance - 1) < 0.15)
    }

    @Test func `shares have the exact interval of Clopper and Pearson`() {
        let none = Proportion(0, of: 10)
        #expect((none.value, none.low) == (0, 0))
        #expect(abs(none.high - 0.3084971) < 1e-6)
        let half = Proportion(5, of: 10)
        #expect(abs(half.low - 0.1870860) < 1e-6 && abs(half.high - 0.8129140) < 1e-6)
        let all = Proportion(10, of: 10)
        #expect(all.high == 1 && abs(all.low - 0.6915029) < 1e-6)
    }

    // MARK: Rollouts

    @Test func `the same seed gives the same course, another another`() async {
        let simulation = Self.simulation(Self.model(200, 0.005))
        #expect(simulation.play(seed: 3) == simulation.play(seed: 3))
        #expect(simulation.play(seed: 3) != simulation.play(seed: 4))
        let one = await PlayedSummary.of(runs: 60, seed: 1) { simulation.play(seed: $0) }
        let two = await PlayedSummary.of(runs: 60, seed: 1) { simulation.play(seed: $0) }
        #expect(one == two)
    }

    /// The machine adds routers, people and freshness; on the same traffic it comes to the same end at the same time.
    @Test(
        "the machine decides as the gate by itself does",
        arguments: [(50.0, 0.001), (50, 0.003), (200, 0.002), (1000, 0.005)])
    func reference(requests: Double, errors: Double) {
        let model = Self.model(requests, errors)
        let simulation = Self.simulation(model)
        let reference = ReferencePolicy(shares: [0.1, 0.25, 0.5, 1], onSuspicion: .pause)
        var differences = 0
        for seed in 0..<150 as Range<UInt64> {
            let (ours, theirs) = (
                simulation.play(seed: seed), reference.play(model, horizon: 1800, seed: seed)
            )
            // The reference ends with a person; the machine goes on watching, and may still take the traffic back.
            if theirs.end == .waiting { continue }
            if ours.rolledBackAt != theirs.rolledBackAt || ours.fullAt != theirs.fullAt {
                differences += 1
            }
        }
        #expect(differences == 0)
    }

    @Test func `a regression is taken back, a healthy version is not, and what failed meanwhile is counted`() {
        let healthy = Self.summary(200, Self.simulation(Self.model(1000)).play)
        #expect(healthy.promoted >= 199)
        #expect(healthy.excessBad.mean == 0)
        let bad = Self.summary(200, Self.simulation(Self.model(1000, 0.01)).play)
        #expect(bad.rolledBack == 200)
        #expect((60...66).contains(bad.secondsToRollback.mean ?? 0))
        // A tenth of 1,000 requests/s for that long, nine in a thousand of them.
        #expect((50...62).contains(bad.excessBad.mean ?? 0))
        let nothing = ThresholdPolicy(steps: [(0.1, 300), (0.25, 300), (0.5, 300), (1, 0)], limit: nil)
        let through = nothing.play(Self.model(1000, 0.01), horizon: 1800, seed: 1)
        #expect((through.end, through.fullAt) == (.promoted, 900))
        #expect(abs(through.excessBad - 9 * (30 + 75 + 150 + 900)) < 50)
    }

    @Test func `what hits both versions is nobody's fault, a bad first half minute is forgiven`() {
        var incident = Self.model(50)
        incident.incident = .init(from: 180, to: 480, errors: 0.02)
        #expect(Self.summary(100, Self.simulation(incident).play).rolledBack <= 1)
        var cold = Self.model(1000)
        cold.coldStart = .init(seconds: 30, errors: 0.03)
        #expect(Self.summary(100, Self.simulation(cold).play).rolledBack <= 1)
        var load = Self.model(1000)
        load.underLoad = .init(share: 0.5, errors: 0.009)
        #expect(Self.summary(50, Self.simulation(load).play).rolledBack == 50)
    }

    @Test func `a threshold, a percentile and a judge read the model`() {
        func metric(_ query: String, _ condition: String, window: Double = 60) -> Metric {
            var metric = Metric(name: "m", query: PrometheusQuery(address: "http://p", query: query))
            (metric.successCondition, metric.window) = (condition, .seconds(window))
            return metric
        }
        let errors = metric("errors / all", "result[0] <= 0.01")
        #expect(Self.summary(20, Self.simulation(Self.model(1000, 0.05), errors).play).rolledBack == 20)
        #expect(Self.summary(20, Self.simulation(Self.model(1000, 0.001), errors).play).promoted == 20)
        let slow = metric("histogram_quantile(0.99, x)", "result[0] <= 0.5")
        var model = Self.model(1000)
        #expect(Self.summary(20, Self.simulation(model, slow, .latencyQuantile(0.99)).play).promoted == 20)
        model.canaryLatency = 2
        #expect(Self.summary(20, Self.simulation(model, slow, .latencyQuantile(0.99)).play).rolledBack == 20)
        var judged = Metric(name: "m", query: PrometheusQuery(server: Endpoint(address: "p"), question: .judged))
        var series = Judge.Series(name: "s", canary: "c", stable: "d")
        series.direction = .increase
        judged.judge = Judge(series: [series])
        judged.judge?.step = .seconds(15)
        judged.interval = .seconds(60)
        #expect(Self.summary(20, Self.simulation(Self.model(1000, 0.02), judged).play).rolledBack == 20)
        #expect(Self.summary(20, Self.simulation(Self.model(1000), judged).play).rolledBack <= 1)
    }

    @Test func `a comparison of latency sees a slower canary`() {
        var counters = CounterQuery(canary: "canary", stable: "stable")
        counters.slowerThan = [0.1, 0.25, 0.5]
        var metric = Metric(
            name: "slow", query: PrometheusQuery(server: Endpoint(address: "p"), question: .counters(counters)))
        metric.comparison = Comparison()
        var model = Self.model(1000)
        #expect(Self.summary(30, Self.simulation(model, metric, .latencyMean).play).rolledBack == 0)
        model.canaryLatency = 1.5
        #expect(Self.summary(30, Self.simulation(model, metric, .latencyMean).play).rolledBack == 30)
    }

    @Test func `a threshold watches the last hold, too, and one step is a plan`() {
        var load = Self.model(1000)
        load.underLoad = .init(share: 1, errors: 0.2)
        let one = ThresholdPolicy(steps: [(1, 600)], limit: 0.01)
        #expect(one.play(load, horizon: 1800, seed: 1).isRolledBack)
        let healthy = one.play(Self.model(1000), horizon: 1800, seed: 1)
        #expect((healthy.end, healthy.fullAt) == (.promoted, 0))
        let two = ThresholdPolicy(steps: [(0.5, 60), (1, 600)], limit: 0.01)
        #expect(two.play(load, horizon: 1800, seed: 1).isRolledBack)
    }

    @Test func `a plan without gates, with a dark first step or an approval goes on`() {
        func plan(_ change: (inout Plan) -> Void) -> Plan {
            var plan = Self.plan()
            change(&plan)
            return plan
        }
        var approval = Approval()
        approval.timeout = .seconds(600)
        for plan in [
            plan { $0.metrics = [] },
            plan { $0.steps.insert(PlanStep(weight: .zero, hold: Hold(.seconds(60))), at: 0) },
            plan { $0.steps[0].approval = approval },
            plan {
                $0.steps = [PlanStep(weight: .full, hold: Hold(.seconds(120)))]
                $0.metrics = []
            },
        ] {
            let readings = plan.metrics.map(ModelledValue.init(of:))
            let simulation = SimulatedRollout(
                plan: plan, model: Self.model(1000), readings: readings, horizon: 3600)
            #expect(simulation.play(seed: 1).end == .promoted)
        }
    }

    @Test func `what the canary breaks on stable counts, noise is the same however often one looks`() {
        var model = Self.model(1000, 0.01)
        model.contamination = 0.5
        var traffic = SimulatedTraffic(model, length: 15, seed: 1)
        for _ in 0..<20 { traffic.advance(share: 0.1) }
        // 0.9 of 100 canary requests, half of that share of 900 of stable.
        #expect(abs(traffic.excessBad / 300 - (0.9 + 4.05)) < 0.1)
        func variance(_ length: Double) -> Double {
            var noisy = Self.model(20_000)
            noisy.noise = 0.4
            var traffic = SimulatedTraffic(noisy, length: length, seed: 2)
            for _ in 0..<Int(30_000 / length) { traffic.advance(share: 0.5) }
            let cells = stride(from: 15.0, through: 30_000, by: 15).map { traffic.sum(upTo: $0, seconds: 15).canaryBad }
            let mean = cells.reduce(0, +) / Double(cells.count)
            return cells.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(cells.count) / mean / mean
        }
        #expect(abs(variance(15) - 0.4) < 0.08)
        #expect(abs(variance(5) - 0.4) < 0.08)
    }

    @Test func `answer times of a window are a sample of their distribution`() {
        var model = Self.model(1000)
        model.canaryLatency = 2
        var traffic = SimulatedTraffic(model, length: 15, seed: 3, bounds: [0.5])
        for _ in 0..<40 { traffic.advance(share: 0.5) }
        let counts = traffic.sum(upTo: 600, seconds: 600)
        // Median 80 ms, spread 0.6: the 99th percentile is 80 ms times e to the power of 0.6 · 2.326.
        #expect(abs(traffic.quantile(0.99, counts.stableBands) - 0.323) < 0.02)
        #expect(abs(traffic.quantile(0.5, counts.canaryBands) - 0.16) < 0.008)
        #expect(abs(traffic.mean(counts.stableBands) - 0.0958) < 0.005)
        let slow = traffic.slower(than: 0.5, counts.canaryBands) / counts.canaryBands.reduce(0, +)
        #expect(abs(slow - model.slower(than: 0.5, times: 2)) < 0.002)
    }

    // MARK: Recordings and readings

    @Test func `a recorded service is played round and round`() throws {
        let recorded = try RecordedTraffic("time,requests,errors\n0,0,0\n60,6000,6\n120,12000,24\n")
        #expect(recorded.length == 120)
        #expect(recorded.average(from: 0, to: 60).requests == 100)
        #expect(recorded.average(from: 90, to: 150).requests == 150)
        #expect(abs(recorded.averageErrors - 30.0 / 18_000) < 1e-12)
        var model = TrafficModel()
        model.recording = recorded
        (model.requests, model.baseErrors) = (recorded.averageRequests, recorded.averageErrors)
        var traffic = SimulatedTraffic(model.with(errorsTimes: 5), length: 15, seed: 1)
        for _ in 0..<800 { traffic.advance(share: 0.5) }
        let total = traffic.sum(upTo: traffic.now, seconds: traffic.now)
        #expect(abs((total.canary + total.stable) / 12_000 / 150 - 1) < 0.02)
        #expect(abs(total.canaryBad / total.stableBad / 5 - 1) < 0.15)
    }

    @Test(
        "what is no recording is said with its line",
        arguments: [
            ("", 1), ("time,requests,errors\n1,2\n", 2), ("0,1,0\n0,2,0\n", 2), ("0,1,0\n1,1,2\n", 2), ("a\nb\n", 2),
        ])
    func noRecording(csv: String, line: Int) {
        let failure = #expect(throws: RecordedTraffic.Failure.self) { try RecordedTraffic(csv) }
        #expect(failure?.line == line)
    }

    @Test(
        "a query's words tell what it reads",
        arguments: [
            ("sum(rate(x{code=~\"5..\"}[1m])) / sum(rate(x[1m]))", ModelledValue.errorRatio),
            ("sum(rate(x{code!~\"5.*\"}[1m])) / sum(rate(x[1m]))", .successRatio),
            ("histogram_quantile(0.95, sum by (le) (rate(x_bucket[1m])))", .latencyQuantile(0.95)),
            ("max(haproxy_backend_response_time_average_seconds{proxy=\"a\"})", .latencyMean),
            ("sum(rate(x{service=\"retrieval-5\",code=~\"5..\"}[1m])) / sum(rate(x{service=\"2\"}[1m]))", .errorRatio),
            ("sum(rate(x{version=\"2\"}[1m])) / sum(rate(x[1m]))", .nothing),
            ("sum(rate(haproxy_backend_retry_warnings_total[1m])) / sum(rate(x[1m]))", .nothing), ("up", .nothing),
        ])
    func reading(query: String, expected: ModelledValue) { #expect(ModelledValue(guessing: query) == expected) }

    @Test(
        "a latency's unit is known from its query",
        arguments: [
            ("1000 * histogram_quantile(0.99, x_seconds_bucket)", ModelledValue.latencyQuantile(0.99), 1000.0),
            ("histogram_quantile(0.99, apisix_http_latency_bucket)", .latencyQuantile(0.99), 1000),
            ("histogram_quantile(0.99, x_seconds_bucket)", .latencyQuantile(0.99), 1),
            ("sum(rate(x_milliseconds_count{code=~\"5..\"}[1m])) / y", .errorRatio, 1),
            ("100 * a / b", .errorRatio, 100),
        ])
    func unit(query: String, reading: ModelledValue, scale: Double) { #expect(reading.scale(of: query) == scale) }

    @Test func `a reading has a word, and the word gives it back`() {
        for reading in [
            ModelledValue.errorRatio, .successRatio, .latencyMean, .latencyQuantile(0.99), .split, .nothing,
        ] {
            #expect(ModelledValue(word: reading.word) == reading)
        }
        #expect(ModelledValue(word: "latency-p0") == nil && ModelledValue(word: "errors") == nil)
    }
}

import BelayAnalysis
import BelayCore

/// Four thousand rollouts of half an hour, played on all cores.
enum Simulations {
    private static let count = 4000

    static func figure(runs: Int) async -> Figure {
        var values: [Double] = []
        for run in 0..<runs {
            // None of them ends early: a busy, healthy service whose steps take all their time.
            var model = TrafficModel()
            model.requests = 50
            let play = Study.play(.belay, model)
            let took = await ContinuousClock().measure {
                let summary = await PlayedSummary.of(runs: count, seed: UInt64(run), play)
                precondition(summary.runs == count)
            }
            values.append(Double(took.wholeMilliseconds) / 1000)
        }
        return Figure(name: "4,000 simulated rollouts of 30 min, all cores", values: values, unit: "s", limit: 10)
    }

    /// What a condition on an answer of ten series costs beside its query.
    static func evaluation(runs: Int) throws -> Figure {
        var metric = Metric(name: "errors", query: PrometheusQuery(address: "http://p", query: "x"))
        metric.successCondition = "len(result) > 0 && all(result, # <= 0.01) && mean(result) < 0.005"
        let evaluator = try Evaluator(metric)
        let answer = MetricAnswer.list((0..<10).map { Double($0) / 10_000 })
        let values = (0..<runs).map { _ in
            var passed = 0
            let took = ContinuousClock().measure {
                for _ in 0..<10_000 where evaluator.phase(of: answer).0 == .successful { passed += 1 }
            }
            precondition(passed == 10_000)
            return Double(took / .microseconds(1)) / 10_000
        }
        return Figure(name: "judging an answer of ten series", values: values, unit: "µs", limit: 1000)
    }
}

import BelayCore
import Foundation
import Testing

@testable import BelayAnalysis

/// Kayenta's own vectors for its judge, with `BELAY_VECTORS` for further ones.
@Suite("The judge")
struct JudgeTests {
    typealias Object = VectorTests.Object

    private static func vectors(_ kind: String) throws -> [Object] {
        try VectorTests.files("kayenta.json").flatMap { try VectorTests.list($0, "vectors") }
            .filter { $0["kind"] as? String == kind }
    }

    private static func numbers(_ object: Object, _ key: String) throws -> [Double] {
        try #require(object[key] as? [Any]).map { ($0 as? NSNumber)?.doubleValue ?? .nan }
    }

    private static func name(_ object: Object) -> Comment { "\(object["name"] ?? "")" }

    private static func series(_ config: Object) throws -> Judge.Series {
        var series = Judge.Series(name: "m", canary: "c", stable: "s")
        series.direction = try #require(Judge.Direction(rawValue: config["direction"] as? String ?? ""))
        series.replacesNaN = config["nanStrategy"] as? String == "replace"
        series.isCritical = config["critical"] as? Bool ?? false
        series.mustHaveData = config["mustHaveData"] as? Bool ?? false
        series.effect = config["measure"] as? String == "cles" ? .cles : .meanRatio
        series.allowedIncrease = try VectorTests.number(config, "allowedIncrease")
        series.allowedDecrease = try VectorTests.number(config, "allowedDecrease")
        series.criticalIncrease = try VectorTests.number(config, "criticalIncrease")
        series.criticalDecrease = try VectorTests.number(config, "criticalDecrease")
        return series
    }

    @Test func `every metric is classified as Kayenta does`() throws {
        var count = 0
        for vector in try Self.vectors("classify") {
            let config = try #require(vector["config"] as? Object)
            // Kayenta's second classifier, a comparison of means, is not the one its judge uses.
            guard config["classifier"] as? String == "mannWhitney" else { continue }
            var classifier = Classifier()
            classifier.tolerance = try VectorTests.number(config, "tolerance")
            classifier.confidence = try VectorTests.number(config, "confLevel")
            let (canary, stable) = (try Self.numbers(vector, "experiment"), try Self.numbers(vector, "control"))
            let found = classifier.classify(canary: canary, stable: stable, try Self.series(config))
            let expected = try #require(vector["expect"] as? Object)
            if let kind = expected["classification"] as? String {
                #expect(found.kind.rawValue == kind, Self.name(vector))
            }
            if let critical = expected["critical"] as? Bool { #expect(found.isCritical == critical, Self.name(vector)) }
            if expected["reasonNonEmpty"] as? Bool == true { #expect(!found.reason.isEmpty) }
            if expected["ratio"] as? String == "NaN" { #expect(found.ratio.isNaN, Self.name(vector)) }
            if let ratio = expected["ratio"] as? NSNumber { #expect(found.ratio == ratio.doubleValue) }
            if let derived = vector["derived"] as? Object, derived["ciLow"] is NSNumber {
                let interval = MannWhitney(
                    experiment: canary, control: stable, confidence: classifier.confidence)
                for (value, key) in [
                    (interval?.low, "ciLow"), (interval?.high, "ciHigh"), (interval?.estimate, "estimate"),
                ] {
                    let wanted = try VectorTests.number(derived, key)
                    #expect(abs((value ?? .nan) - wanted) <= 1e-9 * max(1, abs(wanted)), Self.name(vector))
                }
            }
            count += 1
        }
        #expect(count >= 26)
    }

    @Test func `intervals and estimates are R's and Kayenta's, the root finder's steps included`() throws {
        for vector in try Self.vectors("mannWhitney") + Self.vectors("mannWhitneyIntermediate") {
            let expected = try #require(vector["expect"] as? Object)
            let (canary, stable) = (try Self.numbers(vector, "experiment"), try Self.numbers(vector, "control"))
            let confidence = try VectorTests.number(vector, "confLevel")
            let interval = try #require(MannWhitney(experiment: canary, control: stable, confidence: confidence))
            #expect(abs(interval.low - (try VectorTests.number(expected, "ciLow"))) <= 1e-6, Self.name(vector))
            #expect(abs(interval.high - (try VectorTests.number(expected, "ciHigh"))) <= 1e-6, Self.name(vector))
            #expect(abs(interval.estimate - (try VectorTests.number(expected, "estimate"))) <= 1e-6)
            guard expected["muMin"] != nil else { continue }
            let statistic = RankStatistic(experiment: canary.sorted(), control: stable.sorted())
            let z = -NormalQuantile.value((1 - confidence) / 2)
            let (least, most) = statistic.shifts
            for (value, key) in [
                (least, "muMin"), (most, "muMax"), (z, "zQuantile"),
                (statistic.value(at: least, quantile: z), "fLowerAtPlusZ"),
                (statistic.value(at: most, quantile: z), "fUpperAtPlusZ"),
                (statistic.value(at: least, quantile: -z), "fLowerAtMinusZ"),
                (statistic.value(at: most, quantile: -z), "fUpperAtMinusZ"),
            ] as [(Double?, String)] {
                #expect(abs((value ?? .nan) - (try VectorTests.number(expected, key))) <= 1e-6, "\(key)")
            }
        }
    }

    @Test func `groups are weighted into a score as Kayenta does`() throws {
        for vector in try Self.vectors("score") {
            let results = try VectorTests.list(vector, "metrics").map { metric in
                let kind = try #require(Classification.Kind(rawValue: metric["classification"] as? String ?? ""))
                return Judgement.Result(
                    name: metric["name"] as? String ?? "", groups: metric["groups"] as? [String] ?? [],
                    Classification(kind, isCritical: metric["critical"] as? Bool ?? false))
            }
            let weights = try #require(vector["groupWeights"] as? [String: NSNumber])
            let judgement = Judgement(
                results, weights.map { Judge.GroupWeight(group: $0.key, weight: $0.value.doubleValue) })
            let expected = try #require(vector["expect"] as? Object)
            #expect(judgement.score == (try VectorTests.number(expected, "score")), Self.name(vector))
        }
    }

    /// Kayenta calls a score of exactly `marginal` Marginal and ends the run there all the same; so does Belay.
    @Test func `a score at marginal or below fails, at pass or above passes`() throws {
        for vector in try Self.vectors("scoreClassification") + Self.vectors("aggregatedJudgement") {
            guard let score = (vector["score"] ?? vector["finalScore"]) as? NSNumber,
                let marginal = vector["marginal"] as? NSNumber, let pass = vector["pass"] as? NSNumber
            else { continue }
            var judge = Judge(series: [])
            (judge.marginal, judge.pass) = (marginal.doubleValue, pass.doubleValue)
            let kinds: [Classification.Kind] = (0..<10_000).map { Double($0) < score.doubleValue * 100 ? .pass : .high }
            let results = kinds.map { Judgement.Result(name: "m", groups: ["g"], Classification($0)) }
            let judgement = Judgement(results, [])
            #expect(judgement.score == score.doubleValue)
            let expected = try #require(vector["expect"] as? Object)
            let passes =
                expected["didPassThresholds"] as? Bool ?? (expected["classification"] as? String == "Pass")
            #expect((judgement.phase(judge) == .successful) == passes, Self.name(vector))
            if score.doubleValue <= marginal.doubleValue { #expect(judgement.phase(judge) == .failed) }
        }
    }

    @Test func `percentiles, effect sizes and outliers are Kayenta's`() throws {
        for vector in try Self.vectors("percentileR7") {
            let data = try Self.numbers(vector, "data").sorted()
            for (percent, wanted) in try #require(vector["expect"] as? [String: NSNumber]) {
                #expect(abs(Classifier.percentile(data, Double(percent)!) - wanted.doubleValue) < 1e-9)
            }
        }
        for vector in try Self.vectors("meanRatio") {
            let ratio = Classifier.meanRatio(
                try Self.numbers(vector, "experiment"), try Self.numbers(vector, "control"))
            #expect(ratio == (try VectorTests.number(vector, "expect")))
        }
        for vector in try Self.vectors("cles") {
            let effect = Classifier.commonLanguageEffect(
                try Self.numbers(vector, "experiment"), try Self.numbers(vector, "control"))
            #expect(abs(effect - (try VectorTests.number(vector, "expect"))) <= 0.001, Self.name(vector))
        }
        for vector in try Self.vectors("iqr") {
            let data = try Self.numbers(vector, "data")
            let kept = Classifier.withoutOutliers(
                data, factor: try VectorTests.number(vector, "factor"),
                reducesSensitivity: try #require(vector["reduceSensitivity"] as? Bool))
            let outside = try #require(vector["expect"] as? [Bool])
            #expect(kept == zip(data, outside).filter { !$0.1 }.map(\.0), Self.name(vector))
        }
    }

    private static func pair(_ canary: [[Double]], _ stable: [[Double]]) -> SeriesAnswer.Pair {
        SeriesAnswer.Pair(
            canary: canary.map { TimeSeries(labels: [:], values: $0) },
            stable: stable.map { TimeSeries(labels: ["version": "1"], values: $0) })
    }

    @Test func `NaN is left out or replaced, and a side without any series follows the rules for missing data`() {
        var series = Judge.Series(name: "m", canary: "c", stable: "s")
        func kinds(_ canary: [[Double]], _ stable: [[Double]]) -> [Classification.Kind] {
            Judgement.paired(Self.pair(canary, stable), series).map { Judgement.result($0, series).classification.kind }
        }
        #expect(kinds([[1, .nan, 2, 3, 1, 2]], [[1, 2, 3, 1, 2]]) == [.pass])
        #expect(kinds([], [[1, 2, 3, 1, 2]]) == [.noData])
        series.mustHaveData = true
        #expect(kinds([], [[1, 2, 3, 1, 2]]) == [.noDataFails])
        series.replacesNaN = true
        #expect(kinds([[9, 8, 9, 7, 9, 8]], []) == [.high])
        #expect(kinds([], []) == [.pass])
    }

    @Test func `fewer points than asked for are no data, and two constants that differ are told apart`() {
        var judge = Judge(series: [Judge.Series(name: "m", canary: "c", stable: "s")])
        func phase(_ canary: [Double], _ stable: [Double]) -> MeasurementPhase {
            judge.judge(.pairs([Self.pair([canary], [stable])])).0
        }
        #expect(phase([9, 9], [1, 1, 1, 1, 1]) == .noData)
        #expect(phase([9, 9, 9, 9, 9, 9], [1, 1, 1, 1, 1, 1]) == .failed)
        #expect(phase([1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]) == .successful)
        #expect(phase([1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1]) == .successful)
        #expect(judge.judge(.noData("refused")).0 == .noData)
        // Nothing of one version is no verdict, whatever NaN counts as.
        #expect(judge.judge(.pairs([Self.pair([], [[1, 1, 1, 1, 1]])])).0 == .noData)
        judge.series[0].replacesNaN = true
        #expect(judge.judge(.pairs([Self.pair([], [[1, 1, 1, 1, 1]])])).0 == .noData)
    }

    @Test func `a label set with few points is left out, and blinds nobody`() {
        let judge = Judge(series: [Judge.Series(name: "m", canary: "c", stable: "s")])
        func series(_ path: String, _ count: Int) -> TimeSeries {
            TimeSeries(labels: ["path": path], values: [Double](repeating: 1, count: count))
        }
        let pair = SeriesAnswer.Pair(
            canary: [series("/a", 8), series("/admin", 1)], stable: [series("/a", 8), series("/admin", 8)])
        let judged = judge.judge(.pairs([pair]))
        #expect(judged.0 == .successful)
        #expect(judged.message.contains("m{path=\"/admin\"}"))
    }

    @Test func `a series with few points is no data, however good the others are`() {
        var errors = Judge.Series(name: "errors", canary: "c", stable: "s")
        errors.isCritical = true
        let judge = Judge(series: [errors, Judge.Series(name: "latency", canary: "c", stable: "s")])
        let good = [Double](repeating: 1, count: 9)
        let judged = judge.judge(.pairs([Self.pair([[9, 9, 9]], [good]), Self.pair([good], [good])]))
        #expect(judged.0 == .noData)
        #expect(judged.message.hasPrefix("errors: 3 points"))
    }

    @Test func `a label set without the label is paired like any other`() {
        let judge = Judge(series: [Judge.Series(name: "m", canary: "c", stable: "s")])
        func series(_ labels: [String: String]) -> TimeSeries {
            TimeSeries(labels: labels, values: [Double](repeating: 1, count: 6))
        }
        let both = [series([:]), series(["route": "/a"])]
        #expect(judge.judge(.pairs([SeriesAnswer.Pair(canary: both, stable: both)])).0 == .successful)
    }

    @Test func `series are paired by their labels, and other names of labels are an error`() {
        let judge = Judge(series: [Judge.Series(name: "m", canary: "c", stable: "s")])
        func series(_ labels: [String: String], _ value: Double) -> TimeSeries {
            TimeSeries(labels: labels, values: [Double](repeating: value, count: 6))
        }
        let pair = SeriesAnswer.Pair(
            canary: [series(["path": "/a"], 1), series(["path": "/b"], 9)],
            stable: [series(["path": "/b"], 1), series(["path": "/a"], 1)])
        let results = Judgement.paired(pair, judge.series[0]).map { Judgement.result($0, judge.series[0]) }
        #expect(results.map(\.classification.kind) == [.pass, .high])
        #expect(results.map(\.name) == ["m{path=\"/a\"}", "m{path=\"/b\"}"])
        let other = SeriesAnswer.Pair(
            canary: [series(["route": "/a"], 1), series(["route": "/b"], 1)], stable: pair.stable)
        #expect(judge.judge(.pairs([other])).0 == .error)
    }

    @Test func `a version without any series is named, and its query`() {
        let series = Judge.Series(name: "errors", canary: "c", stable: "s")
        let some = [TimeSeries(labels: [:], values: Array(repeating: 1, count: 9))]
        let judge = Judge(series: [series])
        #expect(
            judge.judge(.pairs([.init(canary: some, stable: [])])).message
                == "stable has no series at all: `s` selects nothing")
        #expect(
            judge.judge(.pairs([.init(canary: [], stable: some)])).message
                == "the canary has no series at all: `c` selects nothing")
    }
}

import BelayAnalysis
import BelayCore
import Testing

@Suite("The condition language")
struct ConditionTests {
    struct Row: CustomTestStringConvertible, Sendable {
        let answer: MetricAnswer
        let text: String
        /// nil: it cannot be evaluated.
        let expected: Bool?
        init(_ answer: MetricAnswer, _ text: String, _ expected: Bool?) {
            (self.answer, self.text, self.expected) = (answer, text, expected)
        }
        var testDescription: String { "\(answer.text): \(text)" }
    }

    /// The rows of Argo Rollouts' table that this part of the language can say.
    static let rows: [Row] = [
        Row(.list([]), "result[0] >= 0.95", nil),
        Row(.list([]), "len(result)==0 || result[0]>=0.95", true),
        Row(.list([]), "len(result)>0 && result[0]>=0.95", false),
        Row(.list([]), "isNil(result)", false),
        Row(.list([]), "default(result,0) < 0.05", nil),
        Row(.list([.nan]), "result[0] >= 0.9", false),
        Row(.list([.nan]), "result[0] < 0.9", false),
        Row(.list([.nan]), "!(result[0] < 0.95)", true),
        Row(.list([.nan]), "isNaN(result[0])", true),
        Row(.list([.nan]), "isNaN(result)", nil),
        Row(.list([0.97]), "result >= 0.95", nil),
        Row(.list([0.97]), "result[-1] >= 0.95", true),
        Row(.list([0.97]), "result[0]>0.9 and result[0]<1", true),
        Row(.scalar(5), "result[0]>1", nil),
        Row(.scalar(5), "len(result)", nil),
        Row(.scalar(1), "1", nil),
        Row(.scalar(.infinity), "isInf(result)", true),
        Row(.scalar(7), "result * 2 + 1 == 15 && result % 4 == 3 && -result < 0", true),
        Row(.scalar(7), "1 + 2 * 3 == result and not (result / 2 != 3.5)", true),
        Row(.scalar(1e-3), "result <= 1e-3", true),
        Row(.list([1, 2]), "result[1.5] > 0", nil),
    ]

    @Test("a row of the table gives what Argo gives", arguments: rows)
    func row(row: Row) throws {
        let condition = try Condition(row.text)
        let verdict = Result { () throws(ConditionError) in try condition.holds(for: row.answer) }
        switch verdict {
        case .success(let holds): #expect(holds == row.expected)
        case .failure: #expect(row.expected == nil)
        }
    }

    @Test(
        "what cannot be read is said with its place",
        arguments: [
            ("result >", 8), ("result[0", 8), ("foo > 1", 0), ("len()", 0), ("result > \"1\"", 9), ("(result", 7),
            ("1 2", 2), ("", 0),
        ])
    func unreadable(text: String, offset: Int) {
        let error = #expect(throws: ConditionError.self) { try Condition(text) }
        #expect(error?.offset == offset)
    }

    @Test func `a list compared with a number is found before anything is asked`() throws {
        let condition = try Condition("result >= 0.95")
        let error = #expect(throws: ConditionError.self) { try condition.check(against: .list) }
        #expect(error?.message.contains("result[0]") == true)
        try condition.check(against: .scalar)
        try condition.check(against: .unknown)
    }

    @Test func `depth and length are bounded`() {
        #expect(throws: ConditionError.self) { try Condition(String(repeating: "(", count: 3000)) }
        #expect(throws: ConditionError.self) { try Condition(String(repeating: "!", count: 3000) + "true") }
        #expect(throws: ConditionError.self) { try Condition(String(repeating: "1+", count: 4000) + "1") }
    }

    @Test(
        "a query's shape is known from its text",
        arguments: [
            ("up", Condition.Shape.list), ("scalar(up)", .scalar), ("1", .scalar),
            ("scalar(sum(up)) / 2 > bool 1", .scalar),
            ("scalar(up) + up", .list), ("time() - 5", .scalar), ("sum(rate(x[5m]))", .list),
        ])
    func shape(query: String, expected: Condition.Shape) { #expect(PromQL.shape(of: query) == expected) }

    @Test func `the longest range is the window`() {
        #expect(PromQL.longestRange(in: "rate(a[30s]) / rate(b[5m:10s])") == .seconds(300))
        #expect(PromQL.longestRange(in: "up") == nil)
    }

    @Test func `placeholders are filled, and one without a value is named`() throws {
        let values = Placeholders(["args.max": "0.01", "canary.backend": "app"])
        #expect(try values.fill("{proxy=\"{{canary.backend}}\"} < {{ args.max }}") == "{proxy=\"app\"} < 0.01")
        #expect(throws: Placeholders.Failure.self) { try values.fill("{{args.min}}") }
        #expect(Placeholders.names(in: "{{a}} {{ b.c }} {") == ["a", "b.c"])
    }
}

@Suite("A measurement's phase")
struct EvaluatorTests {
    private func phase(
        _ answer: MetricAnswer, success: String? = nil, failure: String? = nil, requests: MetricAnswer? = nil,
        _ change: (inout Metric) -> Void = { _ in }
    ) throws -> MeasurementPhase {
        var metric = Metric(name: "m", query: PrometheusQuery(address: "a", query: "q"))
        (metric.successCondition, metric.failureCondition) = (success, failure)
        change(&metric)
        return try Evaluator(metric).phase(of: answer, requests: requests).0
    }

    @Test func `vector 33: a scalar and its condition`() throws {
        #expect(try phase(.scalar(10), success: "result == 10") == .successful)
        #expect(MetricAnswer.scalar(10).text == "10")
    }

    @Test func `vectors 34 and 36, with noData evaluate: the conditions see NaN`() throws {
        #expect(
            try phase(.scalar(.nan), success: "result >= 0.9", failure: "result < 0.9") { $0.noData = .evaluate }
                == .inconclusive)
        #expect(try phase(.scalar(.nan), success: "result >= 0.9") { $0.noData = .evaluate } == .failed)
        #expect(MetricAnswer.scalar(.nan).text == "NaN")
    }

    @Test func `vector 35: a condition that asks about NaN itself`() throws {
        #expect(
            try phase(.scalar(.nan), success: "result >= 0.9 || isNaN(result)") { $0.noData = .evaluate } == .successful
        )
    }

    @Test func `vector 37: infinity`() throws {
        #expect(try phase(.scalar(.infinity), success: "result >= 0.9") == .successful)
        #expect(try phase(.scalar(.infinity), failure: "isInf(result)") == .failed)
        #expect(MetricAnswer.scalar(.infinity).text == "+Inf")
    }

    @Test func `no data is never success: NaN, an empty list and few requests wait`() throws {
        #expect(try phase(.scalar(.nan), failure: "result > 1") == .noData)
        #expect(try phase(.list([]), failure: "result[0] > 1") == .noData)
        #expect(
            try phase(.list([0]), success: "result[0] < 1", requests: .list([3])) { $0.minRequests = 10 } == .noData)
        #expect(
            try phase(.list([0]), success: "result[0] < 1", requests: .list([10])) { $0.minRequests = 10 }
                == .successful)
        #expect(try phase(.list([0]), success: "result[0] < 1", requests: .list([])) { $0.minRequests = 10 } == .noData)
    }

    @Test func `failure wins over success, neither is inconclusive, an error is an error`() throws {
        #expect(try phase(.scalar(1), success: "true", failure: "true") == .failed)
        #expect(try phase(.scalar(1), success: "result > 5", failure: "result < 0") == .inconclusive)
        #expect(try phase(.list([1]), success: "result[3] > 5") == .error)
        #expect(try phase(.error("400"), success: "true") == .error)
        #expect(try phase(.noData("refused"), success: "true") == .noData)
    }
}

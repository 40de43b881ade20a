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

    /// Argo Rollouts' table (facts page, 2.7). A row's last word tells where Belay's answer differs, and why.
    static let rows: [Row] = [
        Row(.list([]), "result[0] >= 0.95", nil),
        Row(.list([]), "len(result)==0 || result[0]>=0.95", true),
        Row(.list([]), "len(result)>0 && result[0]>=0.95", false),
        Row(.list([]), "all(result, # > 1)", true),  // Only with `noData: evaluate`; without it nothing is no data.
        Row(.list([]), "any(result, # > 1)", false),
        Row(.list([]), "isNil(result)", false),
        Row(.list([]), "result == nil", false),
        Row(.list([]), "default(result,0) < 0.05", nil),
        Row(.list([.nan]), "result[0] >= 0.9", false),
        Row(.list([.nan]), "result[0] < 0.9", false),
        Row(.list([.nan]), "!(result[0] < 0.95)", true),
        Row(.list([.nan]), "isNaN(result[0])", true),
        Row(.list([.nan]), "isNaN(result)", nil),
        Row(.list([0.97]), "result >= 0.95", nil),
        Row(.list([0.97]), "result[-1] >= 0.95", true),
        Row(.list([0.97]), "result[0]>0.9 and result[0]<1", true),
        Row(.list([1, 2]), "2 in result", true),
        Row(.list([1, 2]), "sum(result)==3", true),
        Row(.list([1, 2]), "mean(result)==1.5", true),
        Row(.scalar(5), "result[0]>1", nil),
        Row(.scalar(5), "len(result)", nil),
        Row(.json(.null, text: "null"), "default(result,0)<0.05", true),
        Row(.json(.null, text: "null"), "result<0.05", nil),
        // Argo: an error of its type check. Here `isNil` looks at its argument, so the rest is not reached.
        Row(.json(.null, text: "null"), "isNil(result) || result<1", true),
        Row(.scalar(1), "1", nil),
        Row(.scalar(1), "result > \"1\"", nil),
        Row(.json(.string("1.1"), text: "1.1"), "asFloat(result)==1.1", true),
        Row(.json(.string("1.1"), text: "1.1"), "asInt(result)==1", nil),
        Row(.scalar(1), "asInt(1.123) == 1", true),
    ]

    private static let service: JSONValue = .object([
        .init("data", .object([.init("ok", .bool(true)), .init("p99", .double(0.25)), .init("none", .null)])),
        .init("checks", .array([check("db", 3), check("cache", 7)])),
    ])

    private static func check(_ name: String, _ took: Int64) -> JSONValue {
        .object([.init("name", .string(name)), .init("took", .int(took))])
    }

    static let sentences: [Row] =
        [
            ("result.data.ok && result.data.p99 < 0.3", true), ("result[\"data\"][\"p99\"] == 0.25", true),
            ("result.data.missing == nil and result.missing?.deeper == nil", true), ("result.missing.deeper == 1", nil),
            ("(result.data.none ?? 5) == 5", true), ("default(result.data.none, 3) > 2", true),
            ("all(result.checks, .took < 8)", true), ("none(result.checks, {#.took > 7})", true),
            ("one(result.checks, #.name startsWith \"d\")", true), ("len(filter(result.checks, .took > 5)) == 1", true),
            ("sum(result.checks, .took) == 10 && max(map(result.checks, .took)) == 7", true),
            ("result.checks | map(.took) | mean() == 5", true), ("count(result.checks, .took > 1) == 2", true),
            ("result.checks[-1].name == 'cache' ? true : false", true), ("\"data\" in result", true),
            ("\"other\" not in result", true), ("result.data.ok == 1", nil), ("result.missing != \"bad\"", nil),
            ("result.data?.nothing.deeper == nil", nil),
            ("result.nowhere?.nothing.deeper[0] == nil", true), ("(result?.stats.errors ?? 0) < 5", nil),
            ("result.checks.took == 1", nil),
            ("first(result.checks).took < last(result.checks).took", true), ("len(result) == 2", true),
        ].map { Row(.json(service, text: "{…}"), $0.0, $0.1) }
        + [
            ("isInf(result[3])", true), ("result[1:3] == [2, 3] && result[:1] == [1] && len(result[-2:]) == 2", true),
            ("median(result[:3]) == 2 && median([1, 2]) == 1.5 && min(3, result[0]) == 1", true),
            ("abs(-2) == 2 && ceil(1.2) == 2 && floor(-1.2) == -2 && round(2.5) == 3", true),
            ("-2 ** 2 == -4 && 2 ** 3 ** 2 == 512 && 7 % 4 == 3 && 1 + 2 * 3 == 7", true),
            ("any([1, 2], any(result, # == 9) || # == 2)", true), ("1e-3 <= .001 && 0x10 == 16 && 1_000 == 1000", true),
            ("\"a\" + 'b' == `ab` && \"abc\"[1:] endsWith \"c\" && \"tab\\t\" contains \"\\t\"", true),
            ("not (result[0] != 1)", true), ("mean([]) == 0", nil), ("\"a\" not in result", nil), ("0 / 0 > 1", false),
            ("result[1.5] > 0", nil), ("5 % 0 > 1", nil),
            ("false && result[9] > 1", false), ("true || result[9] > 1", true), ("true ? 5 : true", nil),
        ].map { Row(.list([1, 2, 3, .infinity]), $0.0, $0.1) }

    @Test("the language gives what expr gives", arguments: sentences)
    func sentence(row: Row) throws { try self.row(row: row) }

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
            ("result >", 8), ("result[0", 8), ("foo > 1", 0), ("len()", 0), ("result > \"1", 9), ("(result", 7),
            ("1 2", 2), ("", 0), ("# > 1", 0), ("all(result)", 0), ("result ; 1", 7), ("1. > 0", 0), ("result.", 7),
            ("true ? 1", 8), ("result[]", 7), ("min() > 1", 0),
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

    @Test(
        "a type error names the part that is wrong",
        arguments: [
            ("result[0] > 1 && len(result) + 1", "`len(result) + 1` is a number"), ("all(result, # + 1)", "`# + 1`"),
            ("result[0] == \"a\"", "`\"a\"` is a text"), ("!result[0]", "`result[0]` is a number"),
            ("result[0][1] > 2", "`result[0]` is a number"), ("filter(result, # > 1) > 2", "`filter(result, # > 1)`"),
            ("not result[0] < 5", "`result[0]` is a number"), ("result.value > 1", "`value` is a text"),
        ])
    func namesThePart(text: String, part: String) throws {
        let condition = try Condition(text)
        let error = #expect(throws: ConditionError.self) { try condition.check(against: .list) }
        #expect(error?.message.hasPrefix(part) == true, "\(error?.message ?? "")")
    }

    @Test(
        "where data is needed, nothing to judge by is no data",
        arguments: [
            "result[0] / result[1] > 0.05", "!(result[0] / result[1] > 0.05)", "all(filter(result, # > 5), # < 9)",
            "none([], # > 1)", "result[0] ** -1 - result[1] ** -1 < 1", "asFloat(\"NaN\") > 1",
        ])
    func noData(text: String) throws {
        let condition = try Condition(text)
        let error = #expect(throws: ConditionError.self) {
            try condition.holds(for: .list([0, 0]), needsData: true)
        }
        if !text.hasPrefix("asFloat") { #expect(error?.isNoData == true) }
        var metric = Metric(name: "m", query: PrometheusQuery(address: "a", query: "q"))
        metric.failureCondition = text
        #expect(try Evaluator(metric).phase(of: .list([0, 0])).0 != .successful)
    }

    @Test func `an answer nested as deep as JSON may be is compared, and long lists are paid for`() throws {
        var value: JSONValue = .int(1)
        for _ in 0..<60 { value = .object([.init("a", value), .init("b", .int(1)), .init("c", .int(1))]) }
        let answer = MetricAnswer.json(.object([.init("states", .array([value]))]), text: "")
        #expect(throws: ConditionError.self) { try Condition("\"x\" in result.states").holds(for: answer) }
        #expect(try Condition("result.states == result.states").holds(for: answer))
        let long = MetricAnswer.list((0..<20_000).map(Double.init))
        let error = #expect(throws: ConditionError.self) {
            try Condition("all(result, # <= 3 * median(result) + 30000)").holds(for: long)
        }
        #expect(error?.message.contains("steps") == true)
    }

    @Test func `predicates inside predicates end, however long the list is`() throws {
        let text = String(repeating: "any(result, ", count: 12) + "# < 0" + String(repeating: ")", count: 12)
        let answer = MetricAnswer.list([Double](repeating: 1, count: 100))
        let error = #expect(throws: ConditionError.self) { try Condition(text).holds(for: answer) }
        #expect(error?.message.contains("steps") == true)
    }

    @Test func `depth and length are bounded`() {
        #expect(throws: ConditionError.self) { try Condition(String(repeating: "(", count: 3000)) }
        #expect(throws: ConditionError.self) { try Condition(String(repeating: "!", count: 3000) + "true") }
        #expect(throws: ConditionError.self) { try Condition(String(repeating: "1+", count: 4000) + "1") }
        #expect(throws: ConditionError.self) { try Condition(String(repeating: "1+", count: 1000) + "1") }
        #expect(throws: ConditionError.self) { try Condition("result" + String(repeating: "[0]", count: 1000)) }
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

    @Test func `vectors 38 and 39: lists, of a vector and of a matrix`() throws {
        let vector = MetricAnswer.list([10, 11])
        #expect(try phase(vector, success: "10 in result", failure: "len(result) != 2") == .successful)
        #expect(vector.text == "[10,11]")
        let matrix = MetricAnswer.list([11, 12, 13, 14])
        #expect(try phase(matrix, success: "all(result, # > 10)") == .successful)
        #expect(matrix.text == "[11,12,13,14]")
    }

    @Test func `what a condition speaks of beside the result has to be known`() throws {
        let condition = "abs(result[0] - asked) <= 0.02 + 3 * (asked * (1 - asked) / requests) ** 0.5"
        func split(_ share: Double, asked: Double?, requests: MetricAnswer?) throws -> MeasurementPhase {
            var metric = Metric(name: "m", query: PrometheusQuery(address: "a", query: "q"))
            metric.successCondition = condition
            return try Evaluator(metric).phase(of: .list([share]), requests: requests, asked: asked).0
        }
        #expect(try split(0.26, asked: 0.25, requests: .list([10_000])) == .successful)
        #expect(try split(0.30, asked: 0.25, requests: .list([10_000])) == .failed)
        // Of 100 requests a share of 0.30 is no surprise.
        #expect(try split(0.30, asked: 0.25, requests: .list([100])) == .successful)
        #expect(try split(0.26, asked: nil, requests: .list([10_000])) == .noData)
        #expect(try split(0.26, asked: 0.25, requests: nil) == .noData)
        #expect(try split(0.26, asked: 0.25, requests: .list([1, 2])) == .error)
    }

    @Test func `a scalar query's vector of one is a scalar, as VictoriaMetrics answers it`() throws {
        #expect(
            try phase(.list([7]), success: "result > 5") {
                $0.prometheus = PrometheusQuery(address: "a", query: "scalar(x)")
            } == .successful)
        #expect(try phase(.list([7]), success: "result > 5") == .error)
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

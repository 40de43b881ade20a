import BelayCore
import Foundation
import Testing

@testable import BelaySpec

/// What a metric's text may say, and what it becomes.
@Suite("Metrics in files")
struct MetricSpecTests {
    /// A template of one metric in place, in a rollout with a server.
    static func rollout(_ template: String, steps: String = "[{setWeight: 50, hold: 5m}]") -> SpecSource {
        let indented = template.split(separator: "\n", omittingEmptySubsequences: false)
            .map { "        \($0)" }.joined(separator: "\n")
        let start = SpecTests.good.range(of: "  strategy:")!.lowerBound
        return SpecSource(
            file: "r.yaml",
            text: SpecTests.good[..<start] + """
                  strategy: {canary: {steps: \(steps)}}
                  analysis:
                    prometheus: {address: "http://p"}
                    templates:
                      -
                \(indented)
                """)
    }

    static func metric(_ fields: String) -> String {
        "metrics:\n  - name: m\n" + fields.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
    }

    /// A gate that is always there, beside what is tried.
    static let gate = "\n  - {name: gate, max: 1, provider: {prometheus: {query: up}}}"

    static func read(_ text: String, set environment: [String: String] = [:]) throws -> [Metric] {
        let spec = try SpecTests.loader(environment: environment).rollout(rollout(text))
        return try spec.plan(roles: Roles(canaryIsSecond: true), identity: "t").metrics
    }

    static func issues(_ text: String) -> [String] { SpecTests.loader().lint(rollout(text)).map(\.description) }

    static func notes(_ text: String) -> [String] {
        let (issues, notes) = SpecTests.loader().review(rollout(text))
        #expect(issues.isEmpty, "\(issues)")
        return notes.map(\.description)
    }

    // MARK: min and max

    @Test func `min and max are conditions that every value has to keep`() throws {
        let list = try Self.read(Self.metric("min: 0.5\nmax: 2\nprovider: {prometheus: {query: up}}"))
        #expect(list[0].successCondition == "all(result, # >= 0.5 && # <= 2.0)")
        let scalar = try Self.read(Self.metric("max: 1%\nprovider: {prometheus: {query: scalar(up)}}"))
        #expect(scalar[0].successCondition == "result <= 0.01")
        #expect(scalar[0].noData == .wait)
    }

    @Test(
        "what cannot be is said",
        arguments: [
            ("min: 3\nmax: 2\nprovider: {prometheus: {query: up}}", "min 3.0 is more than max 2.0"),
            ("max: 1\nsuccessCondition: result[0] < 1\nprovider: {prometheus: {query: up}}", "has no say beside `min`"),
            ("provider: {prometheus: {query: up}}", "min or max every answer would pass"),
            ("max: 1\nprovider: {web: {url: \"ftp://x\"}}", "must begin with http"),
            ("max: 1\nprovider: {web: {url: \"http://x\", jsonPath: \"$.a[*]\"}}", "one value is expected"),
            ("max: 1\nprovider: {web: {url: \"http://x\", body: a}}", "POST or PUT"),
            ("max: 1\nprovider: {web: {url: \"http://x\", method: PUT, body: a, jsonBody: {}}}", "cannot both be sent"),
            ("max: 1\nprovider: {command: {run: []}}", "a program and its arguments"),
            ("max: 1\nprovider: {job: {}}", "cannot do `job` yet"),
            (
                "successCondition: all(result, # < 1)\nprovider: {prometheus: {query: up}}",
                "put the condition in quotes"
            ),
            ("max: 1\nprovider: {constant: {value: 1}, web: {url: \"http://x\"}}", "exactly one of"),
            ("max: 1\nseries: []\nprovider: {constant: {value: 1}}", "belongs to `judge: mannWhitney`"),
            ("compare: {}\njudge: mannWhitney\nprovider: {constant: {value: 1}}", "one judge is enough"),
            ("max: 1\nprovider: {prometheus: {query: up, rangeQuery: {start: 5m, step: 0s}}}", "1 to 11,000 values"),
            (
                "max: 1\nprovider: {prometheus: {query: up, rangeQuery: {start: 'date(\"2020\")', step: 1m}}}",
                "a fixed date would show the same"
            ),
            ("max: 1\nprovider: {prometheus: {query: up, authentication: {oauth2: {}}}}", "cannot do `oauth2` yet"),
        ])
    func mistakes(fields: String, says: String) {
        let issues = Self.issues(Self.metric(fields))
        #expect(issues.contains { $0.contains(says) }, "\(issues)")
    }

    /// Argo finds these when the run is under way, as errors; here nothing has moved yet. Vector 32, the time a finished
    /// run is kept, has no equal: the journal keeps all of them.
    @Test(
        "vectors 31, 40 and 43: what Argo finds during the run is found before",
        arguments: [
            ("max: \"{{args.x}}\"\nprovider: {prometheus: {query: up}}", "`{{args.x}}` has no value"),
            ("max: 1\nprovider: {prometheus: {query: up, rangeQuery: {start: x, step: 1m}}}", "is not so long ago"),
            ("max: 1\nprovider: {prometheus: {query: up, rangeQuery: {start: 5m, step: x}}}", "is not a duration"),
            ("max: 1\nprovider: {prometheus: {address: p, query: up}}", "must begin with http"),
            ("max: 1\nprovider: {prometheus: {query: up, timeout: -5}}", "is not a duration"),
        ])
    func foundBefore(fields: String, says: String) {
        let issues = Self.issues(Self.metric(fields))
        #expect(issues.contains { $0.contains(says) }, "\(issues)")
    }

    // MARK: Sources

    @Test func `each provider's fields arrive`() throws {
        let web = try Self.read(
            Self.metric(
                """
                successCondition: result.ok
                provider:
                  web:
                    url: http://x/health
                    method: POST
                    jsonBody: {a: 1, b: [true, "1", x]}
                    headers: [{key: A, value: b}]
                    timeoutSeconds: 3
                    jsonPath: "{$.data}"
                    insecure: true
                """))
        guard case .web(let query) = web[0].source else { throw SpecFailure([]) }
        #expect(query.server.address == "http://x/health")
        #expect(query.server.timeout == .seconds(3))
        #expect(query.server.isInsecure)
        #expect(query.path.parts == [.member("data")])
        let list: JSONValue = .array([.bool(true), .string("1"), .string("x")])
        #expect(query.body == .json(.object([.init("a", .int(1)), .init("b", list)])))
        let range = try Self.read(
            Self.metric(
                """
                successCondition: "all(result, # < 1)"
                provider:
                  prometheus:
                    query: rate(x[1m])
                    maxInFlight: 3
                    rangeQuery: {start: 'now() - duration("5m")', end: now(), step: 30s}
                """))
        let stretch = PrometheusQuery.Stretch(start: .seconds(300), end: .zero, step: .seconds(30))
        #expect(range[0].prometheus?.question == .range("rate(x[1m])", stretch))
        #expect(range[0].prometheus?.server.maxInFlight == 3)
        #expect(range[0].window == .seconds(360))
        #expect(
            try Self.read(Self.metric("max: 1\nprovider: {constant: {value: 0.5}}"))[0].source
                == .constant(.double(0.5)))
    }

    @Test func `a command without conditions is judged by its exit status`() throws {
        let metric = try Self.read(
            Self.metric("provider: {command: {run: [./smoke, --fast], env: {A: b}, timeout: 5s}}"))[0]
        var query = CommandQuery(arguments: ["./smoke", "--fast"])
        (query.environment, query.timeout, query.reads) = ([.init(name: "A", value: "b")], .seconds(5), .exitStatus)
        #expect(metric.source == .command(query))
        #expect(metric.successCondition == "result == 0")
        let other = try Self.read(Self.metric("max: 3\nprovider: {command: {run: [./smoke]}}"))[0]
        #expect(other.source == .command(CommandQuery(arguments: ["./smoke"])))
    }

    // MARK: Arguments

    private static let secret = """
        args:
          - {name: token, valueFrom: {env: TOKEN}}
        metrics:
          - name: m
            max: 1
            provider:
              web: {url: "http://x", headers: [{key: Authorization, value: "Bearer {{args.token}}"}]}
        """

    @Test func `a value from the environment stays a reference`() throws {
        let metric = try Self.read(Self.secret, set: ["TOKEN": "s3cret"])[0]
        guard case .web(let query) = metric.source else { throw SpecFailure([]) }
        #expect(query.server.headers == [Header(name: "Authorization", value: "Bearer {{env:TOKEN}}")])
    }

    @Test func `a reference has no place in a condition, and its kinds are checked`() {
        let condition = Self.secret.replacingOccurrences(of: "max: 1", with: "max: \"{{args.token}}\"")
        #expect(Self.issues(condition).contains { $0.contains("is read each time it is used") })
        let later = Self.secret.replacingOccurrences(of: "{env: TOKEN}", with: "{secretKeyRef: {name: a, key: b}}")
        #expect(Self.issues(later).contains { $0.contains("cannot do `secretKeyRef` yet") })
        let both = Self.secret.replacingOccurrences(of: "{name: token, ", with: "{name: token, value: x, ")
        #expect(Self.issues(both).contains { $0.contains("either `value` or `valueFrom`") })
    }

    @Test func `another server gets none of the rollout's credentials, a header of the same name replaces`() throws {
        func endpoint(_ provider: String) throws -> Endpoint {
            let text = Self.rollout(Self.metric("max: 1\nprovider: {prometheus: {query: up, \(provider)}}")).text
                .replacingOccurrences(
                    of: "{address: \"http://p\"}",
                    with: "{address: \"http://p\", authentication: {bearer: env:T}, headers: [{key: X-Team, value: a}]}"
                )
            let spec = try SpecTests.loader().rollout(SpecSource(file: "r.yaml", text: text))
            let plan = try spec.plan(roles: Roles(canaryIsSecond: true), identity: "t")
            return try #require(plan.metrics[0].prometheus).server
        }
        #expect(try endpoint("timeout: 3s").bearer == "env:T")
        let other = try endpoint("address: \"http://other\"")
        #expect(other.bearer == nil && other.headers.isEmpty)
        let replaced = try endpoint("headers: [{key: x-team, value: b}]")
        #expect(replaced.headers == [Header(name: "x-team", value: "b")])
    }

    @Test func `a default may speak of the rollout, and what nobody fills is a mistake`() throws {
        let template = """
            args:
              - {name: backend, value: "{{canary.backend}}"}
            metrics:
              - name: m
                max: 1
                provider: {prometheus: {query: 'up{proxy="{{args.backend}}"}'}}
            """
        #expect(try Self.read(template)[0].prometheus?.text == "up{proxy=\"checkout_green\"}")
        let wrong = template.replacingOccurrences(of: "canary.backend", with: "canary.bakend")
        #expect(Self.issues(wrong).contains { $0.contains("`{{canary.bakend}}` has no value") })
        let text = Self.rollout(Self.metric("max: 1\nprovider: {prometheus: {query: up}}")).text
            .replacingOccurrences(of: "\"http://p\"", with: "\"http://{{revision}}\"")
        let issues = SpecTests.loader().lint(SpecSource(file: "r.yaml", text: text)).map(\.message)
        #expect(issues.contains { $0.contains("is not known here") }, "\(issues)")
    }

    // MARK: Templates of templates

    private static func nesting(_ files: [String: String]) -> SpecLoader {
        SpecLoader(resolve: { _, name, _ in files[name].map { SpecSource(file: "\(name).yaml", text: $0) } })
    }

    private static func template(_ name: String, _ spec: String) -> String {
        "apiVersion: belay.dev/v1\nkind: AnalysisTemplate\nmetadata: {name: \(name)}\nspec:\n\(spec)"
    }

    @Test func `templates take in others once each, and share their arguments`() throws {
        let files = [
            "outer": Self.template("outer", "  templates: [{templateName: one}, {templateName: two}]\n"),
            "one": Self.template(
                "one",
                "  args: [{name: max}]\n  templates: [{templateName: two}]\n  metrics:\n"
                    + "    - {name: a, max: \"{{args.max}}\", provider: {constant: {value: 1}}}\n"),
            "two": Self.template(
                "two",
                "  args: [{name: max}]\n  templates: [{templateName: one}]\n  metrics:\n"
                    + "    - {name: b, min: \"{{args.max}}\", provider: {constant: {value: 1}}}\n"),
        ]
        let source = Self.rollout("{ref: outer, args: {max: \"3\"}}")
        let spec = try Self.nesting(files).rollout(source)
        let metrics = try spec.plan(roles: Roles(canaryIsSecond: true), identity: "t").metrics
        #expect(metrics.map(\.name) == ["a", "b"])
        #expect(metrics.map(\.successCondition) == ["result <= 3.0", "result >= 3.0"])
        // The outer template's rules are about all of them, and a rollout of nothing but dry runs has no gate.
        var dry = files
        dry["outer"]! += "  dryRun: [{metricName: a}]\n"
        let rules = try Self.nesting(dry).rollout(source).plan(roles: Roles(canaryIsSecond: true), identity: "t")
        #expect(rules.metrics.map(\.isDryRun) == [true, false])
        for wrong in ["[{name: one}]", "[]", "one", "[{templateName: \"${UNSET}\"}]"] {
            var broken = files
            broken["outer"] = Self.template("outer", "  templates: \(wrong)\n")
            #expect(!Self.nesting(broken).lint(source).isEmpty, "\(wrong)")
        }
        let missing = files.filter { $0.key != "two" }
        let issues = Self.nesting(missing).lint(source).map(\.message)
        #expect(issues.contains { $0.contains("there is no analysis template `two`") })
    }

    // MARK: Dry runs, retention

    @Test func `vectors 28 and 29: dry runs are named by patterns, and are no gates`() throws {
        let one = Self.metric("max: 1\nprovider: {constant: {value: 1}}") + Self.gate
        let metrics = try Self.read(one + "\ndryRun: [{metricName: \"^m\"}]")
        #expect(metrics.map(\.isDryRun) == [true, false])
        #expect(
            Self.issues(one + "\ndryRun: [{metricName: nothing}]").contains { $0.contains("matches no metric's name") })
        #expect(Self.issues(one + "\ndryRun: [{metricName: \"*\"}]").contains { $0.contains("all metrics are `.*`") })
        // Argo lets a run of nothing but dry runs succeed; here it is a rollout without a gate.
        #expect(
            Self.issues(one + "\ndryRun: [{metricName: \".*\"}]").contains { $0.contains("every metric is a dry run") })
        let kept = one + "\nmeasurementRetention: [{metricName: m, limit: 20}]"
        #expect(Self.notes(kept).contains { $0.contains("every measurement stays in the journal") })
    }

    // MARK: Judge

    static let judge = """
        metrics:
          - name: score
            judge: mannWhitney
            interval: 1m
            step: 15s
            lookback: 10m
            scoreThresholds: {pass: 90, marginal: 50}
            groupWeights: {errors: 70, latency: 30}
            series:
              - name: error percent
                groups: [errors]
                direction: increase
                critical: true
                nanStrategy: replace
                effectSize: {allowedIncrease: 1.2, criticalIncrease: 2}
                canary: 'c'
                stable: 's'
              - {name: p99, groups: [latency], outliers: {strategy: remove}, canary: c, stable: s}
            provider: {prometheus: {}}
        """

    @Test func `a judge arrives with Kayenta's names and defaults`() throws {
        let metric = try Self.read(Self.judge + Self.gate)[0]
        let judge = try #require(metric.judge)
        #expect((judge.pass, judge.marginal, judge.step, judge.lookback) == (90, 50, .seconds(15), .seconds(600)))
        #expect(judge.series.map(\.groups) == [["errors"], ["latency"]])
        #expect(judge.series[0].isCritical && judge.series[0].replacesNaN)
        #expect((judge.series[0].allowedIncrease, judge.series[0].criticalIncrease) == (1.2, 2))
        #expect((judge.series[1].allowedIncrease, judge.series[1].outlierFactor) == (1, 3))
        #expect(metric.blindFor == .seconds(300 + 75))
        #expect(metric.limits.inconclusive == 2)
    }

    @Test(
        "a judge's mistakes are said",
        arguments: [
            ("errors: 70, ", "errors: 60, ", "come to 90.0, not to 100"),
            ("groups: [latency]", "groups: []", "counts for nothing"),
            ("latency: 30", "latncy: 30", "did you mean `latency`"),
            ("lookback: 10m", "lookback: 30s", "never has 5 points"),
            ("marginal: 50", "marginal: 95", "must not be more than `pass`"),
            ("judge: mannWhitney", "judge: mannwhitney", "did you mean"),
            ("interval: 1m", "max: 3", "has no say beside `judge`"),
        ])
    func judgeMistakes(old: String, new: String, says: String) {
        #expect(Self.judge.contains(old))
        let issues = Self.issues(Self.judge.replacingOccurrences(of: old, with: new) + Self.gate)
        #expect(issues.contains { $0.contains(says) }, "\(issues)")
    }

    @Test func `a judge alone does not watch 100 percent`() {
        #expect(Self.issues(Self.judge).contains { $0.contains("name a metric that watches step 2 (100 %), too") })
    }
}

import BelaySpec
import Foundation
import Testing

/// What a file says that is no mistake of form, and does not do what its author may think.
@Suite("Hazards in files")
struct HazardSpecTests {
    @Test(
        "lint explains where Argo would do something else",
        arguments: [
            ("failureCondition: result[0] > 1", "NaN would pass in Argo"),
            ("successCondition: \"all(result, # < 1)\"", "here it is no data"),
            ("successCondition: \"all(result, # < 1)\"\nnoData: evaluate", "with `noData: evaluate` it passes"),
            ("successCondition: result[0] < 1\ncount: 5", "the watching goes on to the end"),
            ("successCondition: result[0] < 1\nconsecutiveErrorLimit: 2", "`blindFor` has no say here"),
        ])
    func hazards(fields: String, says: String) {
        let notes = MetricSpecTests.notes(MetricSpecTests.metric(fields + "\nprovider: {prometheus: {query: up}}"))
        #expect(notes.contains { $0.contains(says) }, "\(notes)")
    }

    @Test func `a plain good metric needs no explanation`() {
        let query = "{query: 'sum(rate(x[10s]))', requestsQuery: 'sum(increase(x[10s]))'}"
        // The step of 100 % that is added has no hold.
        let notes = MetricSpecTests.notes(MetricSpecTests.metric("max: 1\nprovider: {prometheus: \(query)}"))
        #expect(notes.count == 1 && notes[0].contains("step 2 (100 %) takes at least 10s"), "\(notes)")
    }

    @Test func `lint says what proves no traffic, what takes longer, and what stands still`() {
        let notes = MetricSpecTests.notes(
            MetricSpecTests.metric("max: 1\nprovider: {prometheus: {query: 'sum(rate(x[20m]))'}}"))
        #expect(notes.contains { $0.contains("no gate counts requests, so that a step may pass without any") })
        #expect(notes.contains { $0.contains("takes at least 20m: the window of") })
        let average = MetricSpecTests.notes(
            MetricSpecTests.metric("max: 1\nprovider: {prometheus: {query: haproxy_average}}"))
        #expect(average.contains { $0.contains("a value that stands still") })
        #expect(
            MetricSpecTests.notes(MetricSpecTests.judge + MetricSpecTests.gate).contains {
                $0.contains("`compare` counts requests")
            })
    }

    @Test(
        "what fills a whole matcher with nothing is refused, what the author wrote is not",
        arguments: [
            ("'sum(x{v=\"{{revision}}\"})'", "", false),
            ("'sum(x{v=\"${EMPTY}\"})'", "`${EMPTY}` has no value here", true),
            ("'sum(x{v=\"${BLANK}\",c=\"1\"})'", "`${BLANK}` has no value here", true), ("'sum(x{v=\"\"})'", "", false),
            ("'sum(x{v=~\"a${EMPTY}\"})'", "", false),
        ])
    func emptied(query: String, says: String, isRefused: Bool) throws {
        let text = MetricSpecTests.metric("max: 1\nprovider: {prometheus: {query: \(query)}}")
        let loader = SpecTests.loader(environment: ["EMPTY": "", "BLANK": " "])
        let issues = loader.lint(MetricSpecTests.rollout(text)).map(\.description)
        #expect(issues.isEmpty != isRefused, "\(issues)")
        #expect(says.isEmpty || issues.contains { $0.contains(says) }, "\(issues)")
    }

    @Test func `outside a query a quoted variable is no matcher`() {
        let command = MetricSpecTests.metric("provider: {command: {run: [deploy, '--label=\"${EMPTY}\"']}}")
        let loader = SpecTests.loader(environment: ["EMPTY": ""])
        #expect(loader.lint(MetricSpecTests.rollout(command)).isEmpty)
    }

    @Test func `an argument declared twice is refused with both lines`() {
        let template = """
            apiVersion: belay.dev/v1
            kind: AnalysisTemplate
            metadata: {name: twice}
            spec:
              args:
                - {name: max, value: "1"}
                - {name: max, value: "2"}
              metrics: [{name: m, max: "{{args.max}}", provider: {prometheus: {query: up}}}]
            """
        let issues = SpecTests.loader().lint(SpecSource(file: "t.yaml", text: template)).map(\.description)
        #expect(issues.contains { $0.contains("`max` is declared in line 6 and again in line 7") }, "\(issues)")
    }

    @Test(
        "a revision is letters, digits and . _ - + : / @ ~",
        arguments: [
            "1.9.0", "registry:5000/shop/checkout@sha256:0f", "v1.2.3-rc.1+build.7~1", "feature/x_y",
        ])
    func goodRevision(revision: String) throws {
        _ = try SpecTests.loader().rollout(SpecSource(file: "r.yaml", text: SpecTests.good), revision: revision)
    }

    @Test(
        "what a revision may not have is refused, wherever it comes from",
        arguments: [
            "{{env:AWS_SECRET}}", "1\"} or vector(1) #", "a b", "1;reboot", "$(id)", "`id`", "a\nb", "\u{1B}[2J", "é",
            "a\u{202E}b", "x'y", "a|b",
        ])
    func badRevision(revision: String) {
        #expect {
            try SpecTests.loader().rollout(SpecSource(file: "r.yaml", text: SpecTests.good), revision: revision)
        } throws: {
            ($0 as? SpecFailure)?.issues.contains { $0.description.contains("it may have letters, digits") } == true
        }
        let file = SpecTests.good.replacingOccurrences(of: "\"1.9.0\"", with: "\"${REV}\"")
        #expect {
            try SpecTests.loader(environment: ["REV": revision]).rollout(SpecSource(file: "r.yaml", text: file))
        } throws: { ($0 as? SpecFailure)?.issues.isEmpty == false }
    }

    @Test func `a variable's value is no placeholder`() {
        let file = SpecTests.good.replacingOccurrences(of: "backend: \"{{canary.backend}}\"", with: "backend: \"${B}\"")
        #expect(file != SpecTests.good)
        #expect {
            try SpecTests.loader(environment: ["B": "{{env:AWS_SECRET}}"]).rollout(
                SpecSource(file: "r.yaml", text: file))
        } throws: { ($0 as? SpecFailure)?.issues.contains { $0.description.contains("is no placeholder") } == true }
    }

    @Test(
        "a secret in clear is refused with what to write",
        arguments: [
            ("headers: [{key: Authorization, value: \"Bearer ${TOK}\"}]", "bearer: env:NAME"),
            ("headers: [{key: X-Api-Key, value: abcdef}]", "bearer: env:NAME"),
            ("address: \"http://user:pw@prometheus:9090\"", "basicAuth"),
        ])
    func secretInClear(members: String, words: String) {
        let address = members.hasPrefix("address") ? members : "address: \"http://p:9090\", \(members)"
        let file = SpecTests.good.replacing(/prometheus: \{address: [^}]*\}/, with: "prometheus: {\(address)}")
        #expect(file != SpecTests.good)
        #expect {
            try SpecTests.loader(environment: ["TOK": "secret"]).rollout(SpecSource(file: "r.yaml", text: file))
        } throws: { ($0 as? SpecFailure)?.issues.contains { $0.description.contains(words) } == true }
    }

    @Test("an empty revision is refused", arguments: ["", "  "])
    func emptyRevision(revision: String) {
        #expect(throws: SpecFailure.self) {
            try SpecTests.loader().rollout(SpecSource(file: "r.yaml", text: SpecTests.good), revision: revision)
        }
    }
}

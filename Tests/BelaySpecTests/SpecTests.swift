import BelayCore
import BelaySpec
import Foundation
import Testing

@Suite("Files")
struct SpecTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func loader(environment: [String: String] = [:], set: [(path: String, value: String)] = []) -> SpecLoader {
        SpecLoader(
            environment: environment, overrides: set, names: { $0 == .strategy ? ["quick"] : ["haproxy-error-rate"] },
            resolve: { kind, name, _ in
                let folder = kind == .strategy ? "strategies" : "analysis-templates"
                let path = root.appending(path: "\(folder)/\(name).yaml").path
                guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
                return SpecSource(file: "\(name).yaml", text: text)
            })
    }

    static let good = """
        apiVersion: belay.dev/v1
        kind: Rollout
        metadata: {name: checkout}
        spec:
          revision: "1.9.0"
          workload: {external: {}}
          traffic:
            haproxy:
              instances: [{socket: /run/haproxy/belay.sock}]
              map: {file: /etc/haproxy/belay/checkout.map, key: checkout}
              sides: {blue: checkout_blue, green: checkout_green}
          strategy: {ref: canary-10-25-50-100}
          analysis:
            prometheus: {address: "http://prometheus:9090"}
            templates:
              - {ref: haproxy-error-rate, args: {backend: "{{canary.backend}}", max: "0.01"}}
        """

    @Test func `the example of the design becomes a plan, either way round`() throws {
        let spec = try Self.loader().rollout(SpecSource(file: "r.yaml", text: Self.good))
        let plan = try spec.plan(roles: Roles(canaryIsSecond: true), identity: "t")
        #expect(plan.steps.map(\.weight.basisPoints) == [1000, 2500, 5000, 10_000])
        #expect(plan.steps.map(\.hold.max) == [.seconds(300), .seconds(600), .seconds(900), .seconds(600)])
        #expect(plan.metrics[0].prometheus?.text.contains("checkout_green") == true)
        #expect(plan.metrics[0].window == .seconds(60))
        #expect(plan.metrics[0].minRequests == 20)
        let other = try spec.plan(roles: Roles(canaryIsSecond: false), identity: "t")
        #expect(other.metrics[0].prometheus?.text.contains("checkout_blue") == true)
    }

    struct Mistake: CustomTestStringConvertible, Sendable {
        let old: String
        let new: String
        let says: String
        init(_ old: String, _ new: String, _ says: String) { (self.old, self.new, self.says) = (old, new, says) }
        var testDescription: String { says }
    }

    static let mistakes: [Mistake] = [
        Mistake("  revision:", "  revison:", "r.yaml:5:3: spec: unknown key `revison`; did you mean `revision`?"),
        Mistake(
            "external: {}", "kubernetes: {}",
            "spec.workload.kubernetes: exactly one of deployment, deployments is expected, there are 0"),
        Mistake("{socket: /run/haproxy/belay.sock}", "{address: \"127.0.0.1:9999\"}", "cannot do `address` yet"),
        Mistake("key: checkout}", "key: \"a b\"}", "may only have letters"),
        Mistake("blue: checkout_blue, ", "", "two sides are expected, there are 1"),
        Mistake("checkout_blue", "checkout_green", "both sides are the backend checkout_green"),
        Mistake("ref: canary-10-25-50-100", "ref: quik", "there is no strategy `quik`; did you mean `quick`?"),
        Mistake("ref: haproxy-error-rate", "ref: haproxy-error-rat", "did you mean `haproxy-error-rate`?"),
        Mistake("backend: \"{{canary.backend}}\", ", "", "the argument `backend` is missing"),
        Mistake("max: \"0.01\"", "maxx: \"0.01\"", "no argument `maxx`; did you mean `max`?"),
        Mistake("max: \"0.01\"", "max: \"x y\"", "`result[0] <= x y`"),
        Mistake("{{canary.backend}}", "{{canary.backnd}}", "`{{canary.backnd}}` has no value"),
        Mistake("http://prometheus:9090", "prometheus:9090", "must begin with http"),
        Mistake(
            "strategy: {ref: canary-10-25-50-100}", "strategy: {canary: {steps: [{setWeight: 120, hold: 5m}]}}",
            "weight 120 is not in 0…100"),
        Mistake(
            "strategy: {ref: canary-10-25-50-100}", "strategy: {canary: {steps: [{setWeight: 50}, {setWeight: 20}]}}",
            "say why with `reason`"),
        Mistake(
            "strategy: {ref: canary-10-25-50-100}", "strategy: {canary: {steps: [{setWeight: 50, hold: 5x}]}}",
            "`5x` is not a duration"),
        Mistake(
            "strategy: {ref: canary-10-25-50-100}", "strategy: {canary: {steps: [{setWeight: 50, mirror: {}}]}}",
            "cannot do `mirror` yet"),
        Mistake("strategy: {ref: canary-10-25-50-100}", "strategy: {canary: {steps: [{}]}}", "the step is empty"),
        Mistake(
            "ref: canary-10-25-50-100", "ref: canary-pods-5-3-1",
            "numbers of pods are for `traffic: {replicas: {service: NAME}}` of a cluster"),
        Mistake(
            "strategy: {ref: canary-10-25-50-100}",
            "strategy: {canary: {steps: [{setWeight: 50, scale: {stable: 0, canary: 1}}]}}",
            "0 pods of stable are 100 %, and 50 % is asked for"),
        Mistake(
            "strategy: {ref: canary-10-25-50-100}",
            "strategy: {canary: {steps: [{setWeight: 50, scale: {stable: 1, canary: 1}}]}}",
            "step 2 (100 %) has no `scale`"),
        Mistake(
            "strategy: {ref: canary-10-25-50-100}", "strategy: {canary: {steps: [{scale: {stable: 1, canary: 1}}]}}",
            "`scale` goes with a `setWeight` above 0 in the same step"),
        Mistake(
            "strategy: {ref: canary-10-25-50-100}",
            "strategy: {canary: {steps: [{setWeight: 10, scale: {stable: 1, canary: 1}}, {setWeight: 50, scale: {stable: 2, canary: 2}}]}}",
            "50 % is 1 and 1 pods in another step"),
        Mistake("kind: Rollout", "kind: Rolout", "did you mean `Rollout`?"),
        Mistake("\"1.9.0\"", "\"${NOPE}\"", "the environment variable NOPE is not set"),
        Mistake("revision: \"1.9.0\"", "revision: *x", "not YAML"),
        Mistake(
            "revision: \"1.9.0\"", "revision: \"1\"\n  revision: \"2\"", "the key `revision` stands more than once"),
    ]

    /// The traffic part of a file that another program follows.
    static func file(_ members: String) -> String {
        let (start, end) = (good.range(of: "    haproxy:")!.lowerBound, good.range(of: "  strategy:")!.lowerBound)
        return good.replacingCharacters(in: start..<end, with: "    file: {\(members)}\n")
    }

    @Test func `a file with one number is a target like the first`() throws {
        let text = Self.file(
            "path: /run/lb/share, scale: 1000, sides: {blue: p1, green: p2}, run: [reload, now], read: [cat, x]")
        let spec = try Self.loader().rollout(SpecSource(file: "r.yaml", text: text))
        let sides = Sides(first: Side(name: "blue", backend: "p1"), second: Side(name: "green", backend: "p2"))
        #expect(
            spec.traffic
                == .file(
                    FileTraffic(
                        path: "/run/lb/share", scale: 1000, sides: sides, run: ["reload", "now"], read: ["cat", "x"])))
        let usual = Self.file("path: /run/lb/share, sides: {blue: p1, green: p2}")
        guard case .file(let traffic) = try Self.loader().rollout(SpecSource(file: "r.yaml", text: usual)).traffic
        else {
            Issue.record("no file")
            return
        }
        #expect(traffic.scale == 100 && traffic.run == [] && traffic.read == [])
    }

    @Test func `all that is wrong with a target is said at once, each at its place`() {
        let text = Self.file("path: share, scale: 0, sides: {blue: p, green: p}, run: [], red: [cat]")
        let issues = Self.loader().lint(SpecSource(file: "r.yaml", text: text)).map(\.description)
        for words in ["`0` is not a whole number in 1…10000", "a program and its arguments", "unknown key `red`"] {
            #expect(issues.contains { $0.contains(words) }, "\(issues)")
        }
        let both = Self.good.replacing("    haproxy:", with: "    file: {path: /x, sides: {a: a, b: b}}\n    haproxy:")
        #expect(
            Self.loader().lint(SpecSource(file: "r.yaml", text: both)).map(\.description)
                .contains { $0.contains("exactly one of haproxy, file is expected, there are 2") })
        let later = Self.good.replacing("haproxy:", with: "nginx:")
        let said = Self.loader().lint(SpecSource(file: "r.yaml", text: later)).map(\.description)
        #expect(said.filter { $0.contains("spec.traffic") }.count == 1, "\(said)")
        let relative = Self.file("path: share, sides: {blue: p, green: p}, run: [./reload]")
        let wrong = Self.loader().lint(SpecSource(file: "r.yaml", text: relative)).map(\.description)
        #expect(wrong.contains { $0.hasPrefix("r.yaml:8:18: spec.traffic.file.path: `share` must be") }, "\(wrong)")
        #expect(wrong.contains { $0.contains("both sides are `p`") }, "\(wrong)")
        // What is missing hides nothing of what is there.
        let partial = Self.loader().lint(SpecSource(file: "r.yaml", text: Self.file("path: share"))).map(\.description)
        #expect(partial.contains { $0.contains("`sides` is missing") }, "\(partial)")
        #expect(partial.contains { $0.contains("`share` must be an absolute path") }, "\(partial)")
        #expect(wrong.contains { $0.contains("run[0]: `./reload` must be an absolute path, or a name") }, "\(wrong)")
    }

    @Test("a mistake is named with its place and the nearest word", arguments: mistakes)
    func mistake(mistake: Mistake) {
        #expect(Self.good.contains(mistake.old))
        let text = Self.good.replacingOccurrences(of: mistake.old, with: mistake.new)
        let issues = Self.loader().lint(SpecSource(file: "r.yaml", text: text)).map(\.description)
        #expect(issues.contains { $0.contains(mistake.says) }, "\(issues)")
        #expect(issues.allSatisfy { $0.range(of: #"^[^:]+:\d+:\d+: "#, options: .regularExpression) != nil })
    }

    @Test func `all mistakes are reported at once`() {
        var text = Self.good
        for mistake in [Self.mistakes[0], Self.mistakes[3], Self.mistakes[9]] {
            text = text.replacingOccurrences(of: mistake.old, with: mistake.new)
        }
        let issues = Self.loader().lint(SpecSource(file: "r.yaml", text: text)).map(\.description).joined(
            separator: "\n")
        for mistake in [Self.mistakes[0], Self.mistakes[3], Self.mistakes[9]] { #expect(issues.contains(mistake.says)) }
    }

    @Test func `a rollout without a gate is refused, unless it says so`() {
        let start = Self.good.range(of: "  analysis:")!.lowerBound
        let without = String(Self.good[..<start])
        #expect(
            Self.loader().lint(SpecSource(file: "r.yaml", text: without)).contains {
                $0.message.contains("without a gate")
            })
        #expect(Self.loader().lint(SpecSource(file: "r.yaml", text: without + "  analysis: none\n")).isEmpty)
    }

    @Test func `a list compared with a number is a mistake of the template`() {
        let text = Self.template.replacingOccurrences(of: "result[0] < 1", with: "result < 1")
        let issues = Self.loader().lint(SpecSource(file: "t.yaml", text: text))
        #expect(issues.contains { $0.message.contains("result[0]") && $0.line == 7 })
    }

    @Test func `an argument that nobody uses is a mistake`() {
        let text = Self.template.replacingOccurrences(
            of: "spec:\n", with: "spec:\n  args: [{name: left, value: over}]\n")
        #expect(
            Self.loader().lint(SpecSource(file: "t.yaml", text: text)).contains { $0.message.contains("never used") })
    }

    @Test func `a secret in the file is refused`() {
        let text = Self.good.replacingOccurrences(
            of: "address: \"http://prometheus:9090\"", with: "address: \"http://p\", authentication: {bearer: s3cret}")
        let issues = Self.loader().lint(SpecSource(file: "r.yaml", text: text))
        #expect(issues.contains { $0.message.contains("never in the file itself") })
        #expect(!issues.contains { $0.message.contains("s3cret") })
    }

    @Test func `an Argo template works as it is`() {
        let text = Self.template.replacingOccurrences(of: "belay.dev/v1", with: "argoproj.io/v1alpha1")
        #expect(Self.loader().lint(SpecSource(file: "t.yaml", text: text)).isEmpty)
    }

    @Test func `noData is evaluate where a condition asks itself, and a stated consecutiveErrorLimit counts no data`()
        throws
    {
        let inline = Self.good.replacingOccurrences(
            of: "{ref: haproxy-error-rate, args: {backend: \"{{canary.backend}}\", max: \"0.01\"}}",
            with:
                "{metrics: [{name: m, consecutiveErrorLimit: 2, successCondition: \"len(result) == 0 || result[0] < 1\", provider: {prometheus: {query: up}}}]}"
        )
        let plan = try Self.loader().rollout(SpecSource(file: "r.yaml", text: inline)).plan(
            roles: Roles(canaryIsSecond: true), identity: "")
        #expect(plan.metrics[0].noData == .evaluate)
        #expect(plan.metrics[0].countsNoDataAsErrors)
        #expect(plan.metrics[0].interval == .seconds(15))
    }

    @Test func `blue-green compiles to steps`() throws {
        let text = Self.good.replacingOccurrences(
            of: "strategy: {ref: canary-10-25-50-100}",
            with: """
                strategy:
                    blueGreen:
                      approval: {from: [alice, "group:release"], count: 1, timeout: 1h, onTimeout: rollback}
                      postPromotionAnalysis: {templates: [], hold: 10m}
                      scaleDownDelay: 10m
                """)
        let plan = try Self.loader().rollout(SpecSource(file: "r.yaml", text: text)).plan(
            roles: Roles(canaryIsSecond: true), identity: "")
        #expect(plan.steps.map(\.weight) == [.zero, .full])
        #expect(plan.steps[0].approval?.from == ["alice", "group:release"])
        #expect(plan.steps[1].hold.max == .seconds(600))
    }

    @Test func `--set overrides a value, also in a list`() throws {
        let inline = Self.good.replacingOccurrences(
            of: "{ref: canary-10-25-50-100}", with: "{canary: {steps: [{setWeight: 10, hold: 5m}]}}")
        let loader = Self.loader(set: [("spec.strategy.canary.steps[0].hold", "1m"), ("spec.revision", "2")])
        let spec = try loader.rollout(SpecSource(file: "r.yaml", text: inline))
        #expect(spec.revision == "2")
        #expect(try spec.plan(roles: Roles(canaryIsSecond: true), identity: "").steps[0].hold.max == .seconds(60))
        let broken = Self.loader(set: [("spec.strategy.canary.steps[7].hold", "1m")])
        #expect(broken.lint(SpecSource(file: "r.yaml", text: inline)).contains { $0.message.contains("no element 7") })
    }

    @Test func `exploding aliases, deep nesting and large files are refused quickly`() {
        var bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        for level in 1...9 {
            bomb +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ",") + "]\n"
        }
        let deep = "a: " + String(repeating: "[", count: 20_000) + String(repeating: "]", count: 20_000)
        let large = "a: \"" + String(repeating: "x", count: 2 << 20) + "\""
        for text in [bomb, deep, large, "", "\u{0}", "a: 1\na: 2"] {
            #expect(!Self.loader().lint(SpecSource(file: "x.yaml", text: text)).isEmpty)
        }
    }

    @Test("every ready file is without mistakes", arguments: ["strategies", "analysis-templates"])
    func readyFiles(folder: String) throws {
        let path = Self.root.appending(path: folder).path
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where name.hasSuffix(".yaml") {
            let text = try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
            let issues = Self.loader().lint(SpecSource(file: name, text: text))
            #expect(issues.isEmpty, "\(issues)")
        }
    }

    static let template = """
        apiVersion: belay.dev/v1
        kind: AnalysisTemplate
        metadata: {name: t}
        spec:
          metrics:
            - name: m
              successCondition: result[0] < 1
              provider: {prometheus: {address: "http://p", query: up}}
        """
}

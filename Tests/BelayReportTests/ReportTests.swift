import BelayCore
import BelayPlatform
import BelayReport
import Foundation
import Testing

/// What a pipeline shows of a rollout, whatever stands in its texts.
@Suite("Reports")
struct ReportTests {
    /// Texts that mean something to a terminal, to XML, HTML, Markdown, JSON, or to a workflow's log.
    static let hostile = [
        "]]><script>alert(1)</script>", "\u{1B}[2J\u{1B}]0;owned\u{7}", "a\r\n::set-output name=x::y", "::error::fake",
        "##[add-path]/tmp/evil", "| a | b |\n# big", "[link](javascript:alert(1)) @everyone #1",
        "\"'><img src=x onerror=alert(1)>",
        "\u{0}\u{8}\u{FFFE}\u{2028}\u{202E}", "%0A::warning::x", "`code` *bold* ~~gone~~", "&lt;&amp;",
        "${{ secrets.TOKEN }}",
    ]

    static func plan(_ text: String) -> Plan {
        let sides = Sides(first: Side(name: "blue", backend: "b"), second: Side(name: "green", backend: "g"))
        var steps = [25, 50, 100].map { PlanStep(weight: Weight(basisPoints: $0 * 100)!, hold: Hold(.seconds(60))) }
        steps[1].name = text
        var errors = Metric(name: text, query: PrometheusQuery(address: "http://p", query: "q"))
        errors.successCondition = "result < 0.01 \(text)"
        var trial = Metric(name: "trial", query: PrometheusQuery(address: "http://p", query: "q"))
        (trial.isDryRun, trial.most) = (true, 0.5)
        return Plan(
            name: "app", revision: text,
            target: Target(
                traffic: .file(FileTraffic(path: "/m", sides: sides)), workload: .external, identity: "t"),
            roles: Roles(canaryIsSecond: true), steps: steps, metrics: [errors, trial])
    }

    static func at(_ second: Double) -> Timestamp { Timestamp(milliseconds: 1_700_000_000_000 + Int64(second * 1000)) }

    private static func measured(
        _ metric: Int, _ phase: MeasurementPhase, _ value: String, _ message: String, _ second: Double
    )
        -> Event
    {
        .measured(
            .init(
                measurement: Measurement(
                    metric: metric, phase: phase, value: value, message: message, startedAt: at(second),
                    finishedAt: at(second)),
                isFresh: true, watched: .seconds(second), watchedUntil: nil))
    }

    /// A rollout that passed its first step and failed in its second one.
    static func story(_ text: String) -> RolloutStory {
        let plan = plan(text)
        let cause = Cause(.gate, "\(text): 0.2 (\(text))")
        let events: [(Event, Double)] = [
            (.started(.init(plan: plan, original: .null, actor: Actor(name: text), reason: text)), 0),
            (.stepStarted(step: 0, share: plan.share(ofStep: 0)), 1),
            (.trafficConfirmed(share: plan.share(ofStep: 0), incarnations: []), 2),
            (measured(0, .successful, "0.001", "", 30), 30), (measured(1, .failed, "0.9", text, 31), 31),
            (.stepPassed(step: 0), 62), (.stepStarted(step: 1, share: plan.share(ofStep: 1)), 62),
            (.trafficConfirmed(share: plan.share(ofStep: 1), incarnations: []), 63),
            (.obeyed(Command(id: "c", verb: .pause, actor: Actor(name: text), reason: text, aimedAt: nil)), 64),
            (measured(0, .failed, "0.2", text, 90), 90),
            (.verdict(metric: 0, verdict: .failed, message: cause.message), 90),
            (.wayBackBegan(cause), 90), (.trafficConfirmed(share: .zero, incarnations: []), 91),
            (.finished(.rolledBack(cause)), 92),
        ]
        return RolloutStory(id: "app-01jd2x9k4q", records: events.map { ($0.0, at($0.1)) }, head: "abc123")!
    }

    @Test func `a story has the steps as they ended, and names the gate that failed`() {
        let story = Self.story("errors")
        #expect(story.steps.map(\.end) == [.passed, .failed, .notReached])
        #expect(story.failedMetric == "errors" && story.outcomeWord == "rolled-back")
        #expect(story.verdict == "Rolled back to blue: errors: 0.2 (errors)")
        #expect(story.shares.map(\.share.basisPoints) == [2500, 5000, 0])
        #expect(story.steps[1].confirmedAt == Self.at(63) && story.steps[2].beganAt == nil)
        let nothing = RolloutStory(id: "x", records: [], head: nil)
        #expect(nothing == nil)
    }

    @Test func `the four figures count what was taken back and what was undone`() {
        func promoted(_ minutes: Double, _ reason: String = "") -> RolloutStory {
            let plan = Self.plan("errors")
            let started = Event.Started(plan: plan, original: .null, actor: Actor(name: "a"), reason: reason)
            return RolloutStory(
                id: "app", records: [(.started(started), Self.at(0)), (.finished(.promoted), Self.at(minutes * 60))],
                head: nil)!
        }
        let stories = [promoted(10), promoted(30), promoted(20, "undo of app-1: slow"), Self.story("errors")]
        let figures = DeliveryFigures(stories, over: .seconds(14 * 86_400))
        #expect(figures.releases == 4 && figures.promoted == 3 && figures.failed == 2 && figures.failureRate == 0.5)
        #expect(figures.perWeek == 1.5 && figures.leadTime == .seconds(1200) && figures.timeToRestore == .seconds(1))
        let none = DeliveryFigures([], over: .seconds(86_400))
        #expect(none.failureRate == nil && none.leadTime == nil && none.timeToRestore == nil)
    }

    // MARK: JUnit

    @Test func `JUnit has a case for each gate and step: passed, breached, not reached, tried out`() throws {
        let text = JUnitReport.text(Self.story("errors"), properties: [("github.run-id", "7")])
        let suite = try #require(JUnitFile(text).suite)
        #expect(suite["name"] == "app-01jd2x9k4q" && suite["tests"] == "7" && suite["failures"] == "2")
        let cases = JUnitFile(text).cases.map { "\($0.place) \($0.name) \($0.result)" }
        #expect(
            cases == [
                "rollout.app.step 1 errors passed", "rollout.app.step 1 trial skipped",
                "rollout.app.step 2 errors failure",
                "rollout.app.step 2 trial skipped", "rollout.app.step 3 errors skipped",
                "rollout.app.step 3 trial skipped", "rollout.app outcome failure",
            ])
        #expect(text.contains(#"<property name="github.run-id" value="7"/>"#))
    }

    @Test("hostile text stays text in XML", arguments: hostile)
    func xml(text: String) throws {
        let file = JUnitFile(JUnitReport.text(Self.story(text)))
        #expect(file.error == nil, "\(file.error ?? "")")
        #expect(
            file.elements.subtracting([
                "testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "skipped",
                "system-out",
            ]).isEmpty)
    }

    // MARK: The page

    @Test("hostile text stays text in the page, and in its JSON", arguments: hostile)
    func page(text: String) throws {
        let html = EvidencePage.text(Self.story(text)) { _ in text }
        for bad in ["<script", "<img", "javascript:alert(1)\"", "\u{1B}", "\u{0}"] {
            #expect(!html.contains(bad), "\(bad)")
        }
        // Every element is one of the page's own.
        let names = html.matches(of: /<\/?([a-zA-Z0-9]+)/).map { String($0.output.1) }
        let known =
            "html head meta title style body h1 h2 h3 p b small div table thead tbody tr th td span section svg path line text "
            + "circle details summary ol li time code"
        #expect(Set(names).subtracting(known.split(separator: " ").map(String.init)).isEmpty)
        let json = JSONText.write(EvidenceJSON.value(Self.story(text)))
        let again = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
        #expect(again?["outcome"] as? String == "rolled-back")
    }

    @Test func `the page shows the limit, the moment of the decision and who did what`() {
        let html = EvidencePage.text(Self.story("errors")) { _ in "a line" }
        for words in [
            "result &lt; 0.01 errors", "decided the way back at <time datetime=\"2023-11-14T22:14:50.000Z\"", "pause",
            "Rolled back to blue",
            "name=\"viewport\"", "default-src 'none'",
        ] {
            #expect(html.contains(words), "\(words)")
        }
    }

    @Test func `a hundred steps with twenty metrics stay below a megabyte`() {
        var plan = Self.plan("errors")
        plan.metrics = (0..<20).map {
            Metric(name: "metric-\($0)", query: PrometheusQuery(address: "http://p", query: "q"))
        }
        plan.steps = (1...100).map { PlanStep(weight: Weight(basisPoints: $0 * 100)!, hold: Hold(.seconds(60))) }
        var records: [(event: Event, at: Timestamp)] = [
            (.started(.init(plan: plan, original: .null, actor: Actor(name: "a"))), Self.at(0))
        ]
        for step in 0..<100 {
            let start = Double(step * 61)
            records.append((.stepStarted(step: step, share: plan.share(ofStep: step)), Self.at(start)))
            records.append((.trafficConfirmed(share: plan.share(ofStep: step), incarnations: []), Self.at(start)))
            for round in 0..<12 {
                for metric in 0..<20 {
                    let second = start + Double(round) * 5
                    records.append((Self.measured(metric, .successful, "0.00\(round)", "", second), Self.at(second)))
                }
            }
            records.append((.stepPassed(step: step), Self.at(start + 60)))
        }
        let story = RolloutStory(id: "app-01jd2x9k4q", records: records, head: nil)!
        let html = EvidencePage.text(story) { if case .measured = $0 { nil } else { "a line for people" } }
        #expect(html.utf8.count < 1_000_000, "\(html.utf8.count)")
        #expect(MarkdownReport.text(story).utf8.count <= MarkdownReport.largest)
    }

    // MARK: Markdown

    @Test("hostile text stays text in Markdown", arguments: hostile)
    func markdown(text: String) {
        let whole = MarkdownReport.text(Self.story(text))
        // What stands between backticks is shown as it is.
        let summary = whole.replacing(/`[^`\n]*`/, with: "code")
        for bad in ["<script", "<img", "](javascript", "@everyone", "\u{1B}", "\n::", "\n# big"] {
            #expect(!summary.contains(bad), "\(bad) is in \(summary)")
        }
        // No text makes a row or a cell of its own.
        let rows = summary.split(separator: "\n").filter { $0.hasPrefix("| ") && !$0.hasPrefix("| |") }
        #expect(rows.count == 3 + 3, "\(rows)")
    }

    @Test("hostile text ends no message and no property of a workflow's command", arguments: hostile)
    func workflow(text: String) {
        let data = text.printable.workflowData.utf8
        #expect(!data.contains(10) && !data.contains(13))
        let property = Array(text.printable.workflowProperty.utf8)
        #expect(!property.contains(UInt8(ascii: ",")) && !property.contains(UInt8(ascii: ":")))
        // Each `%` that is left begins an escape of ours.
        let escapes = ["%25", "%0D", "%0A", "%3A", "%2C"].map { Array($0.utf8) }
        for index in property.indices where property[index] == UInt8(ascii: "%") {
            #expect(escapes.contains { property[index...].starts(with: $0) })
        }
    }

    @Test func `a step that its plan does not have, and a way back after a step has passed, are told as they are`() {
        let plan = Self.plan("errors")
        let cause = Cause(.blind, "errors: no data for 5m")
        let events: [(Event, Double)] = [
            (.started(.init(plan: plan, original: .null, actor: Actor(name: "a"))), 0),
            (.stepStarted(step: 7, share: .full), 1), (.stepPassed(step: -1), 1),
            (.stepStarted(step: 0, share: plan.share(ofStep: 0)), 2), (Self.measured(0, .successful, "0", "", 3), 3),
            (.stepPassed(step: 0), 4), (.wayBackBegan(cause), 5), (.finished(.rolledBack(cause)), 6),
        ]
        let story = RolloutStory(id: "app", records: events.map { ($0.0, Self.at($0.1)) }, head: nil)!
        #expect(story.steps.map(\.end) == [.failed, .notReached, .notReached])
        let cases = JUnitFile(JUnitReport.text(story)).cases
        #expect(cases.first { $0.name == "errors" }?.result == "error" && cases.last?.result == "error")
    }

    @Test func `the summary begins with the verdict`() {
        let summary = MarkdownReport.text(Self.story("errors"))
        #expect(summary.hasPrefix("## ❌ Rolled back to blue\\: errors failed"))
        #expect(summary.contains("██████████░░░░░░░░░░ 50 %") && summary.contains("journal head `abc123`"))
    }
}

internal import BelayCore
internal import BelayPlatform

/// A rollout as JUnit XML, as the parsers of Jenkins and GitLab take it: one suite, one case a metric and step, one for the outcome.
///
/// A gate that was breached is a failure; an error of a provider, a driver or a deadline is an error; what was not reached, was not decided or
/// is only tried out is skipped. https://github.com/testmoapp/junitxml
package enum JUnitReport {
    private enum Result {
        case passed
        case failure(String, String)
        case error(String, String)
        case skipped(String)
    }

    private struct Case {
        var place: String
        var name: String
        var seconds: Double
        var result: Result
        var output = ""
    }

    /// The file.
    /// - Parameter properties: Where it ran: names and values.
    package static func text(_ story: RolloutStory, properties: [(name: String, value: String)] = []) -> String {
        let cases = cases(of: story)
        func count(_ isOne: (Result) -> Bool) -> Int { cases.count { isOne($0.result) } }
        let failures = count { if case .failure = $0 { true } else { false } }
        let errors = count { if case .error = $0 { true } else { false } }
        let skipped = count { if case .skipped = $0 { true } else { false } }
        let numbers = "tests=\"\(cases.count)\" failures=\"\(failures)\" errors=\"\(errors)\" skipped=\"\(skipped)\""
        let time = "time=\"\(seconds(from: story.startedAt, to: story.endedAt))\""
        var lines = [#"<?xml version="1.0" encoding="UTF-8"?>"#, "<testsuites \(numbers) \(time)>"]
        lines.append(
            "  <testsuite name=\"\(story.id.xml)\" \(numbers) \(time) timestamp=\"\(story.startedAt.iso8601)\">")
        lines.append("    <properties>")
        let own = [
            ("name", story.plan.name), ("revision", story.plan.revision), ("outcome", story.outcomeWord),
            ("journal-head", story.head ?? ""),
        ]
        for (name, value) in own + properties.map({ ($0.name, $0.value) }) where !value.isEmpty {
            lines.append("      <property name=\"\(name.xml)\" value=\"\(value.xml)\"/>")
        }
        lines.append("    </properties>")
        for item in cases { lines += element(item) }
        lines += ["  </testsuite>", "</testsuites>", ""]
        return lines.joined(separator: "\n")
    }

    private static func element(_ item: Case) -> [String] {
        let head = "    <testcase classname=\"\(item.place.xml)\" name=\"\(item.name.xml)\" time=\"\(item.seconds)\""
        var inner: [String] = []
        switch item.result {
        case .passed: break
        case .failure(let message, let text):
            inner.append("      <failure message=\"\(message.xml)\" type=\"gate\">\(lines(text))</failure>")
        case .error(let message, let text):
            inner.append("      <error message=\"\(message.xml)\" type=\"error\">\(lines(text))</error>")
        case .skipped(let message): inner.append("      <skipped message=\"\(message.xml)\"/>")
        }
        if !item.output.isEmpty { inner.append("      <system-out>\(lines(item.output))</system-out>") }
        return inner.isEmpty ? [head + "/>"] : [head + ">"] + inner + ["    </testcase>"]
    }

    /// Text of ours in several lines, each of them escaped.
    private static func lines(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map(\.xml).joined(separator: "\n")
    }

    private static func seconds(from start: Timestamp?, to end: Timestamp?) -> Double {
        guard let start, let end else { return 0 }
        return Double(max(0, start.duration(to: end).wholeMilliseconds)) / 1000
    }

    // MARK: Cases

    private static func cases(of story: RolloutStory) -> [Case] {
        // Dots make packages of a class's name.
        let name = story.plan.name.replacing(".", with: "_")
        var cases: [Case] = []
        for step in story.steps {
            let place = "rollout.\(name).step \(step.index + 1)"
            for reading in step.readings { cases.append(gate(reading, in: step, story, place)) }
        }
        cases.append(
            Case(
                place: "rollout.\(name)", name: "outcome", seconds: seconds(from: story.startedAt, to: story.endedAt),
                result: outcome(of: story), output: story.verdict))
        return cases
    }

    private static func gate(
        _ reading: RolloutStory.Reading, in step: RolloutStory.Step, _ story: RolloutStory, _ place: String
    ) -> Case {
        let metric = story.plan.metrics[reading.metric]
        var item = Case(
            place: place, name: metric.name, seconds: seconds(from: step.beganAt, to: step.endedAt), result: .passed)
        guard step.end != .notReached else {
            item.result = .skipped("\(story.title(of: step.index)) was not reached")
            return item
        }
        let limit = story.limit(of: reading.metric)
        if let last = reading.last {
            item.output =
                "\(reading.count) measurements, the last one \(last.value) (\(last.phase.rawValue)); wants \(limit)"
        }
        let words =
            reading.verdictWords.isEmpty ? "\(metric.name): \(reading.verdict?.rawValue ?? "")" : reading.verdictWords
        let trace = reading.failed.map { "\($0.finishedAt.iso8601) \($0.value) \($0.message)" }.joined(separator: "\n")
        let isCause = step.end == .failed && story.failedMetric == metric.name
        switch reading.verdict {
        case nil where reading.last == nil && !isCause: item.result = .skipped("not measured in this step")
        case _ where metric.isDryRun:
            item.result =
                reading.failed.isEmpty ? .passed : .skipped("a dry run: \(reading.failed.count) measurements failed")
        case .failed: item.result = .failure(words, trace)
        case .error: item.result = .error(words, trace)
        case _ where isCause:
            let message = story.wayBack?.cause.message ?? ""
            item.result = story.wayBack?.cause.kind == .blind ? .error(message, trace) : .failure(message, trace)
        case .inconclusive: item.result = .skipped(words)
        case .pending, .running, .successful, nil: break
        }
        return item
    }

    private static func outcome(of story: RolloutStory) -> Result {
        switch story.outcome {
        case .promoted: return .passed
        case .rolledBack(let cause):
            switch cause.kind {
            case .gate, .action, .person, .outsideChange, .cancelled:
                return .failure(story.verdict, cause.kind.rawValue)
            case .deadline, .blind, .journal: return .error(story.verdict, cause.kind.rawValue)
            }
        case .refused: return .error(story.verdict, "refused")
        case nil: return .error(story.verdict, story.attention ?? "the record has no end yet")
        }
    }
}

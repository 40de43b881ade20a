internal import BelayCore
internal import BelayReport
internal import Foundation

/// What a step of GitHub Actions understands: commands in its log, and files that it names in the environment.
/// https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
struct GitHubActions {
    /// An annotation at the run.
    enum Level: String {
        case error, warning, notice
    }

    /// Whether this process is such a step.
    static let isHere = GitHubActions(ProcessInfo.processInfo.environment) != nil

    private let environment: [String: String]

    /// - Returns: nil where this is no such step.
    init?(_ environment: [String: String]) {
        guard environment["GITHUB_ACTIONS"] == "true" else { return nil }
        self.environment = environment
    }

    /// The runner keeps so many characters of an annotation.
    private static let longestMessage = 4096

    /// - Returns: The line of the log that makes it.
    static func annotation(_ level: Level, title: String, _ message: String) -> String {
        let text = message.printable.prefix(longestMessage)
        return "::\(level.rawValue) title=\(title.printable.workflowProperty)::\(text.workflowData)"
    }

    static func group(_ title: String) -> String { "::group::\(title.printable.workflowData)" }
    static let endOfGroup = "::endgroup::"

    /// A line of the log that is no command, whatever stands in it: the runner takes `::` at a line's beginning and, from old times,
    /// `##[` anywhere in it for one.
    static func harmless(_ line: String) -> String {
        let safe = line.replacingBytes("##[", with: "## [")
        let start = safe.unicodeScalars.drop { $0.properties.isWhitespace }
        return start.starts(with: "::".unicodeScalars) ? "· " + safe : safe
    }

    /// The same for a line of JSON, which stays the same JSON.
    static func harmlessJSON(_ line: String) -> String { line.replacingBytes("##[", with: #"#\u0023["#) }

    /// The outputs of the step.
    static func outputs(_ story: RolloutStory, exit: Int32) -> [(name: String, value: String)] {
        [
            ("rollout-id", story.id), ("outcome", story.outcomeWord), ("exit-code", "\(exit)"),
            ("failed-metric", (story.failedMetric ?? "").printable),
            ("weight", "\(Double(story.lastShare.basisPoints) / 100)"),
        ]
    }

    /// Leaves outputs and summary.
    /// - Returns: What could not be written.
    func leave(_ story: RolloutStory, exit: Int32) -> [String] {
        let outputs = Self.outputs(story, exit: exit).map { "\($0.name)=\($0.value)\n" }.joined()
        return append(outputs, to: "GITHUB_OUTPUT") + append(MarkdownReport.text(story), to: "GITHUB_STEP_SUMMARY")
    }

    private func append(_ text: String, to variable: String) -> [String] {
        guard let path = environment[variable], !path.isEmpty else { return [] }
        guard let file = FileHandle(forWritingAtPath: path) else { return ["\(path) ($\(variable)) cannot be written"] }
        defer { try? file.close() }
        do {
            try file.seekToEnd()
            try file.write(contentsOf: Data(text.utf8))
            return []
        } catch {
            return ["\(path) ($\(variable)): \(error.localizedDescription)"]
        }
    }

    /// The annotations at the end of a run, few enough for the runner, which keeps ten of each kind.
    static func annotations(_ story: RolloutStory) -> [String] {
        let title = "\(story.id): \(story.headline)"
        switch story.outcome {
        case .promoted: return [annotation(.notice, title: title, story.verdict)]
        case .rolledBack, .refused: return [annotation(.error, title: title, story.verdict)]
        case nil:
            guard story.attention != nil else { return [] }
            return [annotation(.error, title: title, story.verdict)]
        }
    }
}

/// One thing that is wrong with a file: prints `canary.yaml:7:13: weight 120 is not in 0…100`.
package struct SpecIssue: Error, Hashable, Sendable, CustomStringConvertible {
    package let file: String
    /// Line and column, both from 1.
    package let line: Int
    package let column: Int
    package let message: String

    package var description: String { "\(file):\(line):\(column): \(message)" }
}

/// Everything that is wrong with a file and what it refers to, in the order of the text. Nothing was touched.
package struct SpecFailure: Error, Sendable {
    package let issues: [SpecIssue]

    init(_ issues: [SpecIssue]) {
        var seen: Set<SpecIssue> = []
        self.issues = issues.filter { seen.insert($0).inserted }
            .sorted { ($0.file, $0.line, $0.column) < ($1.file, $1.line, $1.column) }
    }
}

/// A file's name for messages, and its text.
package struct SpecSource: Sendable {
    package let file: String
    package let text: String

    package init(file: String, text: String) {
        self.file = file
        self.text = text
    }
}

/// The three kinds of file.
package enum SpecKind: String, Hashable, Sendable, CaseIterable {
    case rollout = "Rollout"
    case strategy = "Strategy"
    case analysisTemplate = "AnalysisTemplate"
}

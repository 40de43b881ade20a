/// Everything that is wrong with a file and what it refers to, in the order of the text. Nothing was touched.
package struct SpecFailure: Error, Sendable {
    package let issues: [SpecIssue]

    init(_ issues: [SpecIssue]) {
        var seen: Set<SpecIssue> = []
        self.issues = issues.filter { seen.insert($0).inserted }
            .sorted { ($0.file, $0.line, $0.column) < ($1.file, $1.line, $1.column) }
    }
}

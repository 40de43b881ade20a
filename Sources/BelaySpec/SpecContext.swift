internal import BelayAnalysis
internal import Yams

/// What the readers of one file share: its name, what texts may refer to, and the issues found.
final class SpecContext {
    let file: String
    let environment: [String: String]
    /// nil: `{{…}}` is left as it is.
    let placeholders: Placeholders?
    /// Whether `{{…}}` is a mistake where nothing fills it.
    var refusesPlaceholders = false
    /// Arguments that a file gives to this template, by their placeholders.
    var given: [String: SpecReader] = [:]
    private(set) var issues: [SpecIssue] = []
    /// What is no mistake, and worth knowing.
    private(set) var notes: [SpecIssue] = []
    /// Placeholders that were used, to find arguments that nobody needs.
    var used: Set<String> = []

    init(file: String, environment: [String: String], placeholders: Placeholders? = nil) {
        self.file = file
        self.environment = environment
        self.placeholders = placeholders
    }

    func report(_ message: String, at mark: Mark?, columnOffset: Int = 0) {
        issues.append(
            SpecIssue(file: file, line: mark?.line ?? 1, column: (mark?.column ?? 1) + columnOffset, message: message))
    }

    func note(_ message: String, at mark: Mark?) {
        notes.append(SpecIssue(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1, message: message))
    }

    func adopt(_ other: [SpecIssue]) { issues += other }
}

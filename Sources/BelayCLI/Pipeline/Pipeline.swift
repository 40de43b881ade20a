internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform
internal import BelayReport
internal import Foundation

/// What a run leaves for the system that started its job. Nothing of it changes how the run ends.
struct Pipeline {
    private let options: PipelineOptions
    private let environment: [String: String]
    private let github: GitHubActions?

    init(_ options: PipelineOptions, environment: [String: String] = ProcessInfo.processInfo.environment) {
        (self.options, self.environment) = (options, environment)
        github = GitHubActions(environment)
    }

    private var isNeeded: Bool { options.junit != nil || options.report != nil || github != nil }

    /// Takes away what an earlier run has left in the same place: a run that is refused must not be shown by it.
    func clear() {
        let page = options.report.map { ["\($0)/index.html", "\($0)/evidence.json"] } ?? []
        for path in [options.junit].compactMap(\.self) + page { unlink(path) }
    }

    /// Writes what was asked for of a rollout whose run has ended, or has left it.
    /// - Parameter exit: The run's.
    func tell(_ id: String, exit: Int32, _ journal: SQLiteJournal) {
        guard isNeeded else { return }
        let story: RolloutStory
        do throws(JournalFailure) {
            guard let found = try Self.story(id, journal) else { return }
            story = found
        } catch {
            return Console.say("warning: the record of \(id) cannot be read for its reports: \(error.message)")
        }
        var complaints = write(story)
        if let github {
            for line in GitHubActions.annotations(story) { Console.command(line) }
            complaints += github.leave(story, exit: exit)
        }
        for complaint in complaints { Console.say("warning: \(complaint)") }
    }

    /// - Returns: nil where the record's beginning cannot be read by this version.
    static func story(_ id: String, _ journal: SQLiteJournal) throws(JournalFailure) -> RolloutStory? {
        story(id, try journal.records(of: id))
    }

    /// - Returns: nil as above.
    static func story(_ id: String, _ records: [StoredRecord]) -> RolloutStory? {
        RolloutStory(id: id, records: records.map { ($0.event, $0.at) }, head: records.last?.hash)
    }

    /// The files alone.
    /// - Returns: What could not be written.
    func write(_ story: RolloutStory) -> [String] {
        let properties = Provenance.found(in: environment)
        var complaints: [String] = []
        func write(_ text: String, _ path: String) {
            do {
                let url = URL(fileURLWithPath: path)
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: url, options: .atomic)
            } catch {
                complaints.append("\(path): \(error.localizedDescription)")
            }
        }
        if let junit = options.junit { write(JUnitReport.text(story, properties: properties), junit) }
        if let folder = options.report {
            let text = EventText(plan: story.plan)
            let page = EvidencePage.text(story) { event in
                // The drawings have every measurement; of a long release they would be most of the page.
                if case .measured(let measured) = event, measured.measurement.phase != .failed { return nil }
                return text.line(event)?.text
            }
            write(page, "\(folder)/index.html")
            write(JSONText.write(EvidenceJSON.value(story, properties: properties)) + "\n", "\(folder)/evidence.json")
        }
        return complaints
    }
}

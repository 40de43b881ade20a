internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a rollout's story: steps, weights, measurements with values, who did what."
    )
    @Flag(help: "Show every window of the comparisons, and decide again from them.") var evidence = false
    @OptionGroup var options: RecordOptions
    @OptionGroup var pipeline: PipelineOptions

    func run() throws {
        let (id, records) = try options.load()
        if pipeline.junit != nil || pipeline.report != nil { try writeReports(id, records) }
        guard let first = records.first, case .started(let started) = first.event else {
            throw CommandFailure(.invalid, "the beginning of \(id) cannot be read by this version")
        }
        if options.store.output == .json {
            if evidence {
                throw ValidationError("--evidence has no JSON; `belay events --output json` has every window")
            }
            for record in records { Console.print(EventsCommand.json(id, record)) }
            return
        }
        if pipeline.junit != nil || pipeline.report != nil { return }
        let plan = started.plan
        if evidence { return try showEvidence(id, plan, records) }
        Console.print("\(id)  \(plan.name) \(plan.revision)")
        let found = started.original.string ?? JSONText.write(started.original)
        Console.print(
            "target \(plan.target.identity), stable \(plan.stable.name), canary \(plan.canary.name), found at \(found)"
        )
        Console.print("steps \(plan.steps.map { "\($0.weight.text) for \($0.hold.max.text)" }.joined(separator: ", "))")
        let text = EventText(plan: plan)
        for record in records {
            guard let (line, _) = text.line(record.event) else { continue }
            Console.print("\(TimeText.full(record.at))  \(line)")
        }
        if let head = records.last?.hash { Console.print("journal head \(head)") }
    }
}

extension ShowCommand {
    private func showEvidence(_ id: String, _ plan: Plan, _ records: [StoredRecord]) throws {
        guard plan.metrics.contains(where: { $0.comparison != nil }) else {
            throw CommandFailure(.failure, "\(id) compares nothing; `belay show \(id)` has its measurements")
        }
        guard let (lines, isSame) = EvidenceText(plan: plan, records: records.map { ($0.event, $0.at) }).lines() else {
            throw CommandFailure(.invalid, "the beginning of \(id) cannot be read by this version")
        }
        Console.print("\(id)  \(plan.name) \(plan.revision)")
        for line in lines { Console.print(line) }
        guard isSame else {
            throw CommandFailure(.failure, "the journal's windows do not give what was decided on them")
        }
    }

    private func writeReports(_ id: String, _ records: [StoredRecord]) throws {
        guard let story = Pipeline.story(id, records) else {
            throw CommandFailure(.invalid, "the beginning of \(id) cannot be read by this version")
        }
        let complaints = Pipeline(pipeline).write(story)
        if !complaints.isEmpty { throw CommandFailure(.failure, lines: complaints) }
        for path in [pipeline.junit, pipeline.report].compactMap(\.self) { Console.say("\(id): written to \(path)") }
    }
}

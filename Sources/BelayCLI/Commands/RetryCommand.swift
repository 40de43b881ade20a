internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform
internal import BelayRouters
internal import BelaySpec

struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Start a new rollout of the same frozen plan.")

    @Argument(help: "The rollout's id, or a name: its latest rollout.")
    var rollout: String?

    @OptionGroup var driving: DriveOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var who: ActorOptions

    func run() async throws {
        let clock = WallClock()
        let journal = try store.open(.drive, clock: clock)
        let found = try orFail { () throws(JournalFailure) in try journal.find(rollout) }
        guard found.outcome != nil else {
            throw CommandFailure(.taken, "\(found.id) is still under way; see `belay status \(found.id)`")
        }
        let plan = try orFail { () throws(JournalFailure) in try journal.machine(of: found.id) }.plan
        let looking = Preflight.cancellable()
        let bound = try await unlessRefused { () throws(ReleaseRefusal) in
            try await Release.releases(journal).bindAgain(plan, of: found.id)
        }
        let tried = try await Release.asking { provider throws(CommandFailure) in
            try await unlessRefused { () throws(ReleaseRefusal) in try await GateCheck(provider).tryMetrics(of: plan) }
        }
        for note in bound.survey.remarks + tried.notes { Console.say("note: \(note)") }
        looking.end()
        let release = driving.release(journal, clock, output: store.output)
        let status = try await release.start(
            bound,
            .init(actor: who.person, reason: who.reason.isEmpty ? "retry of \(found.id)" : who.reason))
        throw ExitCode(status.rawValue)
    }
}

internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

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
        let release = driving.release(journal, clock, output: store.output)
        try await release.startAgain(plan, of: found.id, who, because: "retry of \(found.id)")
    }
}

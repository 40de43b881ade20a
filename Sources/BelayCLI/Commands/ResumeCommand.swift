internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform
internal import BelayRouters
internal import BelaySpec

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Lift a pause; where nobody drives, take over and drive to the end.")

    @Argument(help: "The rollout's id, or a name: its latest rollout.")
    var rollout: String?

    @Flag(help: "Take over only; a pause stays. For a timer: it answers nothing that a person is asked.")
    var driveOnly = false

    @Flag(help: "Do an action once more that nobody saw end, or an adoption that failed.")
    var rerun = false

    @OptionGroup var driving: DriveOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var who: ActorOptions

    func run() async throws {
        let clock = WallClock()
        let journal = try store.open(.drive, clock: clock)
        let meant = try Operation.meant(by: rollout, in: journal)
        // With none under way the latest one's outcome is the answer.
        let found = try meant ?? orFail { () throws(JournalFailure) in try journal.find(nil) }
        let operation = Operation(journal: journal, clock: clock, id: found.id)
        let machine = try orFail { () throws(JournalFailure) in try journal.machine(of: found.id) }
        if case .finished(let outcome) = machine.state.phase {
            Console.say("\(found.id) is over: \(found.outcome ?? "")")
            throw ExitCode(ExitStatus(outcome).rawValue)
        }
        let isAsked = machine.openQuestion != nil
        if rerun, machine.answerable == nil, try !operation.isDriven() {
            throw CommandFailure(
                .failure, "no action of \(found.id) is in question yet; `belay resume \(found.id)` takes over, and asks"
            )
        }
        let verb: Command.Verb = rerun ? .rerun : .resume
        let commands =
            driveOnly || !rerun && (machine.state.pause == nil || isAsked) ? [] : [try operation.command(verb, who)]
        if try operation.isDriven() {
            guard !driveOnly else { throw CommandFailure(.taken, "\(found.id) is driven already") }
            return try await operation.tell(verb, who, output: store.output)
        }
        let release = driving.release(journal, clock, output: store.output)
        throw ExitCode(try await release.resume(found.id, commands: commands).rawValue)
    }
}

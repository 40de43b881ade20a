internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

/// The rollout an operator means.
struct RolloutOptions: ParsableArguments {
    @Argument(help: "The rollout's id, or a name: its latest rollout.")
    var rollout: String?

    @OptionGroup var store: StoreOptions
    @OptionGroup var who: ActorOptions

    func tell(_ verb: Command.Verb) async throws {
        Signals.unblock()
        try await Operation(rollout, store).tell(verb, who, output: store.output)
    }

    /// Takes the rollout over with an operator's command, which no other process can obey, and drives it to its end.
    /// - Parameter isForced: Whether to take over from a living driver as well, which is then fenced out.
    func takeOver(_ operation: Operation, with command: Command, isForced: Bool = false) async throws -> ExitStatus {
        // Opened anew: the file is checked before this process drives.
        let journal = try store.open(.drive, clock: operation.clock)
        let release = Release(journal: journal, clock: operation.clock, reporter: Reporter(output: store.output))
        return try await release.resume(operation.id, commands: [command], isForced: isForced)
    }
}

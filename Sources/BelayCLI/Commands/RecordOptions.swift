internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

/// The records of one rollout.
struct RecordOptions: ParsableArguments {
    @Argument(help: "The rollout's id, or a name: its latest rollout.") var rollout: String?
    @OptionGroup var store: StoreOptions

    func load() throws(CommandFailure) -> (id: String, records: [StoredRecord]) {
        Signals.unblock()
        let journal = try store.open(.operate)
        let found = try orFail { () throws(JournalFailure) in try journal.find(rollout) }
        return (found.id, try orFail { () throws(JournalFailure) in try journal.records(of: found.id) })
    }
}

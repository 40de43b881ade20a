internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Print a rollout's events as they are stored, with their hashes.")
    @OptionGroup var options: RecordOptions

    func run() throws {
        let (id, records) = try options.load()
        for record in records {
            if options.store.output == .json {
                Console.print(Self.json(id, record))
            } else {
                Console.print(
                    "\(record.position)\t\(TimeText.iso(record.at))\t\(record.name)\t\(record.payload)\t\(record.hash.prefix(12))"
                )
            }
        }
    }

    static func json(_ id: String, _ record: StoredRecord) -> String {
        // The payload is JSON already, and is shown as it is stored.
        let head =
            "{\"rollout\":\(JSONText.write(.string(id))),\"position\":\(record.position),\"time\":\"\(TimeText.iso(record.at))\","
        return head + "\"event\":\"\(record.name)\",\"payload\":\(record.payload),\"hash\":\"\(record.hash)\"}"
    }
}

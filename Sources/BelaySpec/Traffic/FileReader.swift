internal import BelayCore

/// Reads `traffic.file`.
enum FileReader {
    static func read(_ reader: SpecReader) -> (value: FileTraffic, isWhole: Bool)? {
        guard let fields = reader.fields(["path", "scale", "sides", "run", "read"]) else { return nil }
        let path = fields.required("path")?.nonEmptyText()
        let scale = fields["scale"].map { $0.integer(FileTraffic.scales) } ?? 100
        let sides = fields.required("sides").flatMap(TrafficReader.sides)
        let (run, read) = (words(fields["run"]), words(fields["read"]))
        let isWhole = path != nil && scale != nil && sides != nil && run != nil && read != nil
        let value = FileTraffic(
            path: path ?? "", scale: scale ?? 100, sides: sides ?? TrafficReader.nobody, run: run ?? [],
            read: read ?? [])
        return (value, isWhole)
    }

    /// A program and its arguments.
    private static func words(_ reader: SpecReader?) -> [String]? {
        guard let reader else { return [] }
        guard let items = reader.list() else { return nil }
        if items.isEmpty { reader.fail("a program and its arguments are expected") }
        let words = items.compactMap { $0.text() }
        if words.first?.isEmpty == true { items[0].fail("must not be empty") }
        return words.count == items.count && words.first?.isEmpty == false ? words : nil
    }
}

internal import BelayCore

/// Reads `traffic`: finds out which vendor it names. The vendor's own reader turns the fields into a value, and the
/// value finds its own mistakes.
enum TrafficReader {
    private static let later = ["nginx", "envoy", "istio", "gatewayAPI", "caddy", "service", "replicas"]

    private static let kinds = Traffic.Kind.allCases.filter { $0 != .cluster }.map(\.rawValue)

    /// Stands for what could not be read, so that the rest of a file can be checked.
    static let nowhere = Traffic.haproxy(
        HAProxyTraffic(
            sockets: [], mapFile: "", key: "",
            sides: Sides(first: Side(name: "first", backend: "first"), second: Side(name: "second", backend: "second")))
    )

    /// Sides that could not be read.
    static let nobody = Sides(first: Side(name: "", backend: ""), second: Side(name: "", backend: ""))

    static func read(_ reader: SpecReader) -> Traffic? {
        guard let fields = reader.fields(kinds, later: later),
            let (kind, member) = theOne(of: fields)
        else { return nil }
        let read: (traffic: Traffic, isWhole: Bool)? =
            switch kind {
            case .haproxy: HAProxyReader.read(member).map { (.haproxy($0.value), $0.isWhole) }
            case .file: FileReader.read(member).map { (.file($0.value), $0.isWhole) }
            case .cluster: nil  // Its own reader reads it, together with the workload.
            }
        guard let (traffic, isWhole) = read else { return nil }
        // Whatever is missing, what is there is checked: all mistakes at once.
        let mistakes = traffic.mistakes
        for mistake in mistakes { member.descendant(mistake.path).fail(mistake.message) }
        return isWhole && mistakes.isEmpty ? traffic : nil
    }

    private static func theOne(of fields: SpecFields) -> (Traffic.Kind, SpecReader)? {
        guard let name = fields.exactlyOne(of: kinds),
            let kind = Traffic.Kind(rawValue: name),
            let member = fields[name]
        else { return nil }
        return (kind, member)
    }

    /// Two sides in the order written, by the names that the user chose.
    static func sides(_ reader: SpecReader) -> Sides? {
        guard let entries = reader.entries() else { return nil }
        guard entries.count == 2 else {
            reader.fail("two sides are expected, there are \(entries.count)")
            return nil
        }
        let sides = entries.compactMap { name, value in value.nonEmptyText().map { Side(name: name, backend: $0) } }
        return sides.count == 2 ? Sides(first: sides[0], second: sides[1]) : nil
    }
}

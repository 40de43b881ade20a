internal import BelayCore

/// Reads `traffic.haproxy`.
enum HAProxyReader {
    /// Reports what is missing. Mistakes in what is there are found by the value itself.
    static func read(_ reader: SpecReader) -> (value: HAProxyTraffic, isWhole: Bool)? {
        guard let fields = reader.fields(["instances", "map", "sides"], later: ["servers", "dataPlane"]) else {
            return nil
        }
        let instances = fields.required("instances")?.list() ?? []
        if instances.isEmpty, let owner = fields["instances"] { owner.fail("at least one instance is expected") }
        let sockets = instances.map { instance in
            instance.fields(["socket"], later: ["address", "tcp", "host"])?.required("socket")?.nonEmptyText()
        }
        let map = fields.required("map")?.fields(["file", "key"])
        let (file, key) = (map?.required("file")?.nonEmptyText(), map?.required("key")?.nonEmptyText())
        let sides = fields.required("sides").flatMap(TrafficReader.sides)
        let isWhole =
            !sockets.isEmpty && sockets.allSatisfy { $0 != nil } && file != nil && key != nil && sides != nil
        let value = HAProxyTraffic(
            sockets: sockets.map { $0 ?? "" }, mapFile: file ?? "", key: key ?? "",
            sides: sides ?? TrafficReader.nobody)
        return (value, isWhole)
    }
}

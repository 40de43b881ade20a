internal import BelayCore

/// Reads `traffic`; every name that reaches the router's line protocol is checked here.
enum TrafficReader {
    static func haproxy(_ reader: SpecReader) -> HAProxyTarget? {
        guard
            let traffic = reader.fields(
                ["haproxy"], later: ["nginx", "envoy", "kubernetes", "istio", "gatewayAPI", "caddy"]),
            let fields = traffic.required("haproxy")?.fields(
                ["instances", "map", "sides"], later: ["servers", "dataPlane"])
        else { return nil }
        let instances = fields.required("instances")?.list() ?? []
        if instances.isEmpty, let owner = fields["instances"] { owner.fail("at least one instance is expected") }
        let sockets = instances.compactMap(socket)
        if Set(sockets).count < sockets.count { fields["instances"]?.fail("the same socket is named twice") }
        let map = fields.required("map")?.fields(["file", "key"])
        let file = map?.required("file").flatMap { plain($0, allowing: "/") }
        if let file, !file.hasPrefix("/") {
            map?["file"]?.fail("`\(file)` must be an absolute path, as HAProxy knows it")
        }
        let key = map?.required("key").flatMap { plain($0, allowing: "") }
        let sides = fields.required("sides").flatMap(sides)
        guard !sockets.isEmpty, let file, let key, let sides else { return nil }
        return HAProxyTarget(sockets: sockets, mapFile: file, key: key, sides: sides)
    }

    private static func socket(_ reader: SpecReader) -> String? {
        guard let fields = reader.fields(["socket"], later: ["address", "tcp", "host"]),
            let reader = fields.required("socket"),
            let path = reader.nonEmptyText()
        else { return nil }
        guard path.hasPrefix("/"), path.utf8.count < 108, !path.contains(where: \.isNewline) else {
            reader.fail("`\(SpecReader.shortened(path))` must be an absolute path of less than 108 bytes")
            return nil
        }
        return path
    }

    private static func sides(_ reader: SpecReader) -> Sides? {
        guard let entries = reader.entries() else { return nil }
        guard entries.count == 2 else {
            reader.fail("two sides are expected, there are \(entries.count)")
            return nil
        }
        let sides = entries.compactMap { name, value in plain(value, allowing: "").map { Side(name: name, backend: $0) }
        }
        guard sides.count == 2 else { return nil }
        if sides[0].backend == sides[1].backend { reader.fail("both sides are the backend \(sides[0].backend)") }
        return Sides(first: sides[0], second: sides[1])
    }

    /// A word that cannot break out of one argument of HAProxy's line protocol.
    private static func plain(_ reader: SpecReader, allowing extra: String) -> String? {
        guard let text = reader.nonEmptyText() else { return nil }
        guard
            text.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "_.:-".contains($0) || extra.contains($0)) })
        else {
            reader.fail(
                "`\(SpecReader.shortened(text))` may only have letters, digits and _ . : -\(extra.isEmpty ? "" : " " + extra)"
            )
            return nil
        }
        return text
    }
}

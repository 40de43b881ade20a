/// One key of an HAProxy map that holds the share of the second side, on instances that are always driven together.
package struct HAProxyTraffic: TrafficValue {
    /// Paths of runtime API sockets on this host.
    package var sockets: [String]
    /// As HAProxy names it.
    package var mapFile: String
    package var key: String
    package var sides: Sides

    package init(sockets: [String], mapFile: String, key: String, sides: Sides) {
        self.sockets = sockets
        self.mapFile = mapFile
        self.key = key
        self.sides = sides
    }

    package var instances: [String] { sockets }
    package var words: String { "\(mapFile), key \(key)" }
    /// Names the object on that host.
    package func identity(on host: String) -> String { "haproxy:\(host):\(mapFile):\(key)" }

    /// The bytes of `sockaddr_un.sun_path`, its last one a zero.
    private static let pathLimit = 108

    /// Every name is sent in HAProxy's line protocol, where none of them may be more than one argument.
    package var mistakes: [TargetMistake] {
        var found: [TargetMistake] = []
        for (index, path) in sockets.enumerated() where !path.isEmpty {
            if !path.hasPrefix("/") || path.utf8.count >= Self.pathLimit || path.contains(where: \.isNewline) {
                found.append(
                    .init(
                        "instances[\(index)].socket",
                        "`\(path.shortened)` must be an absolute path of less than \(Self.pathLimit) bytes"))
            }
        }
        let named = sockets.filter { !$0.isEmpty }
        if Set(named).count < named.count { found.append(.init("instances", "the same socket is named twice")) }
        let words = [
            ("map.file", mapFile, "/"), ("map.key", key, ""), ("sides.\(sides.first.name)", sides.first.backend, ""),
            ("sides.\(sides.second.name)", sides.second.backend, ""),
        ]
        for (path, text, extra) in words { found += Self.check(text, at: path, allowing: extra) }
        if !mapFile.isEmpty, !mapFile.hasPrefix("/") {
            found.append(.init("map.file", "`\(mapFile)` must be an absolute path, as HAProxy knows it"))
        }
        if !sides.first.backend.isEmpty, sides.first.backend == sides.second.backend {
            found.append(.init("sides", "both sides are the backend \(sides.first.backend)"))
        }
        return found
    }

    private static func check(_ text: String, at path: String, allowing extra: String) -> [TargetMistake] {
        let isPlain = text.allSatisfy { character in
            character.isASCII
                && (character.isLetter || character.isNumber || "_.:-".contains(character) || extra.contains(character))
        }
        if isPlain { return [] }
        let more = extra.isEmpty ? "" : " \(extra)"
        return [.init(path, "`\(text.shortened)` may only have letters, digits and _ . : -\(more)")]
    }
}

extension HAProxyTraffic {
    package var json: JSONValue {
        .members([
            "sockets": .strings(sockets), "map": .string(mapFile), "key": .string(key), "first": sides.first.json,
            "second": sides.second.json,
        ])
    }

    package init(json: JSONValue) throws(Unreadable) {
        self.init(
            sockets: try need(json["sockets"]?.strings), mapFile: try need(json["map"]?.string),
            key: try need(json["key"]?.string),
            sides: Sides(first: try Side(json: json["first"]), second: try Side(json: json["second"])))
    }
}

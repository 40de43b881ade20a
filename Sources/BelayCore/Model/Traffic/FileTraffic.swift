/// A file with one number, the share of the second side, which any program can watch. Beside it: the program that runs
/// after each write, and the one that says which share is in force.
package struct FileTraffic: TrafficValue {
    package var path: String
    /// The number that stands for all traffic: 100 for percent. 1…10,000.
    package var scale: Int
    package var sides: Sides
    /// The program that runs after each write, in the folder `/` and with the number in its environment; empty: none.
    package var run: [String]
    /// Prints the number in force; empty: the file read back is the confirmation.
    package var read: [String]

    /// The values that `scale` may have. The largest is 10,000, because shares are counted in hundredths of a percent.
    package static let scales = 1...10_000

    package init(path: String, scale: Int = 100, sides: Sides, run: [String] = [], read: [String] = []) {
        self.path = path
        self.scale = scale
        self.sides = sides
        self.run = run
        self.read = read
    }

    package var instances: [String] { [path] }
    package var words: String { path }
    /// Names the object on that host.
    package func identity(on host: String) -> String { "file:\(host):\(path)" }
    package var reach: Reach { scale == Self.scales.upperBound ? .every : .parts(scale) }

    package var mistakes: [TargetMistake] {
        var found: [TargetMistake] = []
        if !path.isEmpty, !path.hasPrefix("/") || path.contains(where: \.isNewline) {
            found.append(.init("path", "`\(path.shortened)` must be an absolute path"))
        }
        if !sides.first.backend.isEmpty, sides.first.backend == sides.second.backend {
            found.append(.init("sides", "both sides are `\(sides.first.backend)`"))
        }
        // A driver that takes over and `rescue` run these programs from another folder.
        for (name, words) in [("run", run), ("read", read)] {
            guard let program = words.first, program.contains("/"), !program.hasPrefix("/") else { continue }
            found.append(
                .init("\(name)[0]", "`\(program.shortened)` must be an absolute path, or a name that is found in PATH"))
        }
        return found
    }

    /// The number for a canary share.
    package func number(for share: Weight, _ roles: Roles) -> Int {
        let part = reach.part(of: share)
        return roles.canaryIsSecond ? part : scale - part
    }

    /// The canary share that a number stands for; nil where it is none.
    package func share(for number: Int, _ roles: Roles) -> Weight? {
        guard (0...scale).contains(number) else { return nil }
        return reach.share(ofPart: roles.canaryIsSecond ? number : scale - number)
    }
}

extension FileTraffic {
    package var json: JSONValue {
        .members([
            "path": .string(path), "scale": .count(scale), "first": sides.first.json, "second": sides.second.json,
            "run": run.isEmpty ? nil : .strings(run), "read": read.isEmpty ? nil : .strings(read),
        ])
    }

    package init(json: JSONValue) throws(Unreadable) {
        self.init(
            path: try need(json["path"]?.string), scale: try need(json["scale"]?.count),
            sides: Sides(first: try Side(json: json["first"]), second: try Side(json: json["second"])),
            run: json["run"]?.strings ?? [], read: json["read"]?.strings ?? [])
    }
}

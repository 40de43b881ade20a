/// What divides the traffic: one case a vendor, whose value brings its own checks and its own JSON.
package enum Traffic: Hashable, Sendable {
    case haproxy(HAProxyTraffic)
    case file(FileTraffic)

    /// The vendors by the names that files and records have for them.
    package enum Kind: String, CaseIterable, Sendable {
        case haproxy, file
    }

    package var kind: Kind {
        switch self {
        case .haproxy: .haproxy
        case .file: .file
        }
    }

    private var value: any TrafficValue {
        switch self {
        case .haproxy(let value): value
        case .file(let value): value
        }
    }

    /// - Parameter json: An object with a member of the vendor's name.
    /// - Throws: ``Unreadable`` where there is none of a vendor that this version knows.
    package init(members json: JSONValue) throws(Unreadable) {
        if let value = json[Kind.haproxy.rawValue] {
            self = .haproxy(try HAProxyTraffic(json: value))
        } else if let value = json[Kind.file.rawValue] {
            self = .file(try FileTraffic(json: value))
        } else {
            throw Unreadable()
        }
    }
}

/// What every vendor's value brings.
package protocol TrafficValue: Hashable, Sendable {
    var sides: Sides { get }
    /// The instances that are always driven together, as people name them; the order is that of a reading's.
    var instances: [String] { get }
    /// What it is, for people: `/etc/haproxy/app.map, key app`.
    var words: String { get }
    /// Names the object on this host, and the host where another one has an object of the same name.
    func identity(on host: String) -> String
    var mistakes: [TargetMistake] { get }
    var json: JSONValue { get }
    init(json: JSONValue) throws(Unreadable)
}

extension Traffic {
    package var sides: Sides { value.sides }
    package var instances: [String] { value.instances }
    package var words: String { value.words }
    package func identity(on host: String) -> String { value.identity(on: host) }
    package var mistakes: [TargetMistake] { value.mistakes }
    package var json: JSONValue { value.json }
}

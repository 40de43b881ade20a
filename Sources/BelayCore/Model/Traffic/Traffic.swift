/// What divides the traffic: one case a vendor, whose value brings its own checks and its own JSON.
package enum Traffic: Hashable, Sendable {
    case haproxy(HAProxyTraffic)
    case file(FileTraffic)
    /// A Service, with the Deployments behind it.
    case cluster(ClusterTarget)

    /// The vendors by the names that files and records have for them.
    package enum Kind: String, CaseIterable, Sendable {
        case haproxy, file, cluster
    }

    package var kind: Kind {
        switch self {
        case .haproxy: .haproxy
        case .file: .file
        case .cluster: .cluster
        }
    }

    private var value: any TrafficValue {
        switch self {
        case .haproxy(let value): value
        case .file(let value): value
        case .cluster(let value): value
        }
    }

    /// - Parameter json: An object with a member of the vendor's name.
    /// - Throws: ``Unreadable`` where there is none of a vendor that this version knows.
    package init(members json: JSONValue) throws(Unreadable) {
        if let value = json[Kind.haproxy.rawValue] {
            self = .haproxy(try HAProxyTraffic(json: value))
        } else if let value = json[Kind.file.rawValue] {
            self = .file(try FileTraffic(json: value))
        } else if let value = json[Kind.cluster.rawValue] {
            self = .cluster(try ClusterTarget(json: value))
        } else {
            throw Unreadable()
        }
    }
}

extension Traffic {
    package var sides: Sides { value.sides }
    package var instances: [String] { value.instances }
    package var words: String { value.words }
    /// Names the object on that host.
    package func identity(on host: String) -> String { value.identity(on: host) }
    package var mistakes: [TargetMistake] { value.mistakes }
    package var json: JSONValue { value.json }
}

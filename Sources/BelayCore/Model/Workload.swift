/// Who runs the two versions: one case a kind, whose value brings its own checks and its own JSON.
package enum Workload: Hashable, Sendable {
    /// Somebody else deploys; Belay moves traffic, and adoption swaps the roles.
    case external
}

extension Workload {
    package var json: JSONValue {
        switch self {
        case .external: .members(["external": .object([])])
        }
    }

    /// - Parameter json: nil is what journals of 0.1.0 have.
    /// - Throws: ``Unreadable`` where a later version wrote it.
    package init(json: JSONValue?) throws(Unreadable) {
        guard let json, json["external"] == nil else {
            self = .external
            return
        }
        throw Unreadable()
    }
}

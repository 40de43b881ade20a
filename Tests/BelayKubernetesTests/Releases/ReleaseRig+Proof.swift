import BelayCore
import Foundation

/// What must hold of every write of a release, whatever the scenario.
extension ReleaseRig {
    /// Places in objects that are not the release's own.
    private static let places = [
        "deployments": [
            "/metadata/annotations/belay.dev~1", "/metadata/managedFields/", "/metadata/resourceVersion",
            "/spec/replicas",
            "/spec/template/spec/containers/0/image", "/spec/template/metadata/annotations/build",
        ],
        "services": [
            "/metadata/annotations/belay.dev~1", "/metadata/managedFields/", "/metadata/resourceVersion",
            "/spec/selector",
        ],
    ]
    /// Names that a release makes and takes away.
    private static let own = ["cart-canary", "belay-cart", "belay-blue"]

    /// Objects and fields that were written although no plan names them.
    var strays: [String] {
        written.flatMap { write -> [String] in
            let parts = write.path.split(separator: "/").map(String.init)
            let name = parts.last ?? ""
            switch write.method {
            case "POST":
                let made = write.body["metadata"]?["name"]?.string ?? ""
                let isFree = ["selfsubjectaccessreviews", "events"].contains(name)
                return isFree || Self.own.contains(made) ? [] : ["made \(name)/\(made)"]
            case "DELETE": return Self.own.contains(name) ? [] : ["deleted \(write.path)"]
            default:
                guard let kind = parts.dropLast().last, let allowed = Self.places[kind] else { return [] }
                let touched = write.body.array.map(Self.operations) ?? Self.members(of: write.body, at: "")
                return touched.filter { place in !allowed.contains { place.hasPrefix($0) } }.map { "\(name)\($0)" }
            }
        }
    }

    private static func operations(_ list: [JSONValue]) -> [String] {
        list.filter { $0["op"] != "test" }.compactMap { $0["path"]?.string }
    }

    private static func members(of value: JSONValue, at place: String) -> [String] {
        guard case .object(let members) = value, !members.isEmpty else { return [place] }
        return members.flatMap { member in
            Self.members(of: member.value, at: "\(place)/\(member.key.replacing("/", with: "~1"))")
        }
    }

    /// Shares of the canary's that were asked for above the one that was written down before, and numbers of pods above what that share
    /// needs.
    /// - Parameter most: Stable's pods, at most.
    func excesses(beside most: Int) -> [String] {
        var (step, present) = (0.0, 0)
        return written.flatMap { write -> [String] in
            if write.path.contains("/configmaps"), let text = write.body["data"]?["share"]?.string {
                step = Double(text.split(separator: " ").first ?? "") ?? 0
            }
            guard write.path.contains("/deployments/"), let operations = write.body.array else { return [] }
            func value(_ path: String) -> JSONValue? { operations.last { $0["path"]?.string == path }?["value"] }
            guard let asked = value("/metadata/annotations/belay.dev~1share")?.string.flatMap({ Double($0) }) else {
                return []
            }
            var found =
                asked / 100 > step + 0.01 ? ["\(asked / 100) % was asked for, and the step's share is \(step) %"] : []
            // Pods that are there already may stay for a while where the share goes down.
            if let count = value("/spec/replicas")?.count {
                let most = (Double(most) * asked / (10_000 - asked)).rounded(.down) + 1
                if asked < 10_000, count > present, Double(count) > most {
                    found.append("\(count) pods for \(asked / 100) %")
                }
                present = count
            }
            return found
        }
    }
}

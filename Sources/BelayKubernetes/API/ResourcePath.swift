/// The place of objects in the API.
package struct ResourcePath: Hashable, Sendable {
    /// Empty for the oldest kinds: pods, services.
    package var group: String
    package var version: String
    /// `deployments`
    package var plural: String
    /// nil: in all namespaces, or of a kind that has none.
    package var namespace: String?

    /// - Parameter group: Empty for the oldest kinds.
    package init(_ group: String, _ version: String, _ plural: String, namespace: String? = nil) {
        (self.group, self.version, self.plural, self.namespace) = (group, version, plural, namespace)
    }

    /// All namespaces.
    package static func namespaces() -> ResourcePath { ResourcePath("", "v1", "namespaces") }
    /// The Deployments of a namespace.
    package static func deployments(_ namespace: String) -> ResourcePath {
        ResourcePath("apps", "v1", "deployments", namespace: namespace)
    }
    /// The ReplicaSets of a namespace.
    package static func replicaSets(_ namespace: String) -> ResourcePath {
        ResourcePath("apps", "v1", "replicasets", namespace: namespace)
    }
    /// The Services of a namespace.
    package static func services(_ namespace: String) -> ResourcePath {
        ResourcePath("", "v1", "services", namespace: namespace)
    }
    /// The Leases of a namespace.
    package static func leases(_ namespace: String) -> ResourcePath {
        ResourcePath("coordination.k8s.io", "v1", "leases", namespace: namespace)
    }
    /// The ConfigMaps of a namespace.
    package static func configMaps(_ namespace: String) -> ResourcePath {
        ResourcePath("", "v1", "configmaps", namespace: namespace)
    }
    /// The Events of a namespace, in their older form.
    package static func events(_ namespace: String) -> ResourcePath {
        ResourcePath("", "v1", "events", namespace: namespace)
    }
    /// The HorizontalPodAutoscalers of a namespace.
    package static func autoscalers(_ namespace: String) -> ResourcePath {
        ResourcePath("autoscaling", "v2", "horizontalpodautoscalers", namespace: namespace)
    }
    /// The pods of a namespace.
    package static func pods(_ namespace: String) -> ResourcePath {
        ResourcePath("", "v1", "pods", namespace: namespace)
    }
    /// The EndpointSlices of a namespace.
    package static func endpointSlices(_ namespace: String) -> ResourcePath {
        ResourcePath("discovery.k8s.io", "v1", "endpointslices", namespace: namespace)
    }

    /// The path of one object, or of all of them; names are taken as they are and escaped.
    package func path(_ name: String? = nil, subresource: String? = nil) -> String {
        var parts = group.isEmpty ? ["api", version] : ["apis", group, version]
        if let namespace { parts += ["namespaces", namespace] }
        parts.append(plural)
        if let name { parts.append(name) }
        if let subresource { parts.append(subresource) }
        return "/" + parts.map(Self.escaped).joined(separator: "/")
    }

    /// `deployments.apps`
    package var qualified: String { group.isEmpty ? plural : "\(plural).\(group)" }

    /// Percent signs for all that RFC 3986 does not leave free.
    static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.append(Character(Unicode.Scalar(byte)))
            default: result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }
}

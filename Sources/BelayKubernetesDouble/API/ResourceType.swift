internal import BelayCore

/// A kind of object that the API has.
package struct ResourceType: Sendable {
    /// Empty for the oldest kinds: pods, services.
    package let group: String
    package let version: String
    package let kind: String
    package let plural: String
    var singular: String { kind.lowercased() }
    var shortNames: [String] = []
    var isNamespaced = true
    var hasStatus = false
    var hasScale = false
    /// Of a custom resource: checked against its own schema, and no strategic merge patch.
    var isCustom = false
    /// What its definition says of single values.
    var rules: [FieldRule] = []
    /// Words that come with every answer about it.
    var warning: String?

    var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
    var qualifiedPlural: String { group.isEmpty ? plural : "\(plural).\(group)" }
    var qualifiedKind: String { group.isEmpty ? kind : "\(kind).\(group)" }
    /// Objects of all versions of a group are the same objects.
    var key: String { kind == "Event" ? "events" : qualifiedPlural }
    var schema: Schema { isCustom ? .any : SchemaTable.shared.schema(of: kind) }

    /// A new kind, as a CustomResourceDefinition makes one.
    package static func custom(
        _ group: String, _ version: String, _ kind: String, _ plural: String, hasStatus: Bool = true,
        rules: [FieldRule] = []
    ) -> ResourceType {
        ResourceType(
            group: group, version: version, kind: kind, plural: plural, hasStatus: hasStatus, isCustom: true,
            rules: rules)
    }
}

extension ResourceType {
    static let builtIn: [ResourceType] = [
        ResourceType(
            group: "", version: "v1", kind: "Namespace", plural: "namespaces", shortNames: ["ns"], isNamespaced: false,
            hasStatus: true),
        ResourceType(group: "", version: "v1", kind: "Pod", plural: "pods", shortNames: ["po"], hasStatus: true),
        ResourceType(
            group: "", version: "v1", kind: "Service", plural: "services", shortNames: ["svc"], hasStatus: true),
        ResourceType(
            group: "", version: "v1", kind: "Endpoints", plural: "endpoints", shortNames: ["ep"],
            warning: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
        ResourceType(group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", shortNames: ["cm"]),
        ResourceType(group: "", version: "v1", kind: "Secret", plural: "secrets"),
        ResourceType(group: "", version: "v1", kind: "ServiceAccount", plural: "serviceaccounts", shortNames: ["sa"]),
        ResourceType(group: "", version: "v1", kind: "Event", plural: "events", shortNames: ["ev"]),
        ResourceType(
            group: "", version: "v1", kind: "ResourceQuota", plural: "resourcequotas", shortNames: ["quota"],
            hasStatus: true),
        ResourceType(
            group: "apps", version: "v1", kind: "Deployment", plural: "deployments", shortNames: ["deploy"],
            hasStatus: true,
            hasScale: true),
        ResourceType(
            group: "apps", version: "v1", kind: "ReplicaSet", plural: "replicasets", shortNames: ["rs"],
            hasStatus: true,
            hasScale: true),
        ResourceType(group: "batch", version: "v1", kind: "Job", plural: "jobs", hasStatus: true),
        ResourceType(
            group: "batch", version: "v1", kind: "CronJob", plural: "cronjobs", shortNames: ["cj"], hasStatus: true),
        ResourceType(
            group: "autoscaling", version: "v2", kind: "HorizontalPodAutoscaler", plural: "horizontalpodautoscalers",
            shortNames: ["hpa"], hasStatus: true),
        ResourceType(group: "coordination.k8s.io", version: "v1", kind: "Lease", plural: "leases"),
        ResourceType(group: "discovery.k8s.io", version: "v1", kind: "EndpointSlice", plural: "endpointslices"),
        ResourceType(group: "events.k8s.io", version: "v1", kind: "Event", plural: "events", shortNames: ["ev"]),
        ResourceType(
            group: "networking.k8s.io", version: "v1", kind: "Ingress", plural: "ingresses", shortNames: ["ing"],
            hasStatus: true),
        ResourceType(
            group: "networking.k8s.io", version: "v1", kind: "NetworkPolicy", plural: "networkpolicies",
            shortNames: ["netpol"]),
        ResourceType(
            group: "policy", version: "v1", kind: "PodDisruptionBudget", plural: "poddisruptionbudgets",
            shortNames: ["pdb"], hasStatus: true),
        ResourceType(group: "rbac.authorization.k8s.io", version: "v1", kind: "Role", plural: "roles"),
        ResourceType(group: "rbac.authorization.k8s.io", version: "v1", kind: "RoleBinding", plural: "rolebindings"),
    ]
}

extension ResourceType {
    var hasGeneration: Bool {
        isCustom
            || [
                "Deployment", "ReplicaSet", "Job", "CronJob", "EndpointSlice", "Ingress", "NetworkPolicy",
                "PodDisruptionBudget", "Pod",
            ].contains(kind)
    }

    /// Whether a change asks for something else. A Deployment's annotations count, since a controller copies them.
    func isNewGeneration(_ old: JSONValue, _ new: JSONValue) -> Bool {
        func differs(_ keys: String...) -> Bool {
            !(old.at(keys[...]) ?? .null).isSame(as: new.at(keys[...]) ?? .null)
        }
        switch kind {
        case "Deployment": return differs("spec") || differs("metadata", "annotations")
        case "Pod": return false
        case "EndpointSlice": return differs("endpoints") || differs("ports")
        default: return differs("spec")
        }
    }

    /// The object as this version of its kind shows it.
    func shown(_ object: JSONValue) -> JSONValue {
        if kind == "Event" { return EventForms.shown(object, asNew: group == "events.k8s.io") }
        var object = object
        object.setMember("apiVersion", .string(apiVersion))
        return object
    }

    /// The object as it is stored.
    func stored(_ object: JSONValue) -> JSONValue {
        kind == "Event" && group == "events.k8s.io" ? EventForms.stored(object) : object
    }
}

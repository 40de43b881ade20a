internal import BelayCore

/// Who owns which field of an object: `metadata.managedFields`, kept as a real server keeps it.
/// https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
struct ManagedFields {
    /// One manager's fields, under one operation and one version.
    struct Entry {
        var manager: String
        var operation: String
        var apiVersion: String
        var subresource: String?
        var time: String?
        var fields: FieldTree
    }

    /// Two managers want the same field.
    struct Conflict {
        let manager: String
        /// As the message says it: `"gitops"` or `"recorder" using apps/v1`.
        let words: String
        let paths: [String]
    }

    private(set) var entries: [Entry]

    init(of object: JSONValue?) {
        entries = (object?.at("metadata", "managedFields")?.array ?? []).map { entry in
            Entry(
                manager: entry["manager"]?.string ?? "", operation: entry["operation"]?.string ?? "Update",
                apiVersion: entry["apiVersion"]?.string ?? "", subresource: entry["subresource"]?.string,
                time: entry["time"]?.string, fields: FieldTree(fieldsV1: entry["fieldsV1"] ?? .empty))
        }
    }

    /// nil where nobody owns anything.
    var json: JSONValue? {
        if entries.isEmpty { return nil }
        let sorted = entries.sorted { $0.order.lexicographicallyPrecedes($1.order) }
        return .array(
            sorted.map { entry in
                .members([
                    "manager": .string(entry.manager), "operation": .string(entry.operation),
                    "apiVersion": .string(entry.apiVersion), "time": entry.time.map { .string($0) },
                    "fieldsType": "FieldsV1", "fieldsV1": entry.fields.fieldsV1,
                    "subresource": entry.subresource.map { .string($0) },
                ])
            })
    }

    /// A create, an update or a patch: what changed is the manager's alone from now on.
    mutating func noteUpdate(
        _ comparison: FieldComparison, by manager: String, _ apiVersion: String, subresource: String?, at time: String?
    ) {
        guard !comparison.isEmpty else { return }
        let touched = comparison.changed.union(comparison.removed)
        var own: Entry?
        entries = entries.compactMap { entry in
            if entry.manager == manager, entry.operation == "Update", entry.apiVersion == apiVersion,
                entry.subresource == subresource
            {
                own = entry
                return nil
            }
            return entry.without(touched)
        }
        let before = own?.fields ?? FieldTree()
        let fields = before.subtracting(comparison.removed).union(comparison.changed)
        if fields.isEmpty { return }
        entries.append(
            Entry(
                manager: manager, operation: "Update", apiVersion: apiVersion, subresource: subresource,
                time: comparison.changed.isEmpty ? own?.time : time, fields: fields))
    }

    /// What an applied configuration owned before and speaks of no more, and nobody else owns either.
    func abandoned(by manager: String, _ apiVersion: String, speakingOf fields: FieldTree) -> FieldTree {
        var left = FieldTree()
        for entry in entries where entry.isApplied(by: manager) { left = left.union(entry.fields) }
        left = left.subtracting(fields)
        for entry in entries where !entry.isApplied(by: manager) { left = left.subtracting(entry.fields) }
        return left
    }

    /// Who else owns what an applied configuration would change.
    func conflicts(of manager: String, changing changed: FieldTree) -> [Conflict] {
        entries.sorted { $0.manager < $1.manager }.compactMap { entry in
            if entry.isApplied(by: manager) { return nil }
            let paths = entry.fields.intersection(changed).paths()
            if paths.isEmpty { return nil }
            let version = entry.operation == "Apply" ? "" : " using \(entry.apiVersion)"
            let part = entry.subresource.map { " with subresource \"\($0)\"" } ?? ""
            return Conflict(manager: entry.manager, words: "\"\(entry.manager)\"\(part)\(version)", paths: paths)
        }
    }

    /// A configuration was applied: its fields are its manager's; what it changed by force, too, and nobody else's.
    mutating func noteApply(
        _ fields: FieldTree, changing changed: FieldTree, by manager: String, _ apiVersion: String, at time: String
    ) {
        var own: Entry?
        entries = entries.compactMap { entry in
            if entry.isApplied(by: manager) {
                own = entry
                return nil
            }
            return entry.without(changed)
        }
        let isSame = own?.fields == fields
        entries.append(
            Entry(
                manager: manager, operation: "Apply", apiVersion: apiVersion, subresource: nil,
                time: isSame ? own?.time : time, fields: fields))
    }

    // MARK: What is never owned

    /// The object without what belongs to the server, and without the part that this way of writing does not own.
    static func owned(_ object: JSONValue, subresource: String?) -> JSONValue {
        var object = object
        for key in ["apiVersion", "kind"] { object.setMember(key, nil) }
        var metadata = object["metadata"] ?? .empty
        let servers = [
            "name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields",
            "selfLink",
            "generateName", "deletionTimestamp", "deletionGracePeriodSeconds",
        ]
        for key in servers { metadata.setMember(key, nil) }
        object.setMember("metadata", metadata)
        object.setMember(subresource == "status" ? "spec" : "status", nil)
        return object
    }

    /// What every object of a kind has before anybody wrote anything: these places are owned by nobody.
    static func blank(_ type: ResourceType) -> JSONValue {
        if type.isCustom { return .members(["metadata": .empty]) }
        let pod: JSONValue = .members(["metadata": .empty, "spec": .members(["containers": .null])])
        var spec = JSONValue.empty
        switch type.kind {
        case "Deployment": spec = .members(["selector": .null, "template": pod, "strategy": .empty])
        case "HorizontalPodAutoscaler": spec = .members(["scaleTargetRef": .empty])
        case "ReplicaSet": spec = .members(["selector": .null])
        case "Job": spec = .members(["template": pod])
        case "CronJob":
            spec = .members(["jobTemplate": .members(["metadata": .empty, "spec": .members(["template": pod])])])
        default: break
        }
        return .members(["metadata": .empty, "spec": spec, "status": .empty])
    }
}

extension ManagedFields.Entry {
    fileprivate func isApplied(by name: String) -> Bool { manager == name && operation == "Apply" }

    fileprivate func without(_ fields: FieldTree) -> Self? {
        var entry = self
        entry.fields = entry.fields.subtracting(fields)
        return entry.fields.isEmpty ? nil : entry
    }

    /// Applied ones first, then by time; one without a time before all others.
    fileprivate var order: [String] { [operation, time ?? "", manager, apiVersion, subresource ?? ""] }
}

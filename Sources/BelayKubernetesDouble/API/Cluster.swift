internal import BelayCore
internal import BelayPlatform

/// The whole of it: objects, clock, who is known, what controllers have under way. It belongs to whoever holds the lock of
/// ``KubernetesDouble``.
final class Cluster {
    var store = ObjectStore()
    var types = ResourceType.builtIn
    var now: Timestamp
    var tokens: [String: Identity] = [:]
    var watchesBegun = 0
    var observer: (@Sendable (APIRequest) -> Void)?
    /// Refuse what an admission policy does not allow; the words are the policy's.
    var admissions: [@Sendable (ResourceType, JSONValue) -> String?] = []
    var pods = PodWorld()
    /// By the uid of a pod: when it last did something, when it began to end, since when it is ready.
    var podSteps: [String: Timestamp] = [:]
    var endSteps: [String: Timestamp] = [:]
    var readySince: [String: Timestamp] = [:]
    /// When the Progressing condition of a Deployment was last written, by its uid: the condition itself has whole seconds.
    var progress: [String: Timestamp] = [:]
    /// When a Service's slices may show what has changed, by its uid.
    var endpointsDue: [String: Timestamp] = [:]
    /// Numbers for names, addresses and uids, so that each run of the double gives the same ones.
    private var serial = 0

    init(now: Timestamp) { self.now = now }

    func type(_ group: String, _ version: String, _ plural: String) -> ResourceType? {
        types.first { $0.group == group && $0.version == version && $0.plural == plural }
    }

    func type(ofKind kind: String, group: String? = nil) -> ResourceType {
        types.first { $0.kind == kind && (group == nil || $0.group == group) }!
    }

    func nextSerial() -> Int {
        serial += 1
        return serial
    }

    func newUID() -> String {
        let number = String(nextSerial(), radix: 16)
        return "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - number.count) + number
    }

    /// Five letters as generated names end in, never the same twice.
    func newSuffix() -> String {
        let letters = Array("bcdfghjklmnpqrstvwxz2456789")
        var (number, text) = (nextSerial() &* 48_271 % 14_348_903, "")
        for _ in 0..<5 {
            text.append(letters[number % letters.count])
            number /= letters.count
        }
        return text
    }

    // MARK: Writing

    /// How an object comes to be written.
    struct Writer {
        var manager: String
        var subresource: String?
        var isDryRun = false
        /// Set where a configuration is applied: what it speaks of, and whether it takes fields from others.
        var applied: FieldTree?
        var isForced = false
        /// Without a time in `managedFields`, as the scale subresource leaves it.
        var isTimeless = false
    }

    /// Stores a new object, with everything that a server adds to it.
    func create(_ type: ResourceType, _ object: JSONValue, _ writer: Writer) throws(APIError) -> JSONValue {
        var object = object
        object.fill("apiVersion", with: .string(type.apiVersion))
        object.fill("kind", with: .string(type.kind))
        if object.text("metadata", "name") == nil, let base = object.text("metadata", "generateName") {
            object.put(.string(base + newSuffix()), at: "metadata", "name")
        }
        guard let name = object.text("metadata", "name") else {
            throw .invalid(
                type, "",
                [
                    .init(
                        reason: "FieldValueRequired", message: "Required value: name or generateName is required",
                        field: "metadata.name")
                ]
            )
        }
        let namespace = object.text("metadata", "namespace")
        object.put(.string(newUID()), at: "metadata", "uid")
        object.put(.string(Calendar.text(now)), at: "metadata", "creationTimestamp")
        object.put(nil, at: "metadata", "resourceVersion")
        if type.hasGeneration { object.put(1, at: "metadata", "generation") }
        if type.hasStatus { object.setMember("status", type.isCustom ? nil : .empty) }
        Defaults.fill(&object, type)
        try Validation.check(object, nil, type)
        try admit(type, object)
        if store.get(type, namespace, name) != nil { throw .exists(type, name) }
        object = owned(object, nil, type, writer)
        Defaults.allocate(&object, type, self)
        if writer.isDryRun { return object }
        return store.put(type, object)
    }

    /// Stores a change of an object, unless it changes nothing.
    func update(
        _ type: ResourceType, _ old: JSONValue, _ new: JSONValue, _ writer: Writer
    ) throws(APIError) -> JSONValue {
        var new = new
        let name = old.text("metadata", "name") ?? ""
        if let wanted = new.text("metadata", "resourceVersion"), wanted != old.text("metadata", "resourceVersion") {
            throw .conflict(type, name)
        }
        for key in ["apiVersion", "kind"] { new.setMember(key, old[key]) }
        let fixed = [
            "name", "namespace", "uid", "creationTimestamp", "generation", "resourceVersion", "deletionTimestamp",
            "deletionGracePeriodSeconds",
        ]
        for key in fixed { new.put(old.at("metadata", key), at: "metadata", key) }
        if writer.subresource == "status" {
            var changed = old
            changed.setMember("status", new["status"])
            changed.put(new.at("metadata", "annotations"), at: "metadata", "annotations")
            changed.put(new.at("metadata", "managedFields"), at: "metadata", "managedFields")
            new = changed
        } else if type.hasStatus {
            new.setMember("status", old["status"])
        }
        Defaults.fill(&new, type)
        if writer.subresource != "status" {
            try Validation.check(new, old, type)
            try admit(type, new)
        }
        if type.hasGeneration, writer.subresource != "status", type.isNewGeneration(old, new) {
            new.put(.int((old.at("metadata", "generation")?.int ?? 0) + 1), at: "metadata", "generation")
        }
        new = owned(new, old, type, writer)
        if new.isSame(as: old) { return old }
        if writer.isDryRun { return new }
        if new.at("metadata", "deletionTimestamp") != nil, (new.at("metadata", "finalizers")?.array ?? []).isEmpty,
            type.kind != "Pod", type.kind != "Namespace"
        {
            store.delete(type, new)
            return new
        }
        return store.put(type, new)
    }

    private func admit(_ type: ResourceType, _ object: JSONValue) throws(APIError) {
        let name = object.text("metadata", "name") ?? ""
        for admission in admissions {
            guard let words = admission(type, object) else { continue }
            throw APIError(
                code: 422, reason: "Invalid", message: "\(type.qualifiedPlural) \"\(name)\" is forbidden: \(words)",
                details: APIError.details(type, name, [.init(reason: nil, message: words, field: nil)]))
        }
    }

    /// The object with its `managedFields`.
    private func owned(_ new: JSONValue, _ old: JSONValue?, _ type: ResourceType, _ writer: Writer) -> JSONValue {
        var object = new
        let given = new.at("metadata", "managedFields")?.array
        if let given, old != nil, given.isEmpty || given == [.empty] {
            object.put(nil, at: "metadata", "managedFields")  // Somebody wants nobody to own anything.
            return object
        }
        var fields = ManagedFields(of: old == nil ? nil : (given == nil ? old : new))
        let time = writer.isTimeless ? nil : Calendar.text(now)
        let before = ManagedFields.owned(old ?? ManagedFields.blank(type), subresource: writer.subresource)
        let after = ManagedFields.owned(new, subresource: writer.subresource)
        let comparison = FieldComparison(from: before, to: after, type.schema)
        if let applied = writer.applied {
            fields.noteApply(
                applied, changing: comparison.changed.union(comparison.removed), by: writer.manager, type.apiVersion,
                at: Calendar.text(now))
        } else {
            fields.noteUpdate(
                comparison, by: writer.manager, type.apiVersion, subresource: writer.subresource, at: time)
        }
        object.put(fields.json, at: "metadata", "managedFields")
        return object
    }

    // MARK: Controllers' writes

    /// A controller's change of an object that exists; nothing where it does not any more.
    func change(
        _ type: ResourceType, _ object: JSONValue, subresource: String? = nil,
        by manager: String = "kube-controller-manager",
        _ body: (inout JSONValue) -> Void
    ) {
        guard let old = store.get(type, object.text("metadata", "namespace"), object.text("metadata", "name") ?? "")
        else {
            return
        }
        var new = old
        body(&new)
        _ = try? update(type, old, new, Writer(manager: manager, subresource: subresource))
    }
}

internal import BelayCore

/// The objects, their revisions, and what has happened to them.
struct ObjectStore {
    /// One write.
    struct Change {
        enum Kind { case added, modified, deleted }

        let revision: Int
        let type: ResourceType
        let kind: Kind
        let object: JSONValue
        let previous: JSONValue?
    }

    private(set) var revision = 100
    private var objects: [String: [String: JSONValue]] = [:]
    private var changes: [Change] = []
    /// Nobody can watch or list from before it.
    private(set) var forgottenTo = 0
    var watches: [Watch] = []

    static func name(_ namespace: String?, _ name: String) -> String { "\(namespace ?? "")/\(name)" }

    func get(_ type: ResourceType, _ namespace: String?, _ name: String) -> JSONValue? {
        objects[type.key]?[Self.name(namespace, name)]
    }

    /// In the order of their names.
    func list(_ type: ResourceType, _ namespace: String?) -> [JSONValue] {
        let all = (objects[type.key] ?? [:]).sorted { $0.key < $1.key }
        guard let namespace else { return all.map(\.value) }
        return all.filter { $0.key.hasPrefix(namespace + "/") }.map(\.value)
    }

    /// Stores an object under the next revision, and tells it to the watches.
    @discardableResult
    mutating func put(_ type: ResourceType, _ object: JSONValue) -> JSONValue {
        revision += 1
        var object = object
        object.put(.string("\(revision)"), at: "metadata", "resourceVersion")
        let key = Self.name(object.text("metadata", "namespace"), object.text("metadata", "name") ?? "")
        let previous = objects[type.key, default: [:]].updateValue(object, forKey: key)
        note(type, previous == nil ? .added : .modified, object, previous)
        return object
    }

    mutating func delete(_ type: ResourceType, _ object: JSONValue) {
        revision += 1
        let key = Self.name(object.text("metadata", "namespace"), object.text("metadata", "name") ?? "")
        guard let previous = objects[type.key]?.removeValue(forKey: key) else { return }
        var last = object
        last.put(.string("\(revision)"), at: "metadata", "resourceVersion")
        note(type, .deleted, last, previous)
    }

    private mutating func note(
        _ type: ResourceType, _ kind: Change.Kind, _ object: JSONValue, _ previous: JSONValue?
    ) {
        let change = Change(revision: revision, type: type, kind: kind, object: object, previous: previous)
        changes.append(change)
        watches.removeAll(where: \.isOver)
        for watch in watches { watch.note(change) }
    }

    /// What has happened since that revision, oldest first.
    func changes(since revision: Int) -> ArraySlice<Change> {
        let index = changes.firstIndex { $0.revision > revision } ?? changes.endIndex
        return changes[index...]
    }

    /// As after a compaction and a restart: older revisions are gone.
    mutating func forget() {
        forgottenTo = revision
        changes = []
    }
}

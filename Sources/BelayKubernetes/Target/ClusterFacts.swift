internal import BelayCore

/// What a release found before it began: enough to bring everything back. It is in the journal, in the Lease and in the
/// ConfigMap before anything is written.
struct ClusterFacts: Hashable {
    /// One side's Deployment as it was.
    struct Deployment: Hashable {
        var name: String
        /// nil for a clone that is still to be made.
        var uid: String?
        var replicas: Int64
        /// Of the pods' template.
        var container: String
        var containerIndex: Int
        var image: String
        /// What stood at the places that the file sets, in its order; null where there was nothing.
        var settings: [JSONValue]
    }

    /// An autoscaler whose minimum is below the number of pods that stable began with.
    struct Autoscaler: Hashable {
        var name: String
        var minimum: Int64
        /// The minimum while the release is under way.
        var held: Int64
    }

    var serviceUID: String
    var selector: [String: String]
    /// The label by which the Service tells the sides apart, and its value on the first and on the second side; an empty value: the
    /// label is not there.
    var label: String
    var values: [String]
    /// In the order of the sides.
    var deployments: [Deployment]
    /// Of the side that had the traffic.
    var autoscalers: [Autoscaler] = []

    /// The selector that leads to a side.
    func selector(ofSide index: Int) -> [String: String] {
        var selector = selector
        selector[label] = values[index].isEmpty ? nil : values[index]
        return selector
    }

    /// What selects the pods of both sides, as `kubectl -l` takes it.
    var podSelector: String {
        let rest = LabelSelector.words(selector.filter { $0.key != label })
        let own = values.contains("") ? "" : "\(label) in (\(values.joined(separator: ",")))"
        return [rest, own].filter { !$0.isEmpty }.joined(separator: ",")
    }

    /// The side that a selector leads to; nil where it is none that Belay writes.
    func side(of selector: [String: String]) -> Int? { values.indices.first { self.selector(ofSide: $0) == selector } }
}

extension ClusterFacts {
    var json: JSONValue {
        .members([
            "serviceUID": .string(serviceUID), "selector": .map(selector), "label": .string(label),
            "values": .strings(values),
            "deployments": .array(
                deployments.map { deployment in
                    .members([
                        "name": .string(deployment.name), "uid": deployment.uid.map { .string($0) },
                        "replicas": .int(deployment.replicas), "container": .string(deployment.container),
                        "containerIndex": .count(deployment.containerIndex), "image": .string(deployment.image),
                        "settings": .array(deployment.settings),
                    ])
                }),
            "autoscalers": autoscalers.isEmpty
                ? nil
                : .array(
                    autoscalers.map {
                        .members(["name": .string($0.name), "minimum": .int($0.minimum), "held": .int($0.held)])
                    }),
        ])
    }

    /// - Returns: nil where it is none that this version can read.
    init?(json: JSONValue) {
        guard let uid = json["serviceUID"]?.string, let label = json["label"]?.string,
            let values = json["values"]?.strings,
            let items = json["deployments"]?.array, values.count == 2, items.count == 2
        else { return nil }
        let deployments = items.compactMap { item -> Deployment? in
            guard let name = item["name"]?.string, let replicas = item["replicas"]?.int,
                let container = item["container"]?.string, let index = item["containerIndex"]?.count,
                let image = item["image"]?.string
            else { return nil }
            return Deployment(
                name: name, uid: item["uid"]?.string, replicas: replicas, container: container, containerIndex: index,
                image: image, settings: item["settings"]?.array ?? [])
        }
        guard deployments.count == 2 else { return nil }
        self.init(
            serviceUID: uid, selector: json["selector"]?.texts ?? [:], label: label, values: values,
            deployments: deployments)
        autoscalers = (json["autoscalers"]?.array ?? []).compactMap { item in
            guard let name = item["name"]?.string, let minimum = item["minimum"]?.int, let held = item["held"]?.int
            else {
                return nil
            }
            return Autoscaler(name: name, minimum: minimum, held: held)
        }
    }
}

extension JSONValue {
    /// An object whose values are texts, in the order of its keys.
    static func map(_ values: [String: String]) -> JSONValue {
        .object(values.sorted { $0.key < $1.key }.map { Member($0.key, .string($0.value)) })
    }

    /// The members that are texts.
    var texts: [String: String] {
        guard case .object(let members) = self else { return [:] }
        var texts: [String: String] = [:]
        for member in members { texts[member.key] = member.value.string }
        return texts
    }

    /// What controls an object, by its owner references.
    var controller: (kind: String, name: String)? {
        let owner = (self["metadata"]?["ownerReferences"]?.array ?? []).first { $0["controller"]?.bool == true }
        return owner.map { ($0["kind"]?.string ?? "", $0["name"]?.string ?? "") }
    }

    /// The name of what controls an object, where it is of that kind.
    func owner(ofKind kind: String) -> String? { controller.flatMap { $0.kind == kind ? $0.name : nil } }

    /// The value at a path of names and, in lists, of names of items or numbers: `spec.template.metadata.labels.app`.
    func value(at path: [String]) -> JSONValue? {
        path.reduce(self as JSONValue?) { value, step in
            guard let value else { return nil }
            if case .array(let items) = value {
                return Int(step).flatMap { items.indices.contains($0) ? items[$0] : nil }
            }
            return value[step]
        }
    }

    /// The same with another value for a member; nil takes it away.
    func setting(_ key: String, _ value: JSONValue?) -> JSONValue {
        guard case .object(var members) = self else {
            return value.map { .object([Member(key, $0)]) } ?? self
        }
        let index = members.firstIndex { $0.key == key }
        switch (index, value) {
        case (let index?, let value?): members[index] = Member(key, value)
        case (let index?, nil): members.remove(at: index)
        case (nil, let value?): members.append(Member(key, value))
        case (nil, nil): break
        }
        return .object(members)
    }

    /// The same with another value at a path; objects that are missing on the way are made.
    func setting(at path: some Collection<String>, _ value: JSONValue?) -> JSONValue {
        guard let first = path.first else { return value ?? .null }
        let rest = path.dropFirst()
        if case .array(var items) = self {
            guard let index = Int(first), items.indices.contains(index) else { return self }
            items[index] = items[index].setting(at: rest, value)
            return .array(items)
        }
        if rest.isEmpty { return setting(first, value) }
        return setting(first, (self[first] ?? .object([])).setting(at: rest, value))
    }
}

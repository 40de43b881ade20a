internal import BelayCore
internal import BelayPlatform

/// Deletions and scales.
extension Cluster {
    func delete(_ request: APIRequest, _ target: Target) throws(APIError) -> APIResponse {
        let type = target.type
        let options = (try? JSONText.parse(request.body)) ?? .empty
        guard let name = target.name else { return try deleteAll(request, target) }
        guard let object = store.get(type, target.namespace, name) else { throw .notFound(type, name) }
        try check(options["preconditions"] ?? .empty, object, type)
        if request.isDryRun { return .json(200, type.shown(object)) }
        let policy =
            options["propagationPolicy"]?.string ?? request.parameter("propagationPolicy")
            ?? (type.kind == "Job" ? "Orphan" : "Background")
        let grace = options["gracePeriodSeconds"]?.int ?? request.parameter("gracePeriodSeconds").flatMap { Int64($0) }
        if let left = remove(object, type, policy: policy, grace: grace) { return .json(200, type.shown(left)) }
        return .json(
            200,
            .members([
                "kind": "Status", "apiVersion": "v1", "metadata": .empty, "status": "Success",
                "details": .members([
                    "name": .string(name), "group": type.group.isEmpty ? nil : .string(type.group),
                    "kind": .string(type.plural), "uid": object.at("metadata", "uid"),
                ]),
            ]))
    }

    private func deleteAll(_ request: APIRequest, _ target: Target) throws(APIError) -> APIResponse {
        let selector = try Selector(
            labels: request.parameter("labelSelector"), fields: request.parameter("fieldSelector"))
        let gone = store.list(target.type, target.namespace).filter(selector.matches)
        for object in gone { _ = remove(object, target.type, policy: "Background", grace: nil) }
        return .json(
            200,
            .members([
                "kind": .string(target.type.kind + "List"), "apiVersion": .string(target.type.apiVersion),
                "metadata": .members(["resourceVersion": .string("\(store.revision)")]),
                "items": .array(gone.map(target.type.shown)),
            ]))
    }

    private func check(_ wanted: JSONValue, _ object: JSONValue, _ type: ResourceType) throws(APIError) {
        let words = [
            ("uid", "UID", "The object might have been deleted and then recreated"),
            ("resourceVersion", "ResourceVersion", "The object might have been modified"),
        ]
        let name = object.text("metadata", "name") ?? ""
        for (key, title, why) in words {
            guard let value = wanted[key]?.string, let present = object.text("metadata", key), value != present else {
                continue
            }
            throw APIError(
                code: 409, reason: "Conflict",
                message:
                    "Operation cannot be fulfilled on \(type.qualifiedKind) \"\(name)\": the \(title) in the precondition (\(value)) "
                    + "does not match the \(title) in record (\(present)). \(why)",
                details: APIError.details(type, name, isKind: true))
        }
    }

    /// Deletes an object, or marks it where something has to be done first.
    /// - Returns: The marked object; nil where it is gone.
    func remove(_ object: JSONValue, _ type: ResourceType, policy: String, grace: Int64?) -> JSONValue? {
        var object = object
        var finalizers = object.at("metadata", "finalizers")?.strings ?? []
        var seconds: Int64 = 0
        switch type.kind {
        case "Pod":
            seconds = grace ?? object.at("spec", "terminationGracePeriodSeconds")?.int ?? 30
            if seconds == 0 || object.text("spec", "nodeName") == nil {
                store.delete(type, object)
                return nil
            }
        case "Namespace": object.put("Terminating", at: "status", "phase")
        default:
            if policy == "Foreground", !finalizers.contains("foregroundDeletion") {
                finalizers.append("foregroundDeletion")
                object.put(.strings(finalizers), at: "metadata", "finalizers")
            }
            if policy == "Orphan" { orphan(object) }
            if finalizers.isEmpty {
                store.delete(type, object)
                return nil
            }
        }
        if object.at("metadata", "deletionTimestamp") == nil {
            let end = now.advanced(by: .seconds(seconds))
            object.put(.string(Calendar.text(end)), at: "metadata", "deletionTimestamp")
            if type.kind != "Namespace" { object.put(.int(seconds), at: "metadata", "deletionGracePeriodSeconds") }
            if type.hasGeneration {
                object.put(.int((object.at("metadata", "generation")?.int ?? 0) + 1), at: "metadata", "generation")
            }
            object = store.put(type, object)
        }
        return object
    }

    private func orphan(_ owner: JSONValue) {
        for (type, object) in dependents(of: owner) {
            change(type, object) { object in
                let owners = (object.at("metadata", "ownerReferences")?.array ?? []).filter {
                    $0["uid"] != owner.at("metadata", "uid")
                }
                object.put(owners.isEmpty ? nil : .array(owners), at: "metadata", "ownerReferences")
            }
        }
    }

    /// What belongs to an object.
    func dependents(of owner: JSONValue) -> [(type: ResourceType, object: JSONValue)] {
        guard let uid = owner.text("metadata", "uid") else { return [] }
        return ["ReplicaSet", "Pod", "EndpointSlice", "Job"].flatMap { kind in
            let type = type(ofKind: kind)
            return store.list(type, owner.text("metadata", "namespace")).filter { $0.isOwned(by: uid) }.map {
                (type, $0)
            }
        }
    }

    // MARK: Scale

    /// A workload as autoscalers see it.
    func scale(of object: JSONValue) -> JSONValue {
        let replicas = object.at("spec", "replicas")?.int ?? 0
        let labels = object.at("spec", "selector", "matchLabels")?.stringMap ?? [:]
        let keys = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"]
        return .members([
            "kind": "Scale", "apiVersion": "autoscaling/v1",
            "metadata": .object(keys.compactMap { key in object.at("metadata", key).map { .init(key, $0) } }),
            "spec": replicas == 0 ? .empty : .members(["replicas": .int(replicas)]),
            "status": .members([
                "replicas": .int(object.at("status", "replicas")?.int ?? 0),
                "selector": .string(
                    labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")),
            ]),
        ])
    }

    func rescale(_ request: APIRequest, _ target: Target) throws(APIError) -> APIResponse {
        let (type, name) = (target.type, target.name ?? "")
        guard let old = store.get(type, target.namespace, name) else { throw .notFound(type, name) }
        let body: JSONValue
        do throws(JSONText.Failure) {
            body = try JSONText.parse(request.body)
        } catch {
            throw .badRequest("error decoding: \(error.message)")
        }
        let wanted: JSONValue
        if request.method == "PUT" {
            wanted = body
        } else if request.contentType == "application/json-patch+json" {
            var scale = scale(of: old)
            scale.fill("spec", "replicas", with: 0)
            do throws(JSONPatch.Failure) {
                wanted = try JSONPatch.apply(body, to: scale)
            } catch {
                throw .patchRefused
            }
        } else {
            wanted = MergePatch.apply(body, to: scale(of: old))
        }
        var new = old
        new.put(.int(wanted.at("spec", "replicas")?.int ?? 0), at: "spec", "replicas")
        new.put(wanted.at("metadata", "resourceVersion"), at: "metadata", "resourceVersion")
        let writer = Writer(
            manager: request.fieldManager, subresource: "scale", isDryRun: request.isDryRun, isTimeless: true)
        return .json(200, scale(of: try update(type, old, new, writer)))
    }
}

extension JSONValue {
    func isOwned(by uid: String) -> Bool {
        (at("metadata", "ownerReferences")?.array ?? []).contains { $0["uid"]?.string == uid }
    }

    /// The owner that controls it.
    var controller: JSONValue? {
        (at("metadata", "ownerReferences")?.array ?? []).first { $0["controller"]?.bool == true }
    }
}

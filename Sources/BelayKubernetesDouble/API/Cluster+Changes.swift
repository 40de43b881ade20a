internal import BelayCore
internal import BelayPlatform

/// Requests that change something.
extension Cluster {
    func create(_ request: APIRequest, _ target: Target) throws(APIError) -> APIResponse {
        let type = target.type
        let text = String(decoding: request.body, as: UTF8.self)
        var object: JSONValue
        do throws(JSONText.Failure) {
            object = try JSONText.parse(text)
        } catch {
            throw .badRequest(
                "the object provided is unrecognized (must be of type \(type.kind)): couldn't get version/kind; json parse error: "
                    + "\(error.message) (\(text.prefix(64)))"
            )
        }
        if let kind = object["kind"]?.string, kind != type.kind {
            throw .badRequest(
                "\(kind) in version \"\(object["apiVersion"]?.string ?? "")\" cannot be handled as a \(type.kind)")
        }
        if type.isNamespaced {
            if let own = object.text("metadata", "namespace"), own != target.namespace {
                throw .badRequest(
                    "the namespace of the provided object does not match the namespace sent on the request")
            }
            object.put(target.namespace.map { .string($0) }, at: "metadata", "namespace")
            try checkNamespace(target, object.text("metadata", "name"))
        }
        let unknown = try checkTypes(&object, type, request, isPatch: false)
        let created = try create(type, type.stored(object), writer(request))
        if type.kind == "Namespace", !request.isDryRun { fillNamespace(created) }
        return answer(201, type.shown(created), unknown, request)
    }

    private func checkNamespace(_ target: Target, _ name: String?) throws(APIError) {
        guard let namespace = target.namespace else { return }
        let spaces = type(ofKind: "Namespace")
        guard let space = store.get(spaces, nil, namespace) else { throw .notFound(spaces, namespace) }
        guard space.at("metadata", "deletionTimestamp") != nil else { return }
        throw .forbidden(
            target.type, name,
            "unable to create new content in namespace \(namespace) because it is being terminated",
            [
                .init(
                    reason: "NamespaceTerminating", message: "namespace \(namespace) is being terminated",
                    field: "metadata.namespace")
            ])
    }

    /// What every namespace has from the beginning.
    private func fillNamespace(_ space: JSONValue) {
        let name = space.text("metadata", "name") ?? ""
        let account: JSONValue = .members(["metadata": .members(["name": "default", "namespace": .string(name)])])
        _ = try? create(type(ofKind: "ServiceAccount"), account, Writer(manager: "kube-controller-manager"))
    }

    /// - Returns: Members that nobody knows, where they are only warned of.
    private func checkTypes(
        _ object: inout JSONValue, _ type: ResourceType, _ request: APIRequest, isPatch: Bool
    ) throws(APIError) -> [String] {
        let name = object.text("metadata", "name") ?? ""
        if let wrong = type.schema.mistyped(in: object) {
            if type.isCustom || isPatch {
                throw .invalid(
                    type, name,
                    [
                        .init(
                            reason: "FieldValueTypeInvalid",
                            message:
                                "Invalid value: \"\(wrong.found)\": \(wrong.path) in body must be of type \(wrong.wanted): \"\(wrong.found)\"",
                            field: wrong.path)
                    ])
            }
            throw .badRequest(
                "\(type.kind) in version \"\(type.version)\" cannot be handled as a \(type.kind): json: cannot unmarshal "
                    + "\(wrong.found) into Go struct field \(wrong.path) of type \(wrong.wanted)"
            )
        }
        guard !type.isCustom, SchemaTable.shared.knows(type.kind) else { return [] }
        let unknown = type.schema.unknownFields(in: object)
        if unknown.isEmpty { return [] }
        if request.parameter("fieldValidation") == "Strict" {
            let words = unknown.map { "unknown field \"\($0)\"" }.joined(separator: ", ")
            if isPatch {
                let cause = APIError.Cause(
                    reason: "FieldValueInvalid",
                    message: "Invalid value: \(JSONText.write(object)): strict decoding error: \(words)",
                    field: "patch")
                var error = APIError.invalid(type, name, [cause])
                error = APIError(
                    code: 422, reason: "Invalid", message: " \"\" is invalid: patch: \(cause.message)",
                    details: error.details)
                throw error
            }
            throw .badRequest(
                "\(type.kind) in version \"\(type.version)\" cannot be handled as a \(type.kind): strict decoding error: \(words)"
            )
        }
        for path in unknown { object.remove(path) }
        return unknown
    }

    private func writer(_ request: APIRequest, subresource: String? = nil) -> Writer {
        Writer(manager: request.fieldManager, subresource: subresource, isDryRun: request.isDryRun)
    }

    private func answer(_ status: Int, _ object: JSONValue, _ unknown: [String], _ request: APIRequest) -> APIResponse {
        var response = APIResponse.json(status, object)
        if request.parameter("fieldValidation") != "Ignore" {
            for path in unknown { response.warn("unknown field \\\"\(path)\\\"") }
        }
        return response
    }

    // MARK: PUT and PATCH

    func change(_ request: APIRequest, _ target: Target) throws(APIError) -> APIResponse {
        let (type, name) = (target.type, target.name ?? "")
        if request.method == "PATCH", request.contentType == "application/apply-patch+yaml" {
            return try apply(request, target)
        }
        guard let old = store.get(type, target.namespace, name) else { throw .notFound(type, name) }
        var new = type.stored(try patched(type.shown(old), request, type))
        new.setMember("kind", old["kind"])
        new.setMember("apiVersion", old["apiVersion"])
        let unknown = try checkTypes(&new, type, request, isPatch: request.method == "PATCH")
        let result = try update(type, old, new, writer(request, subresource: target.subresource))
        return answer(200, type.shown(result), unknown, request)
    }

    /// The object that a request wants.
    private func patched(_ old: JSONValue, _ request: APIRequest, _ type: ResourceType) throws(APIError) -> JSONValue {
        let body: JSONValue
        do throws(JSONText.Failure) {
            body = try JSONText.parse(request.body)
        } catch {
            throw .badRequest("error decoding patch: \(error.message)")
        }
        if request.method == "PUT" {
            guard body.text("metadata", "name") == old.text("metadata", "name") else {
                throw .badRequest(
                    "the name of the object (\(body.text("metadata", "name") ?? "")) does not match the name on the URL "
                        + "(\(old.text("metadata", "name") ?? ""))"
                )
            }
            return body
        }
        switch request.contentType {
        case "application/merge-patch+json": return MergePatch.apply(body, to: old)
        case "application/strategic-merge-patch+json" where !type.isCustom:
            return StrategicMergePatch.apply(body, to: old, type.schema)
        case "application/json-patch+json":
            do throws(JSONPatch.Failure) {
                return try JSONPatch.apply(body, to: old)
            } catch {
                throw error.isMalformed ? .badRequest("error decoding patch: \(error.message)") : .patchRefused
            }
        default:
            let strategic = type.isCustom ? "" : ", application/strategic-merge-patch+json"
            throw APIError(
                code: 415, reason: "UnsupportedMediaType",
                message:
                    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, "
                    + "application/merge-patch+json\(strategic), application/apply-patch+yaml",
                details: nil)
        }
    }

    private func apply(_ request: APIRequest, _ target: Target) throws(APIError) -> APIResponse {
        let (type, name) = (target.type, target.name ?? "")
        guard request.parameter("fieldManager") != nil else {
            throw .badRequest(
                "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch")
        }
        var wanted: JSONValue
        do throws(JSONText.Failure) {
            wanted = try YAMLText.parse(request.body)
        } catch {
            throw .badRequest("error decoding YAML: \(error.message)")
        }
        guard wanted.at("metadata", "managedFields") == nil else {
            throw .badRequest("metadata.managedFields must be nil")
        }
        let unknown = try checkTypes(&wanted, type, request, isPatch: false)
        var spoken = ManagedFields.owned(wanted, subresource: target.subresource)
        if spoken["metadata"] == .empty { spoken.setMember("metadata", nil) }
        let fields = FieldComparison.applied(spoken, type.schema)
        var writer = writer(request, subresource: target.subresource)
        writer.applied = fields
        guard let live = store.get(type, target.namespace, name) else {
            wanted.put(target.namespace.map { .string($0) }, at: "metadata", "namespace")
            wanted.put(.string(name), at: "metadata", "name")
            try checkNamespace(target, name)
            return answer(201, type.shown(try create(type, wanted, writer)), unknown, request)
        }
        let owners = ManagedFields(of: live)
        let abandoned = owners.abandoned(by: writer.manager, type.apiVersion, speakingOf: fields)
        var merged = ServerSideApply.merge(wanted, into: live, type.schema)
        merged = ServerSideApply.remove(abandoned, from: merged, type.schema) ?? merged
        let changed = FieldComparison(from: live, to: merged, type.schema).changed
        let conflicts = owners.conflicts(of: writer.manager, changing: changed.intersection(fields))
        if !conflicts.isEmpty, !request.isSet("force") { throw Self.conflict(conflicts) }
        return answer(200, type.shown(try update(type, live, merged, writer)), unknown, request)
    }

    private static func conflict(_ conflicts: [ManagedFields.Conflict]) -> APIError {
        let count = conflicts.reduce(0) { $0 + $1.paths.count }
        let words: String
        if count == 1 {
            words = "conflict with \(conflicts[0].words): \(conflicts[0].paths[0])"
        } else {
            words = conflicts.map { conflict in
                "conflicts with \(conflict.words):" + conflict.paths.map { "\n- \($0)" }.joined()
            }.joined(separator: "\n")
        }
        let causes = conflicts.flatMap { conflict in
            conflict.paths.map { path in
                JSONValue.members([
                    "reason": "FieldManagerConflict", "message": .string("conflict with \(conflict.words)"),
                    "field": .string(path),
                ])
            }
        }
        return APIError(
            code: 409, reason: "Conflict",
            message: "Apply failed with \(count) conflict\(count == 1 ? "" : "s"): \(words)",
            details: .members(["causes": .array(causes)]))
    }
}

extension APIRequest {
    var isDryRun: Bool { parameter("dryRun") == "All" }
}

extension JSONValue {
    /// Removes what is at a place such as `spec.ports[0].foo`.
    fileprivate mutating func remove(_ path: String) { remove(path.split(separator: ".")[...]) }

    private mutating func remove(_ path: ArraySlice<Substring>) {
        guard let part = path.first else { return }
        let key = String(part.prefix { $0 != "[" })
        guard path.count > 1, var child = self[key] else { return setMember(key, nil) }
        if let index = Int(part.drop { $0 != "[" }.dropFirst().dropLast()), case .array(var items) = child {
            if items.indices.contains(index) { items[index].remove(path.dropFirst()) }
            child = .array(items)
        } else {
            child.remove(path.dropFirst())
        }
        setMember(key, child)
    }
}

internal import BelayCore
internal import BelayPlatform

/// From a request to its answer.
extension Cluster {
    /// What a path names.
    struct Target {
        let type: ResourceType
        let namespace: String?
        let name: String?
        let subresource: String?
    }

    func answer(_ request: APIRequest, certificate: Identity?) -> APIResponse {
        do throws(APIError) {
            return try respond(request, try identify(request, certificate))
        } catch {
            return .failure(error)
        }
    }

    private func identify(_ request: APIRequest, _ certificate: Identity?) throws(APIError) -> Identity {
        var identity = certificate ?? .anonymous
        if let header = request.headers["authorization"] {
            guard header.lowercased().hasPrefix("bearer "), let known = tokens[String(header.dropFirst(7))] else {
                throw .unauthorized
            }
            identity = known
        }
        guard let other = request.headers["impersonate-user"] else { return identity }
        guard identity.isAdmin else {
            throw APIError(
                code: 403, reason: "Forbidden",
                message:
                    "users \"\(other)\" is forbidden: User \"\(identity.name)\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope",
                details: nil)
        }
        let groups = request.headers["impersonate-group"].map { [$0] } ?? []
        return Identity(name: other, groups: groups + ["system:authenticated"])
    }

    private func respond(_ request: APIRequest, _ identity: Identity) throws(APIError) -> APIResponse {
        if let discovery = discovery(request.path) {
            guard identity.isAuthenticated || ["version", "readyz", "healthz", "livez"].contains(request.path.first)
            else {
                throw APIError(
                    code: 403, reason: "Forbidden",
                    message:
                        "forbidden: User \"\(identity.name)\" cannot get path \"/\(request.path.joined(separator: "/"))\"",
                    details: .empty)
            }
            return discovery
        }
        if let review = try review(request, identity) { return review }
        guard let target = target(of: request.path) else { return .unknownPath }
        try authorize(request, target, identity)
        var response = try perform(request, target)
        if let words = target.type.warning { response.warn(words) }
        return response
    }

    private func target(of path: [String]) -> Target? {
        let (group, version, rest): (String, String, ArraySlice<String>)
        switch path.first {
        case "api" where path.count > 2: (group, version, rest) = ("", path[1], path[2...])
        case "apis" where path.count > 3: (group, version, rest) = (path[1], path[2], path[3...])
        default: return nil
        }
        let parts = Array(rest)
        if parts[0] == "namespaces", parts.count > 2, let type = type(group, version, parts[2]) {
            return Target(
                type: type, namespace: parts[1], name: parts.count > 3 ? parts[3] : nil,
                subresource: parts.count > 4 ? parts[4] : nil)
        }
        guard let type = type(group, version, parts[0]) else { return nil }
        return Target(
            type: type, namespace: nil, name: parts.count > 1 ? parts[1] : nil,
            subresource: parts.count > 2 ? parts[2] : nil)
    }

    private func authorize(_ request: APIRequest, _ target: Target, _ identity: Identity) throws(APIError) {
        let verb: String
        switch request.method {
        case "GET", "HEAD": verb = request.isSet("watch") ? "watch" : target.name == nil ? "list" : "get"
        case "POST": verb = "create"
        case "PUT": verb = "update"
        case "PATCH": verb = "patch"
        case "DELETE": verb = target.name == nil ? "deletecollection" : "delete"
        default: verb = request.method.lowercased()
        }
        let part = target.subresource.map { "/\($0)" } ?? ""
        let attributes = Authorizer.Attributes(
            verb: verb, group: target.type.group, resource: target.type.plural + part, namespace: target.namespace,
            name: target.name)
        if authorizer.allows(identity, attributes) != nil { return }
        let place = target.namespace.map { "in the namespace \"\($0)\"" } ?? "at the cluster scope"
        throw .forbidden(
            target.type, target.name,
            "User \"\(identity.name)\" cannot \(verb) resource \"\(attributes.resource)\" in API group \"\(target.type.group)\" \(place)"
        )
    }

    var authorizer: Authorizer {
        Authorizer(
            roles: store.list(type(ofKind: "Role"), nil), bindings: store.list(type(ofKind: "RoleBinding"), nil))
    }

    private func perform(_ request: APIRequest, _ target: Target) throws(APIError) -> APIResponse {
        let type = target.type
        switch (request.method, target.subresource) {
        case ("GET", nil):
            guard let name = target.name else {
                return request.isSet("watch") ? try watch(request, target) : try list(request, target)
            }
            return .json(200, type.shown(try found(type, target.namespace, name)))
        case ("GET", "scale") where type.hasScale: return .json(200, scale(of: try found(target)))
        case ("GET", "status"): return .json(200, type.shown(try found(target)))
        case ("GET", "log") where type.kind == "Pod": return try log(request, target)
        case ("POST", nil) where target.name == nil: return try create(request, target)
        case ("PUT", nil), ("PUT", "status"), ("PATCH", nil), ("PATCH", "status"):
            return try change(request, target)
        case ("PUT", "scale") where type.hasScale, ("PATCH", "scale") where type.hasScale:
            return try rescale(request, target)
        case ("DELETE", nil): return try delete(request, target)
        default:
            throw APIError(
                code: 405, reason: "MethodNotAllowed",
                message: "the server does not allow this method on the requested resource",
                details: .empty)
        }
    }

    private func found(_ target: Target) throws(APIError) -> JSONValue {
        try found(target.type, target.namespace, target.name ?? "")
    }

    private func found(_ type: ResourceType, _ namespace: String?, _ name: String) throws(APIError) -> JSONValue {
        guard let object = store.get(type, namespace, name) else { throw .notFound(type, name) }
        return object
    }

    // MARK: Reading

    private func list(_ request: APIRequest, _ target: Target) throws(APIError) -> APIResponse {
        let type = target.type
        let selector = try Selector(
            labels: request.parameter("labelSelector"), fields: request.parameter("fieldSelector"))
        if let wanted = request.parameter("resourceVersion").flatMap({ Int($0) }),
            request.parameter("resourceVersionMatch") == "Exact", wanted < store.forgottenTo
        {
            throw .expired("The resourceVersion for the provided list is too old.")
        }
        var items = store.list(type, target.namespace).filter(selector.matches)
        var metadata = JSONValue.members(["resourceVersion": .string("\(store.revision)")])
        if let token = request.parameter("continue") {
            let parts = token.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let revision = Int(parts[0]) else { throw .badRequest("continue key is not valid") }
            guard revision >= store.forgottenTo else {
                throw .expired(
                    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter."
                )
            }
            items = items.filter { Self.key($0) > parts[1] }
        }
        if let limit = request.parameter("limit").flatMap({ Int($0) }), limit > 0, items.count > limit {
            metadata.setMember("remainingItemCount", .count(items.count - limit))
            items = Array(items.prefix(limit))
            metadata.setMember("continue", .string("\(store.revision):\(items.last.map(Self.key) ?? "")"))
        }
        let shown = items.map { item -> JSONValue in
            var item = type.shown(item)
            item.setMember("kind", nil)
            item.setMember("apiVersion", nil)
            return item
        }
        return .json(
            200,
            .members([
                "kind": .string(type.kind + "List"), "apiVersion": .string(type.apiVersion), "metadata": metadata,
                "items": .array(type.isCustom ? items : shown),
            ]))
    }

    private static func key(_ object: JSONValue) -> String {
        ObjectStore.name(object.text("metadata", "namespace"), object.text("metadata", "name") ?? "")
    }

    private func watch(_ request: APIRequest, _ target: Target) throws(APIError) -> APIResponse {
        var fields = request.parameter("fieldSelector")
        if let name = target.name { fields = "metadata.name=\(name)" }
        let selector = try Selector(labels: request.parameter("labelSelector"), fields: fields)
        let since = request.parameter("resourceVersion") ?? "0"
        guard let revision = Int(since) else {
            throw APIError(
                code: 500, reason: nil,
                message:
                    "resourceVersion: Invalid value: \"\(since)\": strconv.ParseUint: parsing \"\(since)\": invalid syntax",
                details: nil)
        }
        let seconds = request.parameter("timeoutSeconds").flatMap { Int($0) } ?? 3600
        let watch = Watch(
            target.type, target.namespace, selector, wantsBookmarks: request.isSet("allowWatchBookmarks"),
            deadline: now.advanced(by: .seconds(seconds)))
        if revision > 0, revision < store.forgottenTo {
            let error = APIError.expired("too old resource version: \(revision) (\(store.forgottenTo))")
            watch.send("ERROR", error.status)
            watch.end()
        } else if revision > 0 {
            for change in store.changes(since: revision) { watch.note(change) }
        } else {
            for object in store.list(target.type, target.namespace) where selector.matches(object) {
                watch.send("ADDED", target.type.shown(object))
            }
            if watch.wantsBookmarks { bookmark(watch) }
        }
        store.watches.append(watch)
        watchesBegun += 1
        return APIResponse(status: 200, body: .watch(watch))
    }

    /// Says how far a watch has come, so that it can go on from there.
    func bookmark(_ watch: Watch) {
        var object = ManagedFields.blank(watch.type)
        object.put(.string("\(store.revision)"), at: "metadata", "resourceVersion")
        object.setMember("kind", .string(watch.type.kind))
        object.setMember("apiVersion", .string(watch.type.apiVersion))
        if watch.type.kind == "Deployment" { object.put(0, at: "spec", "replicas") }
        watch.send("BOOKMARK", object)
    }

    private func log(_ request: APIRequest, _ target: Target) throws(APIError) -> APIResponse {
        let pod = try found(target)
        let names = (pod.at("spec", "containers")?.array ?? []).compactMap { $0["name"]?.string }
        let container = request.parameter("container") ?? names.first ?? ""
        guard names.contains(container) else {
            throw .badRequest("container \(container) is not valid for pod \(target.name ?? "")")
        }
        if request.isSet("previous"), PodWorld.restarts(of: pod) == 0 {
            throw .badRequest(
                "previous terminated container \"\(container)\" in pod \"\(target.name ?? "")\" not found")
        }
        var lines = PodWorld.log(of: pod, previous: request.isSet("previous"))
        if let tail = request.parameter("tailLines").flatMap({ Int($0) }) { lines = lines.suffix(tail) }
        return APIResponse(status: 200, body: .text(lines.map { $0 + "\n" }.joined()))
    }
}

internal import BelayCore
internal import BelayPlatform

/// What the API is made of, and who may do what.
extension Cluster {
    /// - Returns: nil where the path is about objects.
    func discovery(_ path: [String]) -> APIResponse? {
        switch path {
        case ["readyz"], ["healthz"], ["livez"]: return APIResponse(status: 200, body: .text("ok"))
        case ["version"]:
            return .json(
                200,
                .members([
                    "major": "1", "minor": "36", "gitVersion": "v1.36.0-double", "gitCommit": "", "gitTreeState": "",
                    "buildDate": "1970-01-01T00:00:00Z", "goVersion": "none", "compiler": "swiftc",
                    "platform": "linux/amd64",
                ]))
        case ["api"]:
            return .json(200, .members(["kind": "APIVersions", "versions": .array(["v1"])]))
        case ["apis"]: return .json(200, groups())
        case ["api", "v1"]: return .json(200, resources("", "v1"))
        default:
            if path.count == 2, path[0] == "apis" { return group(path[1]).map { .json(200, $0) } ?? .unknownPath }
            guard path.count == 3, path[0] == "apis" else { return nil }
            guard types.contains(where: { $0.group == path[1] && $0.version == path[2] }) || Self.hasReviews(path[1])
            else { return .unknownPath }
            return .json(200, resources(path[1], path[2]))
        }
    }

    private static func hasReviews(_ group: String) -> Bool { group == "authorization.k8s.io" }

    private func versions(of group: String) -> [String] {
        if Self.hasReviews(group) { return ["v1"] }
        var versions: [String] = []
        for type in types where type.group == group && !versions.contains(type.version) {
            versions.append(type.version)
        }
        return versions
    }

    private func group(_ name: String) -> JSONValue? {
        let versions = versions(of: name).map { version in
            JSONValue.members(["groupVersion": .string("\(name)/\(version)"), "version": .string(version)])
        }
        guard let first = versions.first, !name.isEmpty else { return nil }
        return .members([
            "kind": "APIGroup", "apiVersion": "v1", "name": .string(name), "versions": .array(versions),
            "preferredVersion": first,
        ])
    }

    private func groups() -> JSONValue {
        var names = ["authorization.k8s.io"]
        for type in types where !type.group.isEmpty && !names.contains(type.group) { names.append(type.group) }
        return .members([
            "kind": "APIGroupList", "apiVersion": "v1", "groups": .array(names.sorted().compactMap(group)),
        ])
    }

    private func resources(_ group: String, _ version: String) -> JSONValue {
        var items: [JSONValue] = []
        let verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
        func add(_ name: String, _ kind: String, _ type: ResourceType?, _ verbs: [String], _ from: String? = nil) {
            items.append(
                .members([
                    "name": .string(name), "singularName": .string(name.contains("/") ? "" : type?.singular ?? ""),
                    "namespaced": .bool(type?.isNamespaced ?? false), "group": from.map { .string($0) },
                    "version": from == nil ? nil : "v1", "kind": .string(kind), "verbs": .strings(verbs),
                    "shortNames": name.contains("/") || type?.shortNames.isEmpty ?? true
                        ? nil : .strings(type?.shortNames ?? []),
                ]))
        }
        for type in types where type.group == group && type.version == version {
            add(type.plural, type.kind, type, verbs)
            if type.hasStatus { add("\(type.plural)/status", type.kind, type, ["get", "patch", "update"]) }
            if type.hasScale {
                add("\(type.plural)/scale", "Scale", type, ["get", "patch", "update"], "autoscaling")
            }
            if type.kind == "Pod" { add("pods/log", "Pod", type, ["get"]) }
        }
        if Self.hasReviews(group) {
            add("selfsubjectaccessreviews", "SelfSubjectAccessReview", nil, ["create"])
            add("selfsubjectrulesreviews", "SelfSubjectRulesReview", nil, ["create"])
        }
        return .members([
            "kind": "APIResourceList", "apiVersion": "v1",
            "groupVersion": .string(group.isEmpty ? version : "\(group)/\(version)"), "resources": .array(items),
        ])
    }

    // MARK: Reviews

    /// - Returns: nil where it is no review.
    func review(_ request: APIRequest, _ identity: Identity) throws(APIError) -> APIResponse? {
        guard request.method == "POST", request.path.prefix(3) == ["apis", "authorization.k8s.io", "v1"],
            request.path.count == 4
        else { return nil }
        guard identity.isAuthenticated else {
            throw APIError(
                code: 403, reason: "Forbidden", message: "forbidden: User \"\(identity.name)\" cannot create reviews",
                details: .empty)
        }
        guard let body = try? JSONText.parse(request.body) else { throw .badRequest("the body is no JSON") }
        switch request.path[3] {
        case "selfsubjectaccessreviews": return .json(201, accessReview(body, identity, request))
        case "selfsubjectrulesreviews": return .json(201, rulesReview(body, identity))
        default: return .unknownPath
        }
    }

    private func accessReview(_ body: JSONValue, _ identity: Identity, _ request: APIRequest) -> JSONValue {
        let wanted = body.at("spec", "resourceAttributes") ?? .empty
        let part = wanted["subresource"]?.string.map { "/\($0)" } ?? ""
        let attributes = Authorizer.Attributes(
            verb: wanted["verb"]?.string ?? "", group: wanted["group"]?.string ?? "",
            resource: (wanted["resource"]?.string ?? "") + part, namespace: wanted["namespace"]?.string,
            name: wanted["name"]?.string)
        let why = authorizer.allows(identity, attributes)
        var fields = ManagedFields(of: nil)
        let before = JSONValue.members(["spec": .empty])
        fields.noteUpdate(
            FieldComparison(from: before, to: .members(["spec": body["spec"]]), .any), by: request.fieldManager,
            "authorization.k8s.io/v1", subresource: nil, at: Calendar.text(now))
        let metadata = JSONValue.members(["managedFields": fields.json])
        return .members([
            "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": metadata,
            "spec": body["spec"],
            "status": .members([
                "allowed": .bool(why != nil), "reason": why.flatMap { $0.isEmpty ? nil : .string($0) },
            ]),
        ])
    }

    private func rulesReview(_ body: JSONValue, _ identity: Identity) -> JSONValue {
        func rule(_ group: String, _ resources: [String]) -> JSONValue {
            .members([
                "verbs": .array(["create"]), "apiGroups": .array([.string(group)]), "resources": .strings(resources),
            ])
        }
        let everybody = [
            rule("authorization.k8s.io", ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]),
            rule("authentication.k8s.io", ["selfsubjectreviews"]),
        ]
        let all: JSONValue = .members(["verbs": .array(["*"]), "apiGroups": .array(["*"]), "resources": .array(["*"])])
        let own = identity.isAdmin ? [all] : authorizer.rules(of: identity, in: body.text("spec", "namespace"))
        return .members([
            "kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1", "metadata": .empty,
            "spec": .empty,
            "status": .members([
                "resourceRules": .array(everybody + own), "nonResourceRules": .array([]), "incomplete": .bool(false),
            ]),
        ])
    }
}

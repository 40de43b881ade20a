package import BelayCore

/// Lists, rights and what the server can do.
extension KubernetesClient {
    /// Objects, and the revision at which they were so.
    package struct List: Sendable {
        package var items: [JSONValue]
        package var revision: String
    }

    /// All objects of a place, in pages.
    /// - Parameters:
    ///   - labels: As `kubectl -l` takes them; nil: all.
    ///   - fields: `metadata.name=cart`; nil: all.
    ///   - each: What is kept of an object; nil leaves it out. Memory is needed for one page and for what is kept.
    package func list<Value: Sendable>(
        _ path: ResourcePath, labels: String? = nil, fields: String? = nil, timeout: Duration = .seconds(30),
        each: (JSONValue) -> Value?
    ) async throws -> (values: [Value], revision: String) {
        var query = [("limit", "500")]
        if let labels { query.append(("labelSelector", labels)) }
        if let fields { query.append(("fieldSelector", fields)) }
        var (values, token, restarts): ([Value], String?, Int) = ([], nil, 0)
        while true {
            do {
                let more = token.map { [("continue", $0)] } ?? []
                let page = try await call("GET", path.path(), query: query + more, timeout: timeout).body
                for item in page["items"]?.array ?? [] { if let value = each(item) { values.append(value) } }
                token = page["metadata"]?["continue"]?.string.flatMap { $0.isEmpty ? nil : $0 }
                if token == nil { return (values, page["metadata"]?["resourceVersion"]?.string ?? "") }
            } catch let error as KubernetesError where error.kind == .expired && token != nil && restarts < 3 {
                // The pages before are of a revision that the server has forgotten.
                (values, token, restarts) = ([], nil, restarts + 1)
            }
        }
    }

    /// All objects of a place, as they are.
    package func list(
        _ path: ResourcePath, labels: String? = nil, fields: String? = nil, timeout: Duration = .seconds(30)
    ) async throws -> List {
        let (items, revision) = try await list(path, labels: labels, fields: fields, timeout: timeout) { $0 }
        return List(items: items, revision: revision)
    }

    // MARK: The server

    /// `1.36`
    package func version() async throws -> String {
        let version = try await get(path: "/version", timeout: .seconds(5))
        func number(_ key: String) -> Substring { (version[key]?.string ?? "").prefix { $0.isNumber } }
        guard !number("major").isEmpty else {
            throw KubernetesError(
                .foreign, "GET \(access.server)/version: the answer has no version; is it an API server?")
        }
        return "\(number("major")).\(number("minor"))"
    }

    /// Whether the server has a kind of objects in that version.
    package func has(_ path: ResourcePath) async throws -> Bool {
        let group = path.group.isEmpty ? "/api/\(path.version)" : "/apis/\(path.group)/\(path.version)"
        do {
            let list = try await get(path: group)
            return (list["resources"]?.array ?? []).contains { $0["name"]?.string == path.plural }
        } catch let error as KubernetesError where error.kind == .notFound {
            return false
        }
    }

    /// Something that one may do or not.
    package struct Right: Hashable, Sendable {
        package var verb: String
        package var path: ResourcePath
        package var subresource: String?
        /// nil: to any object.
        package var name: String?

        package init(_ verb: String, _ path: ResourcePath, name: String? = nil, subresource: String? = nil) {
            (self.verb, self.path, self.name, self.subresource) = (verb, path, name, subresource)
        }

        /// `patch deployments.apps cart`
        package var text: String {
            let part = subresource.map { "/\($0)" } ?? ""
            return "\(verb) \(path.qualified)\(part)\(name.map { " \($0)" } ?? "")"
        }
    }

    /// Whether the identity that asks has a right.
    package func may(_ right: Right) async throws -> Bool {
        let attributes: JSONValue = .members([
            "namespace": right.path.namespace.map { .string($0) }, "verb": .string(right.verb),
            "group": .string(right.path.group), "resource": .string(right.path.plural),
            "subresource": right.subresource.map { .string($0) }, "name": right.name.map { .string($0) },
        ])
        let review: JSONValue = .members([
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": .members(["resourceAttributes": attributes]),
        ])
        let path = ResourcePath("authorization.k8s.io", "v1", "selfsubjectaccessreviews")
        return try await create(path, review).body["status"]?["allowed"]?.bool ?? false
    }
}

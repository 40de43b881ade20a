internal import BelayCore

/// Who may do what: the Roles and RoleBindings that are stored, as RBAC reads them.
/// https://kubernetes.io/docs/reference/access-authn-authz/rbac
struct Authorizer {
    /// What is to be done.
    struct Attributes {
        var verb: String
        var group: String
        /// With its subresource: `deployments/scale`.
        var resource: String
        var namespace: String?
        var name: String?
    }

    let roles: [JSONValue]
    let bindings: [JSONValue]

    /// The words for why it is allowed; nil where it is not.
    func allows(_ identity: Identity, _ attributes: Attributes) -> String? {
        if identity.isAdmin { return "" }
        for (binding, role, subject) in roles(of: identity, in: attributes.namespace) {
            let isAllowed = (role["rules"]?.array ?? []).contains { Self.rule($0, allows: attributes) }
            if isAllowed {
                let name = "\(binding.text("metadata", "name") ?? "")/\(binding.text("metadata", "namespace") ?? "")"
                let to = "\(subject["kind"]?.string ?? "") \"\(subject["name"]?.string ?? "")"
                let place = subject["namespace"]?.string.map { "/\($0)" } ?? ""
                return
                    "RBAC: allowed by RoleBinding \"\(name)\" of Role \"\(role.text("metadata", "name") ?? "")\" to \(to)\(place)\""
            }
        }
        return nil
    }

    /// The rules that apply to somebody in a namespace.
    func rules(of identity: Identity, in namespace: String?) -> [JSONValue] {
        roles(of: identity, in: namespace).flatMap { $0.role["rules"]?.array ?? [] }
    }

    private func roles(
        of identity: Identity, in namespace: String?
    ) -> [(binding: JSONValue, role: JSONValue, subject: JSONValue)] {
        bindings.compactMap { binding in
            guard let place = binding.text("metadata", "namespace"), place == namespace,
                let subject = (binding["subjects"]?.array ?? []).first(where: { Self.subject($0, is: identity) }),
                let role = roles.first(where: {
                    $0.text("metadata", "namespace") == place
                        && $0.text("metadata", "name") == binding.text("roleRef", "name")
                })
            else { return nil }
            return (binding, role, subject)
        }
    }

    private static func subject(_ subject: JSONValue, is identity: Identity) -> Bool {
        let name = subject["name"]?.string ?? ""
        switch subject["kind"]?.string {
        case "ServiceAccount":
            return identity.name == "system:serviceaccount:\(subject["namespace"]?.string ?? ""):\(name)"
        case "Group": return identity.groups.contains(name)
        default: return identity.name == name
        }
    }

    private static func rule(_ rule: JSONValue, allows attributes: Attributes) -> Bool {
        func has(_ key: String, _ value: String) -> Bool {
            let values = rule[key]?.strings ?? []
            return values.contains(value) || values.contains("*")
        }
        let names = rule["resourceNames"]?.strings ?? []
        return has("verbs", attributes.verb) && has("apiGroups", attributes.group)
            && has("resources", attributes.resource)
            && (names.isEmpty || attributes.name.map(names.contains) ?? false)
    }
}

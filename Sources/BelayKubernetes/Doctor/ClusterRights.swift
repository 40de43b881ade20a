package import BelayCore

/// What a release needs to be allowed to do: one list, from which the rights are checked and the Role is made.
package struct ClusterRights: Sendable {
    /// What is done with one kind of objects.
    package struct Rule: Equatable, Sendable {
        package var group: String
        package var resource: String
        package var verbs: [String]
        /// Empty: any object; making and listing cannot be bound to names.
        package var names: [String]
        /// A release does without it, and says what it did not see.
        package var isOptional = false
    }

    package let rules: [Rule]
    package let namespace: String

    package init(_ target: ClusterTarget, namespace: String) {
        self.namespace = namespace
        var rules = [
            Rule(group: "apps", resource: "deployments", verbs: ["get", "patch"], names: target.names),
            Rule(group: "apps", resource: "deployments", verbs: ["list", "watch"], names: []),
            Rule(group: "apps", resource: "replicasets", verbs: ["list", "watch"], names: []),
            Rule(group: "", resource: "pods", verbs: ["list", "watch"], names: []),
            Rule(group: "", resource: "pods/log", verbs: ["get"], names: []),
            Rule(group: "", resource: "events", verbs: ["list"], names: []),
            Rule(group: "", resource: "events", verbs: ["create"], names: [], isOptional: true),
            Rule(
                group: "", resource: "services", verbs: ["get", "patch"],
                names: [target.service]),
            Rule(group: "", resource: "services", verbs: ["list", "watch"], names: []),
            Rule(group: "discovery.k8s.io", resource: "endpointslices", verbs: ["list", "watch"], names: []),
            Rule(group: "autoscaling", resource: "horizontalpodautoscalers", verbs: ["list"], names: []),
        ]
        rules.append(
            Rule(
                group: "autoscaling", resource: "horizontalpodautoscalers", verbs: ["get", "patch"], names: [],
                isOptional: true))
        for (group, resource) in [
            ("", "resourcequotas"), ("", "persistentvolumeclaims"), ("policy", "poddisruptionbudgets"),
            ("networking.k8s.io", "networkpolicies"), ("monitoring.coreos.com", "podmonitors"),
            ("monitoring.coreos.com", "servicemonitors"),
        ] {
            rules.append(Rule(group: group, resource: resource, verbs: ["list"], names: [], isOptional: true))
        }
        for (group, resource) in [("coordination.k8s.io", "leases"), ("", "configmaps")] {
            rules.append(Rule(group: group, resource: resource, verbs: ["create"], names: []))
            rules.append(
                Rule(
                    group: group, resource: resource, verbs: ["get", "patch", "update", "delete"],
                    names: [target.ownerName]))
        }
        // So that another release of the same Service is seen, and one of two Deployments is found by either name.
        rules.append(
            Rule(group: "coordination.k8s.io", resource: "leases", verbs: ["list"], names: [], isOptional: true))
        if let clone = target.cloneName {
            rules.append(Rule(group: "apps", resource: "deployments", verbs: ["create"], names: []))
            rules.append(
                Rule(group: "apps", resource: "deployments", verbs: ["get", "patch", "delete"], names: [clone]))
            rules.append(Rule(group: "", resource: "services", verbs: ["create"], names: []))
            rules.append(
                Rule(group: "", resource: "services", verbs: ["get", "patch", "delete"], names: [target.canaryService]))
        }
        self.rules = rules
    }

    /// Each right that a release needs, by itself.
    var all: [KubernetesClient.Right] {
        rules.filter { !$0.isOptional }.flatMap { rule -> [KubernetesClient.Right] in
            let parts = rule.resource.split(separator: "/").map(String.init)
            let path = ResourcePath(
                rule.group, rule.group == "autoscaling" ? "v2" : "v1", parts[0], namespace: namespace)
            let part = parts.count > 1 ? parts[1] : nil
            let names: [String?] = rule.names.isEmpty ? [nil] : rule.names
            return names.flatMap { name in rule.verbs.map { .init($0, path, name: name, subresource: part) } }
        }
    }

    /// The smallest Role that allows it, with the binding to a service account of that name, as YAML.
    /// - Parameter account: Of the same namespace.
    package func role(named name: String, boundTo account: String) -> String {
        func list(_ values: [String]) -> String { "[" + values.map { "\"\($0)\"" }.joined(separator: ", ") + "]" }
        let text = rules.map { rule in
            let names = rule.names.isEmpty ? "" : "\n    resourceNames: \(list(rule.names))"
            return """
                  - apiGroups: [\"\(rule.group)\"]
                    resources: [\"\(rule.resource)\"]
                    verbs: \(list(rule.verbs))\(names)
                """
        }.joined(separator: "\n")
        return """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: Role
            metadata:
              name: "\(name)"
              namespace: "\(namespace)"
            rules:
            \(text)
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: RoleBinding
            metadata:
              name: "\(name)"
              namespace: "\(namespace)"
            roleRef:
              apiGroup: rbac.authorization.k8s.io
              kind: Role
              name: "\(name)"
            subjects:
              - kind: ServiceAccount
                name: "\(account)"
                namespace: "\(namespace)"

            """
    }
}

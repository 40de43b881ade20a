internal import BelayCore

/// Who asks.
package struct Identity: Hashable, Sendable {
    package let name: String
    package let groups: [String]

    /// - Parameters:
    ///   - name: `alice`, or `system:serviceaccount:shop:runner`.
    ///   - groups: `system:masters` may do everything.
    package init(name: String, groups: [String] = []) { (self.name, self.groups) = (name, groups) }

    /// May do everything.
    package static let admin = Identity(name: "admin", groups: ["system:masters", "system:authenticated"])
    /// Has shown nothing.
    package static let anonymous = Identity(name: "system:anonymous", groups: ["system:unauthenticated"])

    /// A pod's identity.
    package static func serviceAccount(_ namespace: String, _ name: String) -> Identity {
        Identity(
            name: "system:serviceaccount:\(namespace):\(name)",
            groups: ["system:serviceaccounts", "system:serviceaccounts:\(namespace)", "system:authenticated"])
    }

    var isAdmin: Bool { groups.contains("system:masters") }
    var isAuthenticated: Bool { groups.contains("system:authenticated") || isAdmin }
}

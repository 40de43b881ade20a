/// Who acted: the name recorded in the journal, and the groups that approvals may ask for.
package struct Actor: Hashable, Sendable {
    /// The name that the person gave, or else the system user's.
    package let name: String
    package let groups: [String]
    /// The system user, where that is another name than `name`; nil: `name` is the system user.
    package let user: String?

    package init(name: String, groups: [String] = [], user: String? = nil) {
        self.name = name
        self.groups = groups
        self.user = user
    }

    /// The system user who gave the command, whatever name they gave.
    package var person: String { user ?? name }
}

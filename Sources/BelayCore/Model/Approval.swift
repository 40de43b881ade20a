/// Who has to agree before the next step.
package struct Approval: Hashable, Sendable {
    /// What follows where nobody approves in time.
    package enum Answer: String, Hashable, Sendable, CaseIterable {
        case rollback, proceed
    }

    /// Names, or `group:NAME`; empty: anybody.
    package var from: [String] = []
    package var count = 1
    package var timeout: Duration = .seconds(3600)
    package var onTimeout: Answer = .rollback
    /// Whether one system user may approve for several people, as a portal does that has checked who they are.
    package var isSharedUser = false

    package init() {}

    /// Whether that actor is one of those who are asked.
    package func admits(_ actor: Actor) -> Bool {
        from.isEmpty || from.contains(actor.name) || actor.groups.contains { from.contains("group:\($0)") }
    }
}

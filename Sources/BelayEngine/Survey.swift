package import BelayCore

/// A look at a live target before a run: what it holds, what it can do, and everything that is wrong with it. The same for
/// all vendors; taking one changes nothing.
package struct Survey: Sendable {
    package enum Problem: Hashable, Sendable {
        /// A part of it does not answer.
        case unreachable(String)
        /// It answers, and the file asks for something it does not have.
        case invalid(String)
    }

    /// Whether a target can do something, and why, in its own words.
    package struct Ability: Hashable, Sendable {
        package var isThere: Bool
        package var why: String

        package init(isThere: Bool, why: String = "") {
            self.isThere = isThere
            self.why = why
        }
    }

    package var problems: [Problem] = []
    /// What was found, for `plan` and `doctor`.
    package var notes: [String] = []
    /// What is worth knowing before a run: no mistake, and nothing that was found.
    package var remarks: [String] = []
    /// What this user may do that a run needs.
    package var rights: [String] = []
    /// What a run needs and this user may not do; each is among the problems as well.
    package var missingRights: [String] = []
    /// The share of the second side, where all instances agree; nil where nobody knows.
    package var secondShare: Weight?
    /// The shares it can give.
    package var reach = Reach.every
    /// What the target holds and what a rescue would put back.
    package var original: JSONValue = .null
    /// Sides that can serve nothing, by name, and why.
    package var cannotServe: [String: String] = [:]
    /// What is left on the canary's side after a way back can be ended.
    package var cutsConnections = Ability(isThere: false)
    /// A write of a driver that is late is refused by the target itself.
    package var fencesWriters = Ability(isThere: false)
    /// Requests can be chosen by header or cookie.
    package var choosesByHeader = Ability(isThere: false)
    package var mirrors = Ability(isThere: false)
    /// One exchange with the slowest instance: about what the way back takes.
    package var roundTrip: Duration = .zero

    package init() {}

    package mutating func invalid(_ message: String) { problems.append(.invalid(message)) }

    /// Which side is stable; nil where nobody knows, or where the traffic is divided already.
    package var roles: Roles? { secondShare.flatMap { Roles(secondShare: $0) } }
}

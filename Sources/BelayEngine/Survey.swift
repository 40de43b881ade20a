package import BelayCore

/// A look at a live target before a run: what it holds, what it can do, and everything that is wrong with it. The same for
/// all vendors; taking one changes nothing.
package struct Survey: Sendable {
    /// Why a release cannot begin.
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
    /// What the target cannot promise and a user should know before a run; no mistakes.
    package var remarks: [String] = []
    /// Each write of a release, with what it changes, line by line; empty where the steps say all of it.
    package var writes: [String] = []
    /// What this user may do that a run needs.
    package var rights: [String] = []
    /// What a run needs and this user may not do; each is among the problems as well.
    package var missingRights: [String] = []
    /// The share of the second side, where all instances agree; nil where nobody knows.
    package var secondShare: Weight?
    /// The shares it can give.
    package var reach = Reach.every
    /// What the target holds now; it is recorded as the rollout's original.
    package var original: JSONValue = .null
    /// Why a side can serve nothing, by the side's name; sides that can serve are not in it.
    package var cannotServe: [String: String] = [:]
    /// Whether connections that are left on the canary's side after a way back can be cut.
    package var cutsConnections = Ability(isThere: false)
    /// Whether the target itself refuses the write of a driver that comes late.
    package var fencesWriters = Ability(isThere: false)
    /// Requests can be chosen by header or cookie.
    package var choosesByHeader = Ability(isThere: false)
    package var mirrors = Ability(isThere: false)
    /// How long one exchange with the slowest instance took; the way back takes a few of them.
    package var roundTrip: Duration = .zero

    package init() {}

    /// Notes something that the file asks for and the target does not have.
    package mutating func invalid(_ message: String) { problems.append(.invalid(message)) }

    /// Which side is stable; nil where nobody knows, or where the traffic is divided already.
    package var roles: Roles? { secondShare.flatMap { Roles(secondShare: $0) } }
}

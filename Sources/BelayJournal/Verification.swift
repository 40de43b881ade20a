/// What the check of one rollout's record has found.
package struct Verification: Hashable, Sendable {
    package let rollout: String
    package internal(set) var problems: [String] = []
    /// The last hash of its chain, in hexadecimal; empty where it has no events.
    package internal(set) var head = ""
    package internal(set) var length = 0
}

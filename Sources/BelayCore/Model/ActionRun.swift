/// One try at one action. It stays the same value as long as the try runs, and no other try of the rollout has it.
package struct ActionRun: Hashable, Sendable {
    package let kind: ActionKind
    package let list: ActionList
    /// Its place in the list.
    package let index: Int
    /// Counts the tries at this place, from 1.
    package let attempt: Int

    package init(_ kind: ActionKind, _ list: ActionList, index: Int, attempt: Int) {
        (self.kind, self.list, self.index, self.attempt) = (kind, list, index, attempt)
    }
}

internal import BelayCore

/// Which promotion is undone, and by releasing which rollout's revision again.
package struct UndoChoice: Hashable, Sendable {
    /// Why nothing can be undone, in words.
    package struct Refusal: Error {
        package let words: String
    }

    /// The last promotion.
    package let undone: RolloutSummary
    /// The one whose revision is released again.
    package let again: RolloutSummary

    /// - Parameters:
    ///   - rollouts: Those of one name, the latest first.
    ///   - aim: The id of the promoted rollout that is to be released again; nil: the latest one before the last promotion that had another
    ///     revision.
    /// - Throws: ``Refusal`` where nothing was promoted, or where nothing is known of what ran before.
    package init(of rollouts: [RolloutSummary], aim: String?) throws(Refusal) {
        let promoted = rollouts.filter { $0.outcome == Outcome.promoted.summary }
        guard let last = promoted.first else { throw Refusal(words: "nothing was promoted yet") }
        undone = last
        if let aim {
            guard let found = promoted.first(where: { $0.id == aim }) else {
                throw Refusal(words: "`\(aim)` is no promoted rollout of this name")
            }
            guard found.revision != last.revision else { throw Refusal(words: "\(last.revision) is what runs already") }
            again = found
            return
        }
        guard let former = promoted.dropFirst().first(where: { $0.revision != last.revision }) else {
            throw Refusal(
                words:
                    "this journal does not know what ran before \(last.id) (\(last.revision)); release it with `belay run`"
            )
        }
        again = former
    }
}

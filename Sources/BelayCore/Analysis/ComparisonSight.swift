/// What a comparison has to know of its rollout to place its next window: a value, taken when the window is judged.
package struct ComparisonSight: Hashable, Sendable {
    package var step: Int
    /// The share that the step asks for.
    package var share: Weight
    /// Whether that share is in force, as far as this driver has seen.
    package var isInForce: Bool
    /// From when on a window has to lie to count for the step, by the driver's clock.
    package var verifiedAt: Timestamp
    /// The moment at which the first window begins, by the driver's clock.
    package var comparesFrom: Timestamp
    /// Since when the canary may have had traffic.
    package var watchingSince: Timestamp
    /// Whether the next whole window is the first since the step's share was confirmed once more.
    package var beginsAnew: Bool
    /// The last measurement's value, for people.
    package var lastValue: String
}

extension RolloutMachine {
    /// - Returns: nil where no step is under way, or where metric `index` compares nothing yet.
    package func sight(of index: Int) -> ComparisonSight? {
        let progress = state.metrics[index]
        guard let step = watchedStep, let from = progress.comparesFrom else { return nil }
        let share = plan.share(ofStep: step)
        return ComparisonSight(
            step: step, share: share, isInForce: state.confirmed == share, verifiedAt: verifiedAt, comparesFrom: from,
            watchingSince: min(state.watchingSince ?? state.phaseSince, from),
            beginsAnew: progress.evidence.beginsAnew(inStep: step), lastValue: progress.lastValue)
    }
}

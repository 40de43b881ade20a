/// So many units of both versions, such as pods, as a step states them in place of what is nearest to its share.
package struct StatedCounts: Hashable, Sendable {
    /// The share that the step asks for.
    package var asked: Weight
    /// 0 for all of the traffic, else at least 1.
    package var stable: Int
    /// At least 1.
    package var canary: Int

    package init(asked: Weight, stable: Int, canary: Int) {
        (self.asked, self.stable, self.canary) = (asked, stable, canary)
    }

    /// The share that they are, rounded to a hundredth of a percent.
    package var share: Weight {
        let all = max(stable + canary, 1)
        return Weight(basisPoints: (canary * Weight.full.basisPoints + all / 2) / all) ?? .full
    }
}

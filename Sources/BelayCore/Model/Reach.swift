/// The shares that a target can give the canary.
package enum Reach: Hashable, Sendable {
    /// Every hundredth of a percent.
    case every
    /// So many equal parts: percent, or the pods behind one Service. At least 1, which is all or nothing.
    case parts(Int)

    /// The reachable share that lies nearest, the smaller one where two do. A share that gives both versions traffic stays
    /// one: 10 % of three parts is one part, and never nothing.
    /// - Returns: nil where both versions should have traffic and there is no such share.
    package func nearest(to share: Weight) -> Weight? {
        guard case .parts(let count) = self, share > .zero, share < .full else { return share }
        guard count > 1 else { return nil }
        let (whole, points) = (Weight.full.basisPoints, share.basisPoints * count)
        let below = points / whole
        let part = points - below * whole > (below + 1) * whole - points ? below + 1 : below
        let inner = min(max(part, 1), count - 1)
        return Weight(basisPoints: (inner * whole + count / 2) / count)
    }
}

extension Plan {
    /// With every step's share as near as the target can come; what was asked for stays with the step.
    /// - Returns: nil, and the step that cannot be reached, where the target gives all or nothing.
    package func reaching(_ reach: Reach) -> (plan: Plan?, unreachable: Int?) {
        var plan = self
        for index in plan.steps.indices {
            let asked = plan.steps[index].weight
            guard let nearest = reach.nearest(to: asked) else { return (nil, index) }
            if nearest != asked { (plan.steps[index].weight, plan.steps[index].asked) = (nearest, asked) }
        }
        return (plan, nil)
    }
}

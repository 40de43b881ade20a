/// The shares that a target can give the canary.
package enum Reach: Hashable, Sendable {
    /// Every hundredth of a percent.
    case every
    /// So many equal parts: percent, or the pods behind one Service. At least 1, which is all or nothing.
    case parts(Int)

    private var count: Int {
        switch self {
        case .every: Weight.full.basisPoints
        case .parts(let count): max(count, 1)
        }
    }

    /// The share of so many parts, rounded to a hundredth of a percent; nil where there are not so many.
    package func share(ofPart part: Int) -> Weight? {
        Weight(basisPoints: (part * Weight.full.basisPoints + count / 2) / count)
    }

    /// How many parts come nearest to a share.
    package func part(of share: Weight) -> Int {
        (share.basisPoints * count + Weight.full.basisPoints / 2) / Weight.full.basisPoints
    }

    /// The reachable share that lies nearest, the larger one where two do. A share that gives both versions traffic stays
    /// one: 10 % of three parts is one part, and never nothing.
    /// - Returns: nil where both versions should have traffic and there is no such share.
    package func nearest(to share: Weight) -> Weight? {
        guard case .parts(let count) = self, share > .zero, share < .full else { return share }
        guard count > 1 else { return nil }
        return self.share(ofPart: min(max(part(of: share), 1), count - 1))
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

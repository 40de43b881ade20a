/// The shares that a target can give the canary.
package enum Reach: Hashable, Sendable {
    /// Every hundredth of a percent.
    case every
    /// So many equal parts, such as percent. At least 1, which is all or nothing.
    case parts(Int)
    /// Beside so many units of stable's, which stay as they are, any number of the canary's, at least one; or the canary alone. At
    /// least 1.
    case beside(Int)
    /// Those that the steps state, and all or nothing.
    case stated([StatedCounts])

    private var count: Int {
        switch self {
        case .every: Weight.full.basisPoints
        case .parts(let count): max(count, 1)
        case .beside(let count): max(count, 1)
        case .stated: 1
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

    /// How many units of the canary's come nearest to a share beside stable's; as many as stable's for all of the traffic, fewer
    /// where two numbers are as near.
    package func units(for share: Weight) -> Int {
        if share == .zero { return 0 }
        if share == .full { return count }
        func distance(_ units: Int) -> Int { abs(self.share(ofUnits: units).basisPoints - share.basisPoints) }
        let exact = count * share.basisPoints / (Weight.full.basisPoints - share.basisPoints)
        return [exact, exact + 1].filter { $0 > 0 }.min { distance($0) < distance($1) } ?? 1
    }

    /// The share of so many units of the canary's beside stable's, rounded to a hundredth of a percent.
    package func share(ofUnits units: Int) -> Weight {
        let all = count + units
        return Weight(basisPoints: (units * Weight.full.basisPoints + all / 2) / all) ?? .full
    }

    /// The reachable share that lies nearest to `share`, the larger one where two are as near. A share that gives both
    /// versions traffic becomes one that does so, too: 10 % of three parts is one part, and never nothing.
    /// - Returns: nil where both versions should have traffic and there is no such share.
    package func nearest(to share: Weight) -> Weight? {
        guard share > .zero, share < .full else { return share }
        if case .beside = self { return self.share(ofUnits: units(for: share)) }
        if case .stated(let counts) = self {
            return (counts.first { $0.share == share } ?? counts.first { $0.asked == share })?.share
        }
        guard case .parts(let count) = self else { return share }
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

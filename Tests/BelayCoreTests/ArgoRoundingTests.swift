import Testing

@testable import BelayCore

/// The pods that Argo Rollouts gives at a weight, from its own unit tests and its code, beside what Belay gives.
///
/// Source: argo-rollouts, `utils/replicaset/canary.go`, `approximateWeightedCanaryStableReplicaCounts`. Argo takes stable's pods away as the
/// canary's come; here stable keeps its own, so that the numbers are the same only where Argo leaves stable whole, too.
@Suite("Shares by pods, beside Argo Rollouts")
struct ArgoRoundingTests {
    struct Vector: Sendable {
        let replicas: Int
        let percent: Int
        let canary: Int
        let stable: Int

        init(_ replicas: Int, _ percent: Int, _ canary: Int, _ stable: Int) {
            (self.replicas, self.percent, self.canary, self.stable) = (replicas, percent, canary, stable)
        }
    }

    static let vectors = [
        // Without surge.
        Vector(1, 1, 0, 1), Vector(1, 49, 0, 1), Vector(1, 50, 1, 0), Vector(1, 99, 1, 0), Vector(1, 100, 1, 0),
        Vector(2, 1, 1, 1), Vector(2, 50, 1, 1), Vector(2, 99, 1, 1), Vector(3, 10, 1, 2), Vector(3, 49, 1, 2),
        Vector(3, 50, 2, 1), Vector(3, 66, 2, 1), Vector(10, 1, 1, 9), Vector(10, 14, 1, 9), Vector(10, 15, 2, 8),
        Vector(10, 99, 9, 1), Vector(5, 20, 1, 4), Vector(5, 50, 3, 2), Vector(6, 25, 2, 4), Vector(20, 33, 7, 13),
        Vector(100, 1, 1, 99), Vector(100, 99, 99, 1),
        // With surge.
        Vector(1, 1, 1, 1), Vector(1, 99, 1, 1), Vector(1, 100, 1, 0), Vector(2, 1, 1, 2), Vector(2, 50, 1, 1),
        Vector(2, 99, 2, 1), Vector(3, 10, 1, 3), Vector(3, 25, 1, 3), Vector(3, 33, 1, 2), Vector(3, 49, 2, 2),
        Vector(3, 50, 2, 2), Vector(10, 1, 1, 10), Vector(10, 18, 2, 9), Vector(10, 19, 2, 9), Vector(10, 20, 2, 8),
        Vector(10, 23, 2, 8), Vector(10, 24, 3, 8), Vector(10, 25, 3, 8), Vector(10, 99, 10, 1), Vector(4, 33, 2, 3),
        Vector(4, 40, 2, 3), Vector(5, 50, 3, 3), Vector(7, 50, 4, 4), Vector(8, 33, 3, 6), Vector(25, 10, 3, 23),
    ]

    @Test(arguments: vectors) func `the canary has pods, and Argo's number where stable is whole there, too`(
        vector: Vector
    ) {
        let reach = Reach.beside(vector.replicas)
        let share = Weight(basisPoints: vector.percent * 100)!
        let units = reach.units(for: share)
        #expect(units >= 1)
        if vector.stable == vector.replicas, vector.canary > 0, vector.percent <= 50 { #expect(units == vector.canary) }
        // Of all numbers beside a whole stable it is the nearest one.
        guard share < .full else { return #expect(units == vector.replicas) }
        func distance(_ units: Int) -> Int { abs(reach.share(ofUnits: units).basisPoints - share.basisPoints) }
        #expect(distance(units) <= distance(units + 1) && (units == 1 || distance(units) <= distance(units - 1)))
    }
}

import BelayAnalysis
import BelayCore

/// The comparison's arithmetic alone: what one more window costs, on one core.
enum Polls {
    private static let count = 200_000

    static func figure(runs: Int) -> Figure {
        let values = (0..<runs).map { _ in
            var sum = 0.0
            let took = ContinuousClock().measure { sum = play() }
            precondition(sum.isFinite)  // So that the work is not optimised away.
            return Double(took / .nanoseconds(1)) / Double(count)
        }
        return Figure(name: "a poll of the comparison", values: values, unit: "ns", limit: 1000)
    }

    /// A busy service: every window has errors on both sides, and nothing is ever decided.
    private static func play() -> Double {
        var settings = SequentialGate.Settings()
        (settings.minHold, settings.onTimeout, settings.onSuspicion) = (.infinity, .hold, .hold)
        var gate = SequentialGate(settings)
        var sum = 0.0
        for index in 0..<count {
            let bad = CountWindow.Bad(canary: Double(1 + index % 3), stable: Double(12 + index % 5))
            let counts = WindowCounts(bad: [bad], canaryRequests: 1500, stableRequests: 13_500)
            sum += gate.poll(15, counts, isWhole: true).logHarm
        }
        return sum
    }
}

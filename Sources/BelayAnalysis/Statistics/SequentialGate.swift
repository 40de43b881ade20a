package import BelayCore

internal import func Glibc.log

/// The gate as a policy of its own, poll by poll: when to abort, to go to the next step, or to wait. The engine decides
/// through the machine, which adds people, pauses and routers; its verdicts are compared with those of this policy.
package struct SequentialGate: Hashable, Sendable {
    /// The settings of a gate in the reference study. `minHold` and `maxHold` are in seconds.
    package struct Settings: Hashable, Sendable {
        package var comparison = Comparison()
        package var steps = 3
        package var minHold = 60.0
        package var maxHold = 300.0
        /// The decision for a step that has no evidence at `maxHold`, if it is calm.
        package var onTimeout: Decision = .promote
        /// The decision for a step that is suspicious at `suspicionLimit`.
        package var onSuspicion: Decision = .pause

        package init() {}
    }

    /// What the gate says after a window.
    package enum Decision: String, Hashable, Sendable {
        case warmUp, hold, promote, complete, pause, abort
    }

    /// The decision, and the evidence it rests on.
    package struct Outcome: Hashable, Sendable {
        package var decision: Decision
        package var logHarm = 0.0
        package var logPromotion = 0.0
        package var logGuardian = 0.0
    }

    private let settings: Settings
    private var process: ComparisonProcess
    private let warmUp: Double
    private let suspicionLimit: Double
    private let abortAt: Double
    private let promoteAt: Double
    private let suspicion: Double
    private var elapsed = 0.0
    private var inStep = 0.0
    package private(set) var step = 0
    /// The largest `logHarm` so far; `exp` of its negative is the anytime-valid p-value.
    package private(set) var largestHarm = 0.0

    package init(_ settings: Settings) {
        self.settings = settings
        let comparison = settings.comparison
        process = ComparisonProcess(comparison, kinds: 1, steps: settings.steps)
        warmUp = comparison.warmUp.inSeconds
        suspicionLimit = comparison.suspicionLimit.inSeconds
        abortAt = log(comparison.harmLimit)
        promoteAt = log(comparison.promotionLimit)
        suspicion = log(comparison.suspicion)
    }

    /// - Parameters:
    ///   - seconds: The window's length.
    ///   - isWhole: Whether the present step was in force during all of it.
    package mutating func poll(_ seconds: Double, _ counts: WindowCounts, isWhole: Bool) -> Outcome {
        elapsed += seconds
        inStep += seconds
        if elapsed <= warmUp {
            process.addWarmUp(counts)
            let evidence = process.logGuardian
            return Outcome(
                decision: evidence >= log(Comparison.strictLimit) ? .abort : .warmUp, logGuardian: evidence)
        }
        process.add(counts, isWhole: isWhole)
        var outcome = Outcome(decision: .hold, logHarm: process.logHarm, logPromotion: process.logPromotion)
        largestHarm = max(largestHarm, outcome.logHarm)
        outcome.decision = decide(outcome)
        if outcome.decision == .promote {
            step += 1
            inStep = 0
            process.begin(step: step)
            if step >= settings.steps { outcome.decision = .complete }
        }
        return outcome
    }

    private func decide(_ outcome: Outcome) -> Decision {
        if outcome.logHarm >= abortAt { return .abort }
        let isCalm = outcome.logHarm < suspicion
        if isCalm, inStep >= settings.minHold, outcome.logPromotion >= promoteAt { return .promote }
        if isCalm, inStep >= settings.maxHold { return settings.onTimeout }
        return inStep >= suspicionLimit ? settings.onSuspicion : .hold
    }
}

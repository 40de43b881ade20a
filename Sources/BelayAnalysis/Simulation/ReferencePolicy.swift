internal import BelayCore

/// The policy from which the gate was derived, by itself: no machine, no people. The machine's decisions on the same
/// traffic are compared with it.
package struct ReferencePolicy {
    /// The canary's share in each step, 0…1. The last one is kept once it is reached.
    package let shares: [Double]
    /// What the gate decides for a step that is still suspicious at its limit.
    package let onSuspicion: SequentialGate.Decision

    package init(shares: [Double], onSuspicion: SequentialGate.Decision) {
        self.shares = shares
        self.onSuspicion = onSuspicion
    }

    /// Plays one course; the same seed gives the same one. The horizon is in seconds.
    package func play(_ model: TrafficModel, horizon: Double, seed: UInt64) -> Played {
        var settings = SequentialGate.Settings()
        settings.onSuspicion = onSuspicion
        // The gate counts the warm-up by its polls, and each poll shows the traffic of `lag` seconds before.
        settings.comparison.warmUp = .seconds(30 + model.lag)
        var gate = SequentialGate(settings)
        var traffic = SimulatedTraffic(model, length: 15, seed: seed)
        var (played, changedAt) = (Played(), 0.0)
        while traffic.now < horizon {
            traffic.advance(share: shares[gate.step])
            guard played.fullAt == nil else { continue }
            let seen = traffic.now - model.lag
            let counts = seen > 0 ? traffic.sum(upTo: seen, seconds: 15) : .init()
            let bad = CountWindow.Bad(canary: counts.canaryBad, stable: counts.stableBad)
            let step = gate.step
            let outcome = gate.poll(
                15, WindowCounts(bad: [bad], canaryRequests: counts.canary, stableRequests: counts.stable),
                isWhole: seen - 15 >= changedAt)
            if gate.step != step { changedAt = traffic.now }
            switch outcome.decision {
            case .abort: (played.rolledBackAt, played.end) = (traffic.now, .rolledBack(.gate))
            case .complete: (played.fullAt, played.end) = (traffic.now, .promoted)
            case .pause: played.end = .waiting
            case .warmUp, .hold, .promote: break
            }
            if played.isRolledBack || played.end == .waiting { break }
        }
        played.excessBad = traffic.excessBad
        return played
    }
}

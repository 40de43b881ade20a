internal import BelayCore

/// What Belay's gates are compared with: a fixed schedule with a threshold on the canary's errors, as an Argo Rollouts
/// template has it, or with no gate at all.
package struct ThresholdPolicy: Sendable {
    /// The canary's shares, 0…1, and how long each is held, s. A rollout that reaches the end of the last hold is
    /// promoted.
    package var steps: [(share: Double, seconds: Double)]
    /// More errors than this are a failed measurement; nil: nothing is measured.
    package var limit: Double?
    /// Seconds between two measurements, and how far each looks back.
    package var interval = 60.0
    /// The rollout is taken back at one failed measurement more than this.
    package var failureLimit = 3

    package init(steps: [(share: Double, seconds: Double)], limit: Double?) {
        self.steps = steps
        self.limit = limit
    }

    /// - Parameter length: The length of one interval, s; the same as that of the gates it is compared with.
    package func play(_ model: TrafficModel, length: Double = 15, horizon: Double, seed: UInt64) -> Played {
        var traffic = SimulatedTraffic(model, length: length, seed: seed)
        var (played, failures, step, since, measuredAt) = (Played(), 0, 0, 0.0, 0.0)
        enter(&played, 0, at: 0)
        while traffic.now < horizon {
            while played.end == .underWay, step < steps.count, traffic.now - since >= steps[step].seconds {
                (step, since) = (step + 1, traffic.now)
                if step == steps.count { played.end = .promoted } else { enter(&played, step, at: traffic.now) }
            }
            traffic.advance(share: steps[min(step, steps.count - 1)].share)
            guard let limit, played.end == .underWay, traffic.now - measuredAt >= interval else { continue }
            measuredAt = traffic.now
            let counts = traffic.sum(upTo: traffic.now - model.lag, seconds: interval)
            if counts.canary > 0, counts.canaryBad / counts.canary > limit { failures += 1 }
            if failures > failureLimit {
                (played.rolledBackAt, played.end) = (traffic.now, .rolledBack(.gate))
                break
            }
        }
        played.excessBad = traffic.excessBad
        return played
    }

    private func enter(_ played: inout Played, _ step: Int, at second: Double) {
        if steps[step].share >= 1, played.fullAt == nil { played.fullAt = second }
    }
}

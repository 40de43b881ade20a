internal import BelayCore

/// What Belay's gates are held against: a fixed schedule with a threshold on the canary's errors, as an Argo Rollouts
/// template has it, or with no gate at all.
package struct ThresholdPolicy: Hashable, Sendable {
    /// The canary's shares, 0…1, each held so many seconds; what comes last is reached and kept.
    package var steps: [(share: Double, seconds: Double)]
    /// More errors than this are a failed measurement; nil: nothing is measured.
    package var limit: Double?
    /// Seconds between two measurements, and how far each looks back.
    package var interval = 60.0
    /// So many failed measurements are forgiven.
    package var failureLimit = 3

    package init(steps: [(share: Double, seconds: Double)], limit: Double?) {
        self.steps = steps
        self.limit = limit
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.steps.elementsEqual(right.steps, by: ==) && left.limit == right.limit && left.interval == right.interval
            && left.failureLimit == right.failureLimit
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(limit) }

    package func play(_ model: TrafficModel, horizon: Double, seed: UInt64) -> Played {
        let length = 15.0
        var traffic = SimulatedTraffic(model, length: length, seed: seed)
        var (played, failures, step, since) = (Played(), 0, 0, 0.0)
        while traffic.now < horizon {
            traffic.advance(share: steps[step].share)
            if let limit, played.fullAt == nil, isDue(traffic.now) {
                let counts = traffic.sum(upTo: traffic.now - model.lag, seconds: interval)
                if counts.canary > 0, counts.canaryBad / counts.canary > limit { failures += 1 }
                if failures > failureLimit {
                    (played.rolledBackAt, played.end) = (traffic.now, .rolledBack(.gate))
                    break
                }
            }
            if played.fullAt == nil, traffic.now - since >= steps[step].seconds {
                (step, since) = (step + 1, traffic.now)
                if step == steps.count - 1 { (played.fullAt, played.end) = (traffic.now, .promoted) }
            }
        }
        played.excessBad = traffic.excessBad
        return played
    }

    private func isDue(_ second: Double) -> Bool { second.truncatingRemainder(dividingBy: interval) == 0 }
}

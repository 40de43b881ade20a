/// One course of a model's traffic, interval by interval, under whatever shares a policy asks for.
package struct SimulatedTraffic: Sendable {
    /// Counts of one interval.
    package struct Interval: Hashable, Sendable {
        package var canary = 0.0
        package var stable = 0.0
        package var canaryBad = 0.0
        package var stableBad = 0.0

        package init() {}
    }

    package let model: TrafficModel
    /// Of one interval, s.
    package let length: Double
    /// What has happened so far.
    package private(set) var intervals: [Interval] = []
    /// Requests that failed because of the canary: its requests times the difference of the probabilities.
    package private(set) var excessBad = 0.0
    package private(set) var canaryRequests = 0.0
    var random: SplitMix64
    private var canarySince: Double?
    private let offset: Double
    private let recordedSeconds: Double

    package init(_ model: TrafficModel, length: Double, seed: UInt64) {
        self.model = model
        self.length = length
        random = SplitMix64(seed: seed)
        recordedSeconds = model.recording.reduce(0) { $0 + $1.seconds }
        offset = recordedSeconds > 0 ? random.uniform() * recordedSeconds : 0
    }

    /// Seconds since the beginning.
    package var now: Double { Double(intervals.count) * length }

    /// One interval with that share on the canary, 0…1.
    package mutating func advance(share: Double) {
        let (start, middle) = (now, now + length / 2)
        if share > 0, canarySince == nil { canarySince = start }
        let (requests, base) = rates(at: middle)
        let shared = model.incident.map { middle >= $0.from && middle < $0.to ? $0.errors : 0 } ?? 0
        // A recorded version's errors move with the recording.
        let own = model.recording.isEmpty || model.baseErrors == 0 ? model.canaryErrors : base * times
        let extra = coldErrors(at: middle) + loadErrors(share)
        let canaryErrors = min(own + shared + extra, 1)
        let leaked = share > 0 ? model.contamination * max(own + extra - base, 0) : 0
        let stableErrors = min(base + shared + leaked, 1)
        var interval = Interval()
        (interval.canary, interval.canaryBad) = draw(requests * share, canaryErrors)
        (interval.stable, interval.stableBad) = draw(requests * (1 - share), stableErrors)
        intervals.append(interval)
        canaryRequests += interval.canary
        excessBad += interval.canary * max(own + loadErrors(share) - base, 0)
    }

    private var times: Double { model.canaryErrors / model.baseErrors }

    private func rates(at second: Double) -> (requests: Double, errors: Double) {
        guard recordedSeconds > 0 else { return (model.requests, model.baseErrors) }
        var rest = (second + offset).truncatingRemainder(dividingBy: recordedSeconds)
        for part in model.recording {
            if rest < part.seconds { return (part.requests, part.errors) }
            rest -= part.seconds
        }
        return (model.recording[0].requests, model.recording[0].errors)
    }

    private func coldErrors(at second: Double) -> Double {
        guard let cold = model.coldStart, let since = canarySince, second - since < cold.seconds else { return 0 }
        return cold.errors
    }

    private func loadErrors(_ share: Double) -> Double {
        model.underLoad.map { share >= $0.share ? $0.errors : 0 } ?? 0
    }

    /// Good and bad requests of a Poisson stream are two independent ones.
    private mutating func draw(_ rate: Double, _ errors: Double) -> (all: Double, bad: Double) {
        let bad = random.poisson(rate * length * min(errors * random.noise(variance: model.noise), 1))
        return (bad + random.poisson(rate * length * (1 - errors)), bad)
    }

    /// Slow answers of both versions among those of an interval, one count per bound.
    mutating func slow(_ interval: Interval, _ bounds: [Double]) -> [(canary: Double, stable: Double)] {
        let order = bounds.indices.sorted { bounds[$0] > bounds[$1] }
        var counts = [(canary: Double, stable: Double)](repeating: (0, 0), count: bounds.count)
        var (canary, stable, above) = (0.0, 0.0, (0.0, 0.0))
        // From the tail inwards: what is slower than the next bound is slower than this one, too.
        for index in order {
            let canaryShare = model.slower(than: bounds[index], times: model.canaryLatency)
            let stableShare = model.slower(than: bounds[index], times: 1)
            canary += random.poisson(interval.canary * (canaryShare - above.0))
            stable += random.poisson(interval.stable * (stableShare - above.1))
            above = (canaryShare, stableShare)
            counts[index] = (min(canary, interval.canary), min(stable, interval.stable))
        }
        return counts
    }

    /// What is known at `second`, of the last `seconds` before it.
    package func sum(upTo second: Double, seconds: Double) -> Interval {
        let end = min(max(Int((second / length).rounded(.down)), 0), intervals.count)
        let start = max(end - max(Int((seconds / length).rounded()), 1), 0)
        var total = Interval()
        for interval in intervals[start..<end] {
            total.canary += interval.canary
            total.stable += interval.stable
            total.canaryBad += interval.canaryBad
            total.stableBad += interval.stableBad
        }
        return total
    }
}

internal import func Glibc.exp

/// One course of a model's traffic, interval by interval, under whatever shares a policy asks for.
package struct SimulatedTraffic: Sendable {
    /// Counts of one interval, or of several.
    package struct Interval: Hashable, Sendable {
        package var canary = 0.0
        package var stable = 0.0
        package var canaryBad = 0.0
        package var stableBad = 0.0
        /// How many answers fell into each band of answer times: up to the first edge, up to the next …, beyond the
        /// last. Empty where nobody asks.
        package var canaryBands: [Double] = []
        package var stableBands: [Double] = []

        package init() {}

        mutating func add(_ other: Interval) {
            canary += other.canary
            stable += other.stable
            canaryBad += other.canaryBad
            stableBad += other.stableBad
            canaryBands = Self.sum(canaryBands, other.canaryBands)
            stableBands = Self.sum(stableBands, other.stableBands)
        }

        private static func sum(_ left: [Double], _ right: [Double]) -> [Double] {
            left.isEmpty ? right : zip(left, right).map(+)
        }
    }

    package let model: TrafficModel
    /// Of one interval, s.
    package let length: Double
    /// What has happened so far.
    package private(set) var intervals: [Interval] = []
    /// Requests that failed because of the canary, on either side: requests times the difference of the probabilities.
    package private(set) var excessBad = 0.0
    private var random: SplitMix64
    private var canarySince: Double?
    /// Where in the recording it begins, s.
    private let offset: Double
    private var noise = (cell: -1.0, canary: 1.0, stable: 1.0)
    /// Between bands of answer times, s, ascending; and the share of each band for either version.
    let edges: [Double]
    private let canaryShares: [Double]
    private let stableShares: [Double]

    /// - Parameters:
    ///   - length: Of one interval, s, above 0.
    ///   - bounds: Bounds of answer times that somebody will ask for, s; nil: nobody asks for times.
    package init(_ model: TrafficModel, length: Double, seed: UInt64, bounds: [Double]? = nil) {
        self.model = model
        self.length = length
        var random = SplitMix64(seed: seed)
        if let recording = model.recording {
            offset = random.uniform() * recording.length
        } else {
            offset = 0
        }
        self.random = random
        edges = bounds.map { Self.edges(model, $0) } ?? []
        canaryShares = Self.shares(model, edges, times: model.canaryLatency)
        stableShares = Self.shares(model, edges, times: 1)
    }

    /// Fine enough for a percentile, and exact at every bound that is asked for.
    private static func edges(_ model: TrafficModel, _ bounds: [Double]) -> [Double] {
        let widest = max(model.canaryLatency, 1)
        let fine = (-16...20).map { model.latency * widest * exp(Double($0) / 4 * model.latencySpread) }
        return Set(fine + bounds).sorted()
    }

    private static func shares(_ model: TrafficModel, _ edges: [Double], times factor: Double) -> [Double] {
        guard !edges.isEmpty else { return [] }
        let beyond = [1.0] + edges.map { model.slower(than: $0, times: factor) } + [0.0]
        return zip(beyond, beyond.dropFirst()).map { max($0 - $1, 0) }
    }

    /// Seconds since the beginning.
    package var now: Double { Double(intervals.count) * length }

    /// One interval with that share on the canary, 0…1.
    package mutating func advance(share: Double) {
        let (start, end) = (now, now + length)
        if share > 0, canarySince == nil { canarySince = start }
        let (requests, base) =
            model.recording?.average(from: start + offset, to: end + offset) ?? (model.requests, model.baseErrors)
        let shared = model.incident.map { overlap($0.from, $0.to, start, end) * $0.errors } ?? 0
        // With a recording the canary's errors rise and fall as the recorded ones do.
        let own = model.recording == nil ? model.canaryErrors : min(base * model.canaryErrors / model.baseErrors, 1)
        let cold = coldErrors(start, end)
        let extra = max(own + loadErrors(share) - base, 0)
        let leaked = share > 0 ? model.contamination * extra : 0
        drawNoise(start)
        var interval = Interval()
        (interval.canary, interval.canaryBad) = draw(
            requests * share, own + loadErrors(share) + shared + cold, noise.canary)
        (interval.stable, interval.stableBad) = draw(requests * (1 - share), base + shared + leaked, noise.stable)
        if !edges.isEmpty {
            interval.canaryBands = canaryShares.map { random.poisson(requests * share * length * $0) }
            interval.stableBands = stableShares.map { random.poisson(requests * (1 - share) * length * $0) }
        }
        intervals.append(interval)
        excessBad += interval.canary * min(extra, 1) + interval.stable * leaked
    }

    /// How much of an interval lies between two moments, 0…1.
    private func overlap(_ from: Double, _ to: Double, _ start: Double, _ end: Double) -> Double {
        max(min(to, end) - max(from, start), 0) / (end - start)
    }

    private func coldErrors(_ start: Double, _ end: Double) -> Double {
        guard let cold = model.coldStart, let since = canarySince else { return 0 }
        return overlap(since, since + cold.seconds, start, end) * cold.errors
    }

    private func loadErrors(_ share: Double) -> Double {
        model.underLoad.map { share >= $0.share ? $0.errors : 0 } ?? 0
    }

    /// Draws the noise on a grid of its own, every `noiseCell` seconds, however short the intervals are.
    private mutating func drawNoise(_ second: Double) {
        let cell = (second / TrafficModel.noiseCell).rounded(.down)
        guard model.noise > 0, cell != noise.cell else { return }
        noise = (cell, random.noise(variance: model.noise), random.noise(variance: model.noise))
    }

    /// Draws the requests of one version. The good and the bad ones of a Poisson stream are two independent streams.
    private mutating func draw(_ rate: Double, _ errors: Double, _ factor: Double) -> (all: Double, bad: Double) {
        let share = min(errors * factor, 1)
        let bad = random.poisson(rate * length * share)
        return (bad + random.poisson(rate * length * (1 - share)), bad)
    }

    /// The counts of the last `seconds` before `second`, in whole intervals.
    package func sum(upTo second: Double, seconds: Double) -> Interval {
        let end = min(max(Int((second / length).rounded(.down)), 0), intervals.count)
        let start = max(end - max(Int((seconds / length).rounded()), 1), 0)
        return intervals[start..<end].reduce(into: Interval()) { $0.add($1) }
    }

    // MARK: Answer times

    /// Answers slower than a bound that was asked for.
    func slower(than bound: Double, _ bands: [Double]) -> Double {
        guard let place = edges.firstIndex(of: bound) else { return 0 }
        return bands[(place + 1)...].reduce(0, +)
    }

    /// A quantile as a histogram gives it: linear inside a band, s. NaN without answers.
    func quantile(_ quantile: Double, _ bands: [Double]) -> Double {
        let all = bands.reduce(0, +)
        guard all > 0 else { return .nan }
        var below = 0.0
        for (index, count) in bands.enumerated() {
            if below + count >= quantile * all, count > 0 {
                let low = index > 0 ? edges[index - 1] : 0
                let high = index < edges.count ? edges[index] : low
                return low + (high - low) * (quantile * all - below) / count
            }
            below += count
        }
        return edges[edges.count - 1]
    }

    /// The mean, each answer taken for the middle of its band, s. NaN without answers.
    func mean(_ bands: [Double]) -> Double {
        let all = bands.reduce(0, +)
        guard all > 0 else { return .nan }
        let sum = bands.enumerated().reduce(0.0) { sum, band in
            let low = band.offset > 0 ? edges[band.offset - 1] : 0
            let high = band.offset < edges.count ? edges[band.offset] : low
            return sum + band.element * (low + high) / 2
        }
        return sum / all
    }
}

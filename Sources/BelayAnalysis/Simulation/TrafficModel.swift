internal import func Glibc.erfc
internal import func Glibc.log
internal import func Glibc.sqrt

/// A service's traffic and what the new version does to it. Arrivals are Poisson, errors independent, unless noise says
/// otherwise. What happens at one moment, an incident or a recorded load, is the same for both versions.
package struct TrafficModel: Hashable, Sendable {
    /// Errors of both versions for a while: a shared dependency fails.
    package struct Incident: Hashable, Sendable {
        package var from: Double
        package var to: Double
        /// Added to both shares of errors, 0…1.
        package var errors: Double

        package init(from: Double, to: Double, errors: Double) {
            self.from = from
            self.to = to
            self.errors = errors
        }
    }

    /// Errors of the canary in its first seconds.
    package struct ColdStart: Hashable, Sendable {
        package var seconds: Double
        package var errors: Double

        package init(seconds: Double, errors: Double) {
            self.seconds = seconds
            self.errors = errors
        }
    }

    /// Errors that the canary shows only from a share on.
    package struct UnderLoad: Hashable, Sendable {
        /// Of the traffic, 0…1.
        package var share: Double
        package var errors: Double

        package init(share: Double, errors: Double) {
            self.share = share
            self.errors = errors
        }
    }

    /// Of both versions together, per second.
    package var requests = 200.0
    /// Stable's share of errors, 0…1.
    package var baseErrors = 0.001
    /// The canary's share of errors, 0…1.
    package var canaryErrors = 0.001
    /// Median of the answer times, s; they are lognormal.
    package var latency = 0.08
    /// Standard deviation of their logarithm.
    package var latencySpread = 0.6
    /// The canary's answer times over stable's.
    package var canaryLatency = 1.0
    /// Variance of a factor on each version's share of errors, drawn anew every `noiseCell` seconds.
    package var noise = 0.0
    /// How much of the canary's additional errors stable shows, too: a shared dependency that the canary burdens.
    package var contamination = 0.0
    package var incident: Incident?
    package var coldStart: ColdStart?
    package var underLoad: UnderLoad?
    /// How long a sample takes to be seen, s.
    package var lag = 15.0
    /// Recorded traffic in place of `requests` and `baseErrors`; the canary's errors rise and fall with it.
    package var recording: RecordedTraffic?

    static let noiseCell = 15.0

    package init() {}

    /// The same traffic with a version whose errors are so many times stable's.
    package func with(errorsTimes factor: Double) -> TrafficModel {
        var model = self
        model.canaryErrors = min(baseErrors * factor, 1)
        return model
    }

    /// Whether nothing is wrong with the canary that a rollback would be right for.
    package var isHealthy: Bool { canaryErrors <= baseErrors && canaryLatency <= 1 && underLoad == nil }

    /// The answer time, s, that this share of the answers does not exceed: 0.99 for the p99.
    package func latency(atQuantile quantile: Double) -> Double {
        // The share of slower answers falls with the bound, so halving finds it.
        var (low, high) = (0.0, latency * 1e6)
        for _ in 0..<100 {
            let middle = (low + high) / 2
            if slower(than: middle, times: 1) > 1 - quantile { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// The share of answers slower than a bound, s.
    func slower(than bound: Double, times factor: Double) -> Double {
        erfc(log(bound / (latency * factor)) / latencySpread / sqrt(2)) / 2
    }
}

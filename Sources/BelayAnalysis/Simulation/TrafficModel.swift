internal import func Glibc.erfc
internal import func Glibc.exp
internal import func Glibc.log
internal import func Glibc.sqrt

/// A service's traffic and what the new version does to it. Arrivals are Poisson, errors independent, unless noise says
/// otherwise; both versions draw from the same moments.
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
    /// The canary's.
    package var canaryErrors = 0.001
    /// Median of the answer times, s; they are lognormal.
    package var latency = 0.08
    /// Standard deviation of their logarithm.
    package var latencySpread = 0.6
    /// The canary's answer times over stable's.
    package var canaryLatency = 1.0
    /// Variance of a factor on each version's share of errors, drawn anew for every interval.
    package var noise = 0.0
    /// How much of the canary's additional errors stable shows, too: a shared dependency that the canary burdens.
    package var contamination = 0.0
    package var incident: Incident?
    package var coldStart: ColdStart?
    package var underLoad: UnderLoad?
    /// How long a sample takes to be seen, s.
    package var lag = 15.0
    /// Requests per second and shares of errors in place of the two above; empty: constant. Played round and round.
    package var recording: [Recorded] = []

    package struct Recorded: Hashable, Sendable {
        package let seconds: Double
        package let requests: Double
        package let errors: Double

        /// - Parameters:
        ///   - seconds: How long it lasts, above 0.
        ///   - requests: Per second.
        ///   - errors: Share, 0…1.
        package init(seconds: Double, requests: Double, errors: Double) {
            self.seconds = seconds
            self.requests = requests
            self.errors = errors
        }
    }

    package init() {}

    /// The same traffic with a version whose errors are so many times stable's.
    package func with(errorsTimes factor: Double) -> TrafficModel {
        var model = self
        model.canaryErrors = min(baseErrors * factor, 1)
        return model
    }

    /// Whether nothing is wrong with the canary that a rollback would be right for.
    package var isHealthy: Bool { canaryErrors <= baseErrors && canaryLatency <= 1 && underLoad == nil }

    /// The share of answers slower than a bound, s.
    func slower(than bound: Double, times factor: Double) -> Double {
        erfc(log(bound / (latency * factor)) / latencySpread / sqrt(2)) / 2
    }

    /// A sample's quantile of the answer times, s, as it comes out among so many.
    func quantile(_ quantile: Double, of count: Double, times factor: Double, _ random: inout SplitMix64) -> Double {
        guard count >= 1 else { return .nan }
        let spread = sqrt(quantile * (1 - quantile) / count)
        let place = min(max(quantile + spread * random.normal(), 0.5 / count), 1 - 0.5 / count)
        return latency * factor * exp(latencySpread * NormalQuantile.value(min(max(place, 1e-9), 1 - 1e-9)))
    }

    func mean(of count: Double, times factor: Double, _ random: inout SplitMix64) -> Double {
        guard count >= 1 else { return .nan }
        let variance = exp(latencySpread * latencySpread) - 1
        return latency * factor * exp(latencySpread * latencySpread / 2)
            * max(1 + sqrt(variance / count) * random.normal(), 0.1)
    }
}

/// Counts of one metric's measurements.
package struct Tally: Hashable, Sendable {
    package var failed = 0
    package var inconclusive = 0
    package var consecutiveErrors = 0
    package var consecutiveSuccesses = 0
    /// What `count` is compared with: measurements that gave a verdict. Errors do not use it up.
    package var counted = 0
    package var total = 0

    package init() {}

    /// Counts one measurement.
    package mutating func add(_ phase: MeasurementPhase, countsNoDataAsErrors: Bool = false) {
        total += 1
        switch phase {
        case .successful:
            counted += 1
            consecutiveSuccesses += 1
            consecutiveErrors = 0
        case .failed:
            counted += 1
            failed += 1
            (consecutiveSuccesses, consecutiveErrors) = (0, 0)
        case .inconclusive:
            counted += 1
            inconclusive += 1
            (consecutiveSuccesses, consecutiveErrors) = (0, 0)
        case .error:
            consecutiveErrors += 1
            consecutiveSuccesses = 0
        case .noData where countsNoDataAsErrors:
            consecutiveErrors += 1
            consecutiveSuccesses = 0
        case .noData:
            consecutiveSuccesses = 0
        }
    }
}

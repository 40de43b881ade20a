internal import func Glibc.exp
internal import func Glibc.sqrt

/// A mean with its 95 % interval, from sums that can be added.
package struct Moments: Hashable, Sendable {
    package private(set) var count = 0.0
    private var sum = 0.0
    private var squares = 0.0

    package init() {}

    /// Counts one value.
    package mutating func add(_ value: Double) {
        count += 1
        sum += value
        squares += value * value
    }

    /// Adds another's values.
    package mutating func add(_ other: Moments) {
        count += other.count
        sum += other.sum
        squares += other.squares
    }

    /// The mean; nil without values.
    package var mean: Double? { count > 0 ? sum / count : nil }

    /// Half the width of the 95 % interval, from the normal distribution; nil for fewer than 2 values.
    package var margin: Double? {
        guard count > 1 else { return nil }
        let variance = max(squares - sum * sum / count, 0) / (count - 1)
        return 1.96 * sqrt(variance / count)
    }
}

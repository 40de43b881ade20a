/// A share of the traffic in basis points: 2,500 is 25 %. The finest step is 0.01 %.
package struct Weight: Hashable, Comparable, Sendable {
    package static let zero = Weight(unchecked: 0)
    package static let full = Weight(unchecked: 10_000)

    package let basisPoints: Int

    /// - Returns: nil outside `0...10_000`.
    package init?(basisPoints: Int) {
        guard (0...10_000).contains(basisPoints) else { return nil }
        self.basisPoints = basisPoints
    }

    /// - Parameter percent: 0…100, in whole hundredths: nothing is rounded without the user's knowledge.
    /// - Returns: nil for any other number.
    package init?(percent: Double) {
        let points = (percent * 100).rounded()
        guard percent.isFinite, abs(percent * 100 - points) < 1e-6, let whole = Int(exactly: points) else { return nil }
        self.init(basisPoints: whole)
    }

    private init(unchecked basisPoints: Int) { self.basisPoints = basisPoints }

    /// 0…1.
    package var fraction: Double { Double(basisPoints) / 10_000 }

    /// Whether both versions have traffic.
    package var isConcurrent: Bool { self > .zero && self < .full }

    package var complement: Weight { Weight(unchecked: 10_000 - basisPoints) }

    /// `25 %`, `12.5 %`, `0.01 %`.
    package var text: String {
        let fraction = basisPoints % 100
        guard fraction != 0 else { return "\(basisPoints / 100) %" }
        let digits = fraction % 10 == 0 ? "\(fraction / 10)" : (fraction < 10 ? "0\(fraction)" : "\(fraction)")
        return "\(basisPoints / 100).\(digits) %"
    }

    /// A smaller share is less.
    package static func < (left: Weight, right: Weight) -> Bool { left.basisPoints < right.basisPoints }
}

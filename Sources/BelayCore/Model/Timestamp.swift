/// A moment, in whole milliseconds since 1970-01-01 UTC. Journaled deadlines outlive a reboot, hence wall time.
package struct Timestamp: Hashable, Sendable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }
}

extension Timestamp: InstantProtocol {
    /// The moment so much later; a part of a millisecond is dropped.
    package func advanced(by duration: Duration) -> Timestamp {
        Timestamp(milliseconds: milliseconds + duration.wholeMilliseconds)
    }

    /// From this moment to another; negative where that is earlier.
    package func duration(to other: Timestamp) -> Duration { .milliseconds(other.milliseconds - milliseconds) }

    /// Earlier is less.
    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }
}

extension Duration {
    /// Whole milliseconds, the fraction cut off. A duration beyond 292 million years does not fit.
    package var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }

    /// With a fraction of milliseconds.
    package var inSeconds: Double { Double(wholeMilliseconds) / 1000 }

    /// The exact duration in the file's own notation, the largest unit first: `1m30s`, `5m`, `1h30m`, `250ms`.
    package var text: String {
        var rest = wholeMilliseconds
        guard rest != 0 else { return "0s" }
        var parts = rest < 0 ? "-" : ""
        rest = abs(rest)
        for (unit, size) in [("h", Int64(3_600_000)), ("m", 60_000), ("s", 1000), ("ms", 1)] where rest >= size {
            parts += "\(rest / size)\(unit)"
            rest %= size
        }
        return parts
    }

    /// Reads `90s`, `5m`, `1h30m`, `1.5s`, `250ms` or a bare number of seconds as Argo does.
    /// - Returns: nil for anything else, a negative duration, and one longer than ten years.
    package init?(text: String) {
        if let seconds = Int64(text), (0...315_360_000).contains(seconds) {
            self = .seconds(seconds)
            return
        }
        let units: [String: Double] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        var total = 0.0
        var rest = Substring(text)
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let number = Double(digits), let size = units[String(unit)] else { return nil }
            total += number * size
        }
        guard total.isFinite, total <= 315_360_000_000 else { return nil }
        self = .milliseconds(Int64(total.rounded()))
    }
}

internal import func Glibc.log
internal import func Glibc.sqrt

/// Brent's root finder, iteration by iteration as R's `zeroin` has it.
/// Source: R, `src/library/stats/src/zeroin.c`.
enum Brent {
    private static let tolerance = 1e-4
    private static let iterations = 1001

    /// - Returns: nil where the function has no value at some point.
    static func root(_ from: Double, _ to: Double, _ function: (Double) -> Double?) -> Double? {
        var (a, b) = (from, to)
        guard var fa = function(a), var fb = function(b) else { return nil }
        var (c, fc) = (a, fa)
        if abs(fa) <= .ulpOfOne { return a }
        if abs(fb) <= .ulpOfOne { return b }
        for _ in 0..<iterations {
            let previous = b - a
            if abs(fc) < abs(fb) {
                (a, b, c) = (b, c, b)
                (fa, fb, fc) = (fb, fc, fb)
            }
            let tolerance = 2 * .ulpOfOne * abs(b) + Self.tolerance / 2
            var step = (c - b) / 2
            if abs(step) <= tolerance || fb == 0 { return b }
            if abs(previous) >= tolerance, abs(fa) > abs(fb) {
                step = interpolated(a, b, c, fa, fb, fc, previous, tolerance) ?? step
            }
            if abs(step) < tolerance { step = step > 0 ? tolerance : -tolerance }
            (a, fa) = (b, fb)
            b += step
            guard let value = function(b) else { return nil }
            fb = value
            if fb > 0 && fc > 0 || fb < 0 && fc < 0 { (c, fc) = (a, fa) }
        }
        return b
    }

    /// A linear or quadratic step, where it is good enough to be taken.
    private static func interpolated(
        _ a: Double, _ b: Double, _ c: Double, _ fa: Double, _ fb: Double, _ fc: Double, _ previous: Double,
        _ tolerance: Double
    ) -> Double? {
        let cb = c - b
        var (p, q): (Double, Double)
        if a == c {
            let ratio = fb / fa
            (p, q) = (cb * ratio, 1 - ratio)
        } else {
            let (qa, t1, t2) = (fa / fc, fb / fc, fb / fa)
            p = t2 * (cb * qa * (qa - t1) - (b - a) * (t1 - 1))
            q = (qa - 1) * (t1 - 1) * (t2 - 1)
        }
        if p > 0 { q = -q } else { p = -p }
        return p < 0.75 * cb * q - abs(tolerance * q) / 2 && p < abs(previous * q / 2) ? p / q : nil
    }
}

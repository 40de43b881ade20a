internal import func Glibc.cos
internal import func Glibc.exp
internal import func Glibc.lgamma
internal import func Glibc.log
internal import func Glibc.pow
internal import func Glibc.sqrt

extension SplitMix64 {
    /// In 0…1, both exclusive.
    package mutating func uniform() -> Double { (Double(next() >> 11) + 0.5) / 0x1p53 }

    /// Standard normal, by Box and Muller.
    package mutating func normal() -> Double { sqrt(-2 * log(uniform())) * cos(2 * .pi * uniform()) }

    /// A count with that mean.
    ///
    /// Source: Hörmann, The transformed rejection method for generating Poisson random variables (1993), PTRS; products
    /// of uniforms below its range.
    package mutating func poisson(_ mean: Double) -> Double {
        guard mean > 0 else { return 0 }
        guard mean >= 10 else {
            let limit = exp(-mean)
            var (count, product) = (0.0, uniform())
            while product > limit { (count, product) = (count + 1, product * uniform()) }
            return count
        }
        let b = 0.931 + 2.53 * sqrt(mean)
        let a = -0.059 + 0.02483 * b
        let scale = 1.1239 + 1.1328 / (b - 3.4)
        let shortcut = 0.9277 - 3.6224 / (b - 2)
        while true {
            let (u, v) = (uniform() - 0.5, uniform())
            let edge = 0.5 - abs(u)
            let count = ((2 * a / edge + b) * u + mean + 0.43).rounded(.down)
            if edge >= 0.07, v <= shortcut { return count }
            if count < 0 || edge < 0.013 && v > edge { continue }
            let bound = -mean + count * log(mean) - lgamma(count + 1)
            if log(v * scale / (a / (edge * edge) + b)) <= bound { return count }
        }
    }

    /// A factor with mean 1 and that variance.
    /// Source: Marsaglia and Tsang, A simple method for generating gamma variables (2000).
    package mutating func noise(variance: Double) -> Double {
        guard variance > 0 else { return 1 }
        let shape = 1 / variance
        // The method needs a shape of 1 or more. Below that it draws for the shape plus 1, and a power of a uniform
        // number corrects the result.
        let boost = shape < 1 ? pow(uniform(), 1 / shape) : 1
        let d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3
        let c = 1 / sqrt(9 * d)
        while true {
            let x = normal()
            let cube = (1 + c * x) * (1 + c * x) * (1 + c * x)
            if cube > 0, log(uniform()) < 0.5 * x * x + d - d * cube + d * log(cube) {
                return d * cube * boost / shape
            }
        }
    }
}

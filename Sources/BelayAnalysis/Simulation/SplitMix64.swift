/// Deterministic random numbers, with functions of our own: the standard library promises none of its algorithms.
/// Source: https://prng.di.unimi.it/splitmix64.c
package struct SplitMix64: Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    /// 64 bits, each value as likely as any other.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// `0..<bound`; the bias of at most bound / 2⁶⁴ does not matter here.
    package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    /// True once in `chances` on average.
    package mutating func once(in chances: Int) -> Bool { below(chances) == 0 }

    /// A number in `low...high`, both included.
    package mutating func between(_ low: Int, _ high: Int) -> Int { low + below(high - low + 1) }

    /// One of the items, each as likely; there has to be one.
    package mutating func pick<Item>(_ items: [Item]) -> Item { items[below(items.count)] }
}

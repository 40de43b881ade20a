/// A canary share that the router is to be set to.
package struct TrafficWrite: Hashable, Sendable {
    /// Which way a write goes.
    package enum Kind: Hashable, Sendable {
        /// Conditional: only while the lease is ours and no newer version was committed.
        case forward
        /// Stable 100 %, at once and on all instances; then fenced against a late writer.
        case wayBack
    }

    package let share: Weight
    package let kind: Kind
    /// The shares a forward write may replace; anything else is another hand's, and is left as it is.
    package let expecting: [Weight]

    package init(share: Weight, kind: Kind, expecting: [Weight] = []) {
        self.share = share
        self.kind = kind
        self.expecting = expecting
    }
}

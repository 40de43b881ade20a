/// A lease as its store gives it.
package struct LeaseGrant: Hashable, Sendable {
    package let epoch: Int
    /// How long the lease is good, counted from the moment at which it was asked for.
    package let life: Duration

    package init(epoch: Int, life: Duration = Lease.life) {
        self.epoch = epoch
        self.life = life
    }
}

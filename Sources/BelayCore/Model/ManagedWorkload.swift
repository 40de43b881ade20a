/// A target that runs both versions by itself.
package struct ManagedWorkload: Hashable, Sendable {
    /// Stable is brought to the new revision by the adoption and then gets all traffic back, and the canary goes away. Where this is
    /// false, the roles are swapped: the canary is the stable side of the next release.
    package var comesHome: Bool
    /// So long the canary stays after the way back, without traffic; zero: it goes at once.
    package var keepCanary: Duration = .zero

    package init(comesHome: Bool) { self.comesHome = comesHome }
}

/// What is pending now.
package struct Work: Hashable, Sendable {
    /// An action that has begun: one try, and what is to be done.
    package struct Action: Hashable, Sendable {
        package let run: ActionRun
        package let deed: Deed

        package init(_ run: ActionRun, _ deed: Deed) { (self.run, self.deed) = (run, deed) }
    }

    /// What an action does.
    package enum Deed: Hashable, Sendable {
        /// Mark the target as ours under the present epoch, with that side as the stable one, and read what it holds.
        case claim(epoch: Int, ClaimKind, stable: Side)
        /// Let the mark name that side as the stable one.
        case handOver(to: Side)
        /// Let what is left on that side end, and cut it after the drain's bound where that can be; before that the side stays as it is
        /// for so long.
        case drain(Side, after: Duration = .zero)
        /// Take the mark away.
        case release(Ending)
        /// Run a program of the user's to its end.
        case command(CommandAction)
        /// What the target does by itself: bring the new version to a side, wait until it is ready, adopt, bring the traffic
        /// home, stop a version. `limit`: how long that may take.
        case own(ActionKind, limit: Duration)
    }

    /// What has to be found where the mark is set.
    package enum ClaimKind: Hashable, Sendable {
        case first
        /// The mark of an earlier epoch has to be there. Where it is not, somebody took it away, and the new mark says
        /// so.
        case takeover
        /// What is left is to take the mark away. Where it is gone already, none is set.
        case closing
    }

    /// What has ended before the mark is taken away.
    package enum Ending: Hashable, Sendable {
        /// The canary is the stable side from now on.
        case adoption
        /// Everything is on stable: it has to be seen once more, after all writes. `hadTraffic`: the canary's side may have
        /// had requests.
        case wayBack(hadTraffic: Bool)
    }

    package var traffic: TrafficWrite?
    package var action: Action?
    /// The metrics that are due, by their place in the plan.
    package var measurements: [Int] = []
    /// The router is to be read back, every second.
    package var readsRouter = false
    /// The next moment anything falls due by itself.
    package var next: Timestamp?
    /// For ten minutes what a closing rollout has to do next was not done: the driver leaves, the intent stays for the
    /// next one.
    package var givesUp = false

    package init() {}
}

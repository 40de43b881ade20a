/// What falls due by time alone.
enum Deadline: Hashable {
    /// The rollout's own limit.
    case rollout
    /// A pause that nobody ended.
    case pause
    /// The router is out of reach for too long.
    case reach
    /// The wanted share, or the mark, is not confirmed.
    case confirmation
    /// A program of the user's has not ended after its time.
    case program
    /// A gate has given no answer at all.
    case silence(metric: Int)
    /// Gates answer too seldom to make a hold.
    case unwatched
    /// A gate has seen no request of the canary.
    case idleness(metric: Int)
    /// What a closing rollout has to do next is not done: a person is called.
    case help
    /// It is still not done much later: the driver leaves, and the intent stays for the next one.
    case givingUp
}

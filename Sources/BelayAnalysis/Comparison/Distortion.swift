/// Why what a target's counters say between two scrapes is not counted. Evidence may be lost, never invented: where it
/// cannot be known what happened, good and bad requests of that target are left out together.
package enum Distortion: Hashable, Sendable {
    /// Series ended as others began: the same counters under new labels, or other counters.
    case renamed
    /// A target appears at a known address under other labels; what lies between its scrapes and the earlier ones is lost.
    case appeared
    /// A series went away while its siblings went on.
    case ended
    /// Two processes answer behind one address: a counter fell and was back at its old height, or the start time of the
    /// process went back and forth.
    case alternating
    /// A counter fell to a height that no restart explains.
    case replaced
    /// More requests than all the traffic seen so far explains.
    case jumped
    /// More bad requests than requests.
    case badExceedsAll

    /// What happened, for people; the subject is the target.
    var text: String {
        switch self {
        case .renamed: "its series changed their labels"
        case .appeared: "it appeared there under other labels"
        case .ended: "one of its series ended"
        case .alternating: "two processes answer there in turn"
        case .replaced: "its counters fell to a height that no restart explains"
        case .jumped: "its counters jumped by more than the traffic explains"
        case .badExceedsAll: "it counted more bad requests than requests"
        }
    }
}

/// How a try at an action ended.
package enum ActionEnd: Hashable, Sendable {
    case done
    case failed(String)
    /// The driver ended before the action did, so nobody knows whether the action was done.
    case interrupted
    /// A person counts it as done.
    case assumed
}

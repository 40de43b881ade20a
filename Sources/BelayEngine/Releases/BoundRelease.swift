package import BelayCore

/// A plan that is bound to the live target.
package struct BoundRelease {
    package let plan: Plan
    /// The same release with the roles swapped, so that its queries ask about stable. nil where that cannot be
    /// compiled, or where a frozen plan runs again.
    package let mirrored: Plan?
    package let survey: Survey
    package let kit: any TargetKit

    /// Why the canary's side cannot serve now, so that a raise would be refused; nil where it can. It is nil, too, for
    /// a release that deploys by itself, since nothing has to be there yet: the router looks again before each raise.
    package var deadCanary: String? {
        plan.target.workload.command?.deploy == nil ? survey.cannotServe[plan.canary.name] : nil
    }

    /// - Throws: ``ReleaseRefusal`` `.invalid` where the canary's side can serve nothing.
    package func checkCanServe() throws(ReleaseRefusal) {
        guard let dead = deadCanary else { return }
        throw ReleaseRefusal(.invalid, "the canary's side cannot serve: \(dead); nothing was touched")
    }
}

package import BelayCore

/// What is to be released, before anybody knows which side is stable.
package struct ReleaseRequest {
    /// The plan under these roles, for a target of that identity.
    /// - Throws: ``ReleaseRefusal`` with everything that is wrong with templates and arguments.
    package typealias Compile = (Roles, _ identity: String) throws(ReleaseRefusal) -> Plan

    package let traffic: Traffic
    package let compile: Compile

    package init(traffic: Traffic, compile: @escaping Compile) {
        self.traffic = traffic
        self.compile = compile
    }
}

/// A plan that is bound to the live target.
package struct BoundRelease {
    package let plan: Plan
    /// The same with the roles changed: what its queries say of stable. nil where it cannot be compiled.
    package let mirrored: Plan?
    package let survey: Survey
    package let kit: any TargetKit

    /// Why a raise to the canary's side would be refused now: it can serve nothing.
    package var deadCanary: String? { survey.cannotServe[plan.canary.name] }

    /// - Throws: ``ReleaseRefusal`` `.invalid` where the canary's side can serve nothing.
    package func checkCanServe() throws(ReleaseRefusal) {
        guard let dead = deadCanary else { return }
        throw ReleaseRefusal(.invalid, "the canary's side cannot serve: \(dead); nothing was touched")
    }
}

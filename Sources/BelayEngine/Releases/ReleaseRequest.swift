package import BelayCore

/// What is to be released, before anybody knows which side is stable.
package struct ReleaseRequest {
    /// Compiles the plan under these roles, for a target of that identity.
    /// - Throws: ``ReleaseRefusal`` with everything that is wrong with templates and arguments.
    package typealias Compile = (Roles, _ identity: String) throws(ReleaseRefusal) -> Plan

    package let traffic: Traffic
    package let compile: Compile

    package init(traffic: Traffic, compile: @escaping Compile) {
        self.traffic = traffic
        self.compile = compile
    }
}

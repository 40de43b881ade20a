package import BelayCore
package import BelayEngine

/// The kit of a target that is a map of HAProxy.
package struct HAProxyKit: TargetKit {
    private let target: HAProxyTraffic

    /// - Parameter target: As a file describes it.
    package init(_ target: HAProxyTraffic) { self.target = target }

    private var owner: OwnerFile { OwnerFile(of: target.mapFile, key: target.key) }
    package var ownership: any TargetOwnership { owner }
    package var actions: any ActionRunner { TargetPrograms(owner) }
    /// As its protocol says.
    package func survey() async -> Survey { await HAProxySurvey.look(at: target) }

    /// As its protocol says.
    package func router(_ roles: Roles, original: JSONValue, _ clock: any EngineClock) -> any TrafficRouter {
        HAProxyRouter(target: target, roles: roles, clock: clock)
    }

    /// As its protocol says.
    package func value(for secondShare: Weight) -> Int { secondShare.basisPoints }
    /// As its protocol says.
    package func words(for share: Weight, _ roles: Roles, reach: Reach) -> String {
        "\(target.key) = \(value(for: roles.mirrored(share)))"
    }
    package var writeWords: String { "on \(target.sockets.count) instance(s), read back, then the file" }

    /// As its protocol says.
    package func wayBackWords(to secondShare: Weight) -> String {
        "`set map` to \(secondShare.basisPoints) at once on all instances, read back, fenced"
    }
}

internal import BelayCore
internal import BelayEngine

/// HAProxy for those who ask before, beside and after a drive.
struct HAProxyKit: TargetKit {
    private let target: HAProxyTraffic

    init(_ target: HAProxyTraffic) { self.target = target }

    var ownership: any TargetOwnership { OwnerFile(of: target.mapFile, key: target.key) }
    func survey() async -> Survey { await HAProxySurvey.take(of: target) }

    func router(_ roles: Roles, _ clock: any EngineClock) -> any TrafficRouter {
        HAProxyRouter(target: target, roles: roles, clock: clock)
    }

    func value(for secondShare: Weight) -> Int { secondShare.basisPoints }
    func words(for secondShare: Weight) -> String { "\(target.key) = \(secondShare.basisPoints)" }
    var writeWords: String { "on \(target.sockets.count) instance(s), read back, then the file" }

    func wayBackWords(to secondShare: Weight) -> String {
        "`set map` to \(secondShare.basisPoints) at once on all instances, read back, fenced"
    }
}

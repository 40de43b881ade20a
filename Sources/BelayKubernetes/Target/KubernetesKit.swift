package import BelayCore
package import BelayEngine
internal import BelayPlatform

/// The kit of a Service with the Deployments behind it.
package struct KubernetesKit: TargetKit {
    private let target: ClusterTarget
    private let client: Result<KubernetesClient, KubernetesError>
    private let marks: ClusterMarks
    private let programs: (any ActionRunner)?

    /// - Parameters:
    ///   - target: As a file describes it.
    ///   - programs: Runs the steps' programs; nil where nothing is driven.
    package init(_ target: ClusterTarget, programs: (any ActionRunner)? = nil) {
        (self.target, self.programs) = (target, programs)
        client = Result { () throws(KubernetesError) in try Self.client(target) }
        let namespace = target.namespace ?? (try? client.get().access.namespace) ?? ""
        marks = ClusterMarks(client: client, target: target, namespace: namespace)
    }

    private static func client(_ target: ClusterTarget) throws(KubernetesError) -> KubernetesClient {
        let context = target.context == inCluster ? nil : target.context
        let access = try ClusterAccess.find(context: context)
        if let server = target.server, server != access.server {
            throw KubernetesError(
                .configuration,
                "context \(access.context) of \(access.origin) leads to \(access.server), and the release is at \(server)"
            )
        }
        return KubernetesClient(access, read: { try ClusterAccess.readFile($0) })
    }

    private static let inCluster = "in-cluster"

    /// The target with what is known of its place: server, context and namespace, so that whoever goes on with the release finds the
    /// same ones.
    /// - Throws: ``KubernetesError`` `.configuration`.
    package static func located(_ target: ClusterTarget) throws(KubernetesError) -> ClusterTarget {
        let access = try ClusterAccess.find(context: target.context)
        var located = target
        (located.server, located.context) = (access.server, access.context)
        located.namespace = target.namespace ?? access.namespace
        return located
    }

    /// The target of the release that is under way on a Deployment, as the cluster itself has it.
    /// - Parameters:
    ///   - namespace: nil: the context's.
    ///   - context: nil: the current one.
    /// - Throws: ``KubernetesError``; `.notFound` where none is under way.
    package static func underWay(
        on deployment: String, namespace: String?, context: String?
    ) async throws -> ClusterTarget {
        let access = try ClusterAccess.find(context: context)
        let client = KubernetesClient(access, read: { try ClusterAccess.readFile($0) })
        defer { client.shutdown() }
        var target = try await ClusterMarks.target(of: deployment, namespace ?? access.namespace, client)
        (target.context, target.server) = (access.context, access.server)
        target.revision = nil  // Whoever comes so rescues, and releases nothing.
        return target
    }

    package var ownership: any TargetOwnership { marks }
    package var actions: any ActionRunner { programs ?? NoPrograms() }

    /// As its protocol says.
    package func survey() async -> Survey {
        switch client {
        case .failure(let error):
            var survey = Survey()
            survey.invalid(error.message)
            return survey
        case .success(let client): return await ClusterSurveyor(client, target).survey()
        }
    }

    /// As its protocol says.
    package func router(_ roles: Roles, original: JSONValue, _ clock: any EngineClock) -> any TrafficRouter {
        ClusterRouter(client, target, ClusterFacts(json: original), roles, marks, clock)
    }

    /// As its protocol says.
    package func value(for secondShare: Weight) -> Int { secondShare.basisPoints / 100 }

    /// As its protocol says.
    package func words(for share: Weight, _ roles: Roles, reach: Reach) -> String {
        let (stable, canary) = (roles.stable(of: target.sides).backend, roles.canary(of: target.sides).backend)
        if case .beside(let count) = reach, share < .full {
            let pods = reach.units(for: share)
            return "\(pods) pod\(pods == 1 ? "" : "s") of \(canary) beside \(count) of \(stable)"
        }
        if case .stated(let counts) = reach {
            guard let stated = counts.first(where: { $0.share == share }) else {
                return "all pods of \(stable) as they were, and none of \(canary)"
            }
            return
                "\(stated.stable) of \(stable) and \(stated.canary) of \(canary), \(stated.stable + stated.canary) pods in all"
        }
        return "the selector of Service \(target.service) leads to \(share == .full ? canary : stable)"
    }

    package var writeWords: String { "(one patch with tests, confirmed by the endpoints)" }

    /// As its protocol says.
    package func wayBackWords(to secondShare: Weight) -> String {
        if target.isCounted {
            let roles = Roles(canaryIsSecond: secondShare == .zero)
            let (stable, canary) = (roles.stable(of: target.sides).backend, roles.canary(of: target.sides).backend)
            return
                "\(stable) gets its pods back, and those of \(canary) go as these become ready, confirmed by the endpoints"
        }
        return wayBackWords
    }

    /// As its protocol says.
    package func versionBefore(_ original: JSONValue, _ roles: Roles) -> String? {
        ClusterFacts(json: original)?.deployments[roles.canaryIsSecond ? 0 : 1].image
    }

    /// As its protocol says.
    package func versionReleased(_ original: JSONValue, _ roles: Roles) -> String? {
        guard let facts = ClusterFacts(json: original) else { return nil }
        return ClusterClone(target: target, facts: facts)
            .image(after: facts.deployments[roles.canaryIsSecond ? 0 : 1].image)
    }

    private var wayBackWords: String {
        "the selector of Service \(target.service) as it was, in one patch\(target.switchesService ? "" : ", then no pod of the canary"), "
            + "confirmed by the endpoints"
    }
}

/// For a kit that drives nothing.
private struct NoPrograms: ActionRunner {
    func perform(_ command: CommandAction, as run: ActionRun, of rollout: String) async -> String? {
        "this process drives nothing"
    }
}

internal import BelayCore
internal import BelayKubernetes
internal import BelaySpec

/// Finds out which cluster and which namespace a file means, before anything else is asked.
enum ClusterPlace {
    /// The same release, located; a file that names no cluster stays as it is.
    /// - Throws: ``CommandFailure`` 2 where the cluster is not known or where the file asks for what this version cannot do.
    static func locate(_ spec: RolloutSpec) throws(CommandFailure) -> RolloutSpec {
        guard let cluster = spec.cluster else { return spec }
        return spec.located(try locate(cluster) { spec.place(of: $0) })
    }

    /// The same for the traffic alone.
    static func locate(_ traffic: Traffic) throws(CommandFailure) -> Traffic {
        guard case .cluster(let target) = traffic else { return traffic }
        return .cluster(try locate(target) { $0 })
    }

    private static func locate(
        _ target: ClusterTarget, _ place: (String) -> String
    ) throws(CommandFailure) -> ClusterTarget {
        if case .one(_, clone: false) = target.deployments {
            throw CommandFailure(
                .invalid,
                "\(place("workload.kubernetes.mode")): `inPlace` comes with a later version; `clone` is what there is; nothing was touched"
            )
        }
        do throws(KubernetesError) {
            return try KubernetesKit.located(target)
        } catch {
            throw CommandFailure(
                .invalid, "\(place("workload.kubernetes.context")): \(error.message); nothing was touched")
        }
    }
}

internal import BelayCore
internal import BelayEngine
internal import BelayKubernetes
internal import BelayRouters

/// The registry: what drives a target of each vendor.
enum Kits {
    /// What drives that target.
    /// - Parameter store: The journal's path, beside which a cluster's programs have their lock; nil where nothing is driven.
    static func kit(for traffic: Traffic, store: String? = nil) -> any TargetKit {
        switch traffic {
        case .haproxy(let target): HAProxyKit(target)
        case .file(let target): FileKit(target)
        case .cluster(let target):
            KubernetesKit(
                target, programs: store.map { TargetPrograms(beside: $0, of: Releases.identity(of: traffic)) })
        }
    }
}

internal import BelayCore
internal import BelayEngine
internal import BelayKubernetes
internal import BelayRouters

/// The registry: what drives a target of each vendor.
enum Kits {
    /// What drives that target.
    static func kit(for traffic: Traffic) -> any TargetKit {
        switch traffic {
        case .haproxy(let target): HAProxyKit(target)
        case .file(let target): FileKit(target)
        case .cluster(let target): KubernetesKit(target)
        }
    }
}

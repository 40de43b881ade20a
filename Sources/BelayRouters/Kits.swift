package import BelayCore
package import BelayEngine

/// The registry: what drives a target of each vendor.
package enum Kits {
    package static func kit(for traffic: Traffic) -> any TargetKit {
        switch traffic {
        case .haproxy(let target): HAProxyKit(target)
        case .file(let target): FileKit(target)
        }
    }
}

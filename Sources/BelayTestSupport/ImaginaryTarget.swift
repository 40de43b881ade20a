package import BelayCore

extension Target {
    /// A target that no test ever reaches: its value is a vendor's, and nothing of that is looked at.
    package static func imaginary(_ sides: Sides, identity: String = "t") -> Target {
        Target(
            traffic: .haproxy(HAProxyTraffic(sockets: ["/s"], mapFile: "/m", key: "k", sides: sides)),
            identity: identity)
    }
}

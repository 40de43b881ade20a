package import BelayCore

extension Target {
    /// A target that no test ever connects to. It has to be a value of some vendor, but no test looks at that part.
    package static func imaginary(_ sides: Sides, identity: String = "t") -> Target {
        Target(
            traffic: .haproxy(HAProxyTraffic(sockets: ["/s"], mapFile: "/m", key: "k", sides: sides)),
            identity: identity)
    }
}

internal import BelaySpec

/// The strategies and templates inside the binary. There is no list in the generated code: a test compares this table
/// with the folders.
enum ReadyFiles {
    static let strategies: [String: [UInt8]] = [
        "blue-green": PackageResources.blue_green_yaml,
        "canary-10-25-50-100": PackageResources.canary_10_25_50_100_yaml,
        "canary-evidence": PackageResources.canary_evidence_yaml,
        "canary-linear-10": PackageResources.canary_linear_10_yaml,
        "quick": PackageResources.quick_yaml,
    ]

    static let templates: [String: [UInt8]] = [
        "app-compare-errors": PackageResources.app_compare_errors_yaml,
        "app-compare-latency": PackageResources.app_compare_latency_yaml,
        "app-error-rate": PackageResources.app_error_rate_yaml,
        "app-latency": PackageResources.app_latency_yaml,
        "haproxy-compare-errors": PackageResources.haproxy_compare_errors_yaml,
        "haproxy-error-rate": PackageResources.haproxy_error_rate_yaml,
        "haproxy-latency": PackageResources.haproxy_latency_yaml,
        "haproxy-retry-rate": PackageResources.haproxy_retry_rate_yaml,
    ]

    static func files(_ kind: SpecKind) -> [String: [UInt8]] {
        switch kind {
        case .rollout: [:]
        case .strategy: strategies
        case .analysisTemplate: templates
        }
    }

    static func source(_ kind: SpecKind, _ name: String) -> SpecSource? {
        files(kind)[name].map { SpecSource(file: "(built in) \(name).yaml", text: String(decoding: $0, as: UTF8.self)) }
    }
}

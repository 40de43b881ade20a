internal import BelaySpec

/// The strategies and templates inside the binary. The generated code has no list of them, so this table names each; a
/// test compares it with the folders.
enum ReadyFiles {
    static let strategies: [String: [UInt8]] = [
        "blue-green": PackageResources.blue_green_yaml,
        "canary-10-25-50-100": PackageResources.canary_10_25_50_100_yaml,
        "canary-evidence": PackageResources.canary_evidence_yaml,
        "canary-linear-10": PackageResources.canary_linear_10_yaml,
        "canary-pods-5-3-1": PackageResources.canary_pods_5_3_1_yaml,
        "quick": PackageResources.quick_yaml,
    ]

    static let templates: [String: [UInt8]] = [
        "apisix-error-rate": PackageResources.apisix_error_rate_yaml,
        "apisix-latency": PackageResources.apisix_latency_yaml,
        "app-compare-errors": PackageResources.app_compare_errors_yaml,
        "app-compare-latency": PackageResources.app_compare_latency_yaml,
        "app-error-rate": PackageResources.app_error_rate_yaml,
        "app-kayenta": PackageResources.app_kayenta_yaml,
        "app-latency": PackageResources.app_latency_yaml,
        "app-split": PackageResources.app_split_yaml,
        "caddy-error-rate": PackageResources.caddy_error_rate_yaml,
        "caddy-latency": PackageResources.caddy_latency_yaml,
        "contour-compare-errors": PackageResources.contour_compare_errors_yaml,
        "contour-error-rate": PackageResources.contour_error_rate_yaml,
        "contour-latency": PackageResources.contour_latency_yaml,
        "envoy-compare-errors": PackageResources.envoy_compare_errors_yaml,
        "envoy-error-rate": PackageResources.envoy_error_rate_yaml,
        "envoy-latency": PackageResources.envoy_latency_yaml,
        "envoy-retry-rate": PackageResources.envoy_retry_rate_yaml,
        "envoy-split": PackageResources.envoy_split_yaml,
        "haproxy-compare-errors": PackageResources.haproxy_compare_errors_yaml,
        "haproxy-error-rate": PackageResources.haproxy_error_rate_yaml,
        "haproxy-latency": PackageResources.haproxy_latency_yaml,
        "haproxy-retry-rate": PackageResources.haproxy_retry_rate_yaml,
        "haproxy-server-error-rate": PackageResources.haproxy_server_error_rate_yaml,
        "haproxy-split": PackageResources.haproxy_split_yaml,
        "ingress-nginx-compare-errors": PackageResources.ingress_nginx_compare_errors_yaml,
        "ingress-nginx-error-rate": PackageResources.ingress_nginx_error_rate_yaml,
        "ingress-nginx-latency": PackageResources.ingress_nginx_latency_yaml,
        "istio-compare-errors": PackageResources.istio_compare_errors_yaml,
        "istio-error-rate": PackageResources.istio_error_rate_yaml,
        "istio-latency": PackageResources.istio_latency_yaml,
        "kong-error-rate": PackageResources.kong_error_rate_yaml,
        "kong-latency": PackageResources.kong_latency_yaml,
        "linkerd-compare-errors": PackageResources.linkerd_compare_errors_yaml,
        "linkerd-error-rate": PackageResources.linkerd_error_rate_yaml,
        "linkerd-latency": PackageResources.linkerd_latency_yaml,
        "traefik-compare-errors": PackageResources.traefik_compare_errors_yaml,
        "traefik-error-rate": PackageResources.traefik_error_rate_yaml,
        "traefik-latency": PackageResources.traefik_latency_yaml,
        "traefik-retry-rate": PackageResources.traefik_retry_rate_yaml,
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

internal import Foundation
internal import Glibc

extension Rig {
    /// The recommended configuration: one map value, one request, one decision.
    func haproxyConfig(stats: Int, frontend: Int, socket: String, blue: Int, green: Int, redispatch: Bool) -> String {
        """
        global
            stats socket \(socket) mode 660 level admin expose-fd listeners
            nbthread 2
        defaults
            mode http
            timeout connect 500ms
            timeout client 30s
            timeout server 30s
            timeout http-keep-alive 30s
            option idle-close-on-response
            \(redispatch ? "retries 2\n    option redispatch 1" : "retries 1")
        frontend app
            bind 127.0.0.1:\(frontend)
            http-request set-var(txn.w) str(app),map_str_int(\(mapFile),0)
            http-request set-var(txn.b) rand(10000)
            http-request set-var(txn.side) str(blue)
            http-request set-var(txn.side) str(green) if { var(txn.b),sub(txn.w) lt 0 }
            http-response set-header X-Side %[var(txn.side)]
            use_backend app_%[var(txn.side)]
        frontend ops
            bind 127.0.0.1:\(stats)
            http-request use-service prometheus-exporter if { path /metrics }
        backend app_blue
            server blue 127.0.0.1:\(blue)
        backend app_green
            server green 127.0.0.1:\(green)\(redispatch ? "\n    server spare 127.0.0.1:\(blue)" : "")

        """
    }

    /// A rollout's file for this rig.
    package func rolloutFile(
        name: String = "app", strategy: String, analysis: String? = nil, instances: Int? = nil, window: String = "4s",
        max: String = "0.01"
    ) -> String {
        let sockets = (0..<(instances ?? frontends.count)).map { "{socket: \(socket($0))}" }.joined(separator: ", ")
        let gate =
            analysis ?? """
                    prometheus: {address: "\(prometheusAddress)", timeout: 2s}
                    templates:
                      - ref: haproxy-error-rate
                        args: {backend: "{{canary.backend}}", max: "\(max)", window: \(window), interval: 1s, min-requests: "1"}
                """
        return """
            apiVersion: belay.dev/v1
            kind: Rollout
            metadata: {name: \(name)}
            spec:
              revision: "1.0"
              workload: {external: {}}
              traffic:
                haproxy:
                  instances: [\(sockets)]
                  map: {file: \(mapFile), key: app}
                  sides: {blue: app_blue, green: app_green}
              strategy:
            \(strategy)
              analysis:
            \(gate)

            """
    }
}

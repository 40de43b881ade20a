import BelayDemo
import Foundation
import Testing

extension GateSuites {
    /// Every ready template's query, asked of the real Prometheus on generated samples: the number is the one computed by
    /// hand. `belay analyze` asks them all at once.
    @Suite("Ready templates on a real Prometheus")
    struct TemplateTests {
        /// What grows by so much a second, or stands still at a value.
        private struct Series {
            let name: String
            let labels: String
            let rate: Double
            var constant: Double?
        }

        /// The canary answers 100 requests/s, 2 of them badly; stable 900, 9 of them badly.
        private static let counts: [(canary: Bool, good: Double, bad: Double)] = [(true, 98, 2), (false, 891, 9)]

        /// Of the canary's 100 answers a second 50 take up to the first bound, 90 the second, 99 the third.
        private static func histogram(_ name: String, _ labels: String, bounds: [String]) -> [Series] {
            zip(bounds + ["+Inf"], [50.0, 90, 99, 100]).map { bound, rate in
                Series(name: "\(name)_bucket", labels: "\(labels),le=\"\(bound)\"", rate: rate)
            }
        }

        private static let seconds = ["0.1", "0.25", "0.5"]
        private static let milliseconds = ["100", "250", "500"]

        private static var series: [Series] {
            var all: [Series] = []
            func count(_ name: String, _ labels: (Bool) -> String, good: String, bad: String) {
                for side in counts {
                    all.append(Series(name: name, labels: "\(labels(side.canary)),\(good)", rate: side.good))
                    all.append(Series(name: name, labels: "\(labels(side.canary)),\(bad)", rate: side.bad))
                }
            }
            func name(_ canary: Bool) -> String { canary ? "green" : "blue" }
            // HAProxy
            count(
                "haproxy_backend_http_responses_total", { "proxy=\"app_\(name($0))\"" }, good: "code=\"2xx\"",
                bad: "code=\"5xx\"")
            for side in counts {
                let backend = "proxy=\"app_\(name(side.canary))\""
                all.append(
                    Series(name: "haproxy_backend_http_requests_total", labels: backend, rate: side.good + side.bad))
            }
            let green = "proxy=\"app_green\""
            all.append(
                Series(name: "haproxy_backend_response_time_average_seconds", labels: green, rate: 0, constant: 0.123))
            for (metric, rate) in [
                ("retry_warnings", 1.0), ("redispatch_warnings", 2), ("connection_errors", 1), ("server_aborts", 1),
            ] {
                all.append(Series(name: "haproxy_backend_\(metric)_total", labels: green, rate: rate))
            }
            let server = "proxy=\"app\",server=\"green1\""
            all.append(Series(name: "haproxy_server_http_responses_total", labels: "\(server),code=\"2xx\"", rate: 96))
            all.append(Series(name: "haproxy_server_http_responses_total", labels: "\(server),code=\"5xx\"", rate: 1))
            all.append(Series(name: "haproxy_server_connection_errors_total", labels: server, rate: 2))
            all.append(Series(name: "haproxy_server_response_errors_total", labels: server, rate: 1))
            // Envoy, Contour
            count(
                "envoy_cluster_upstream_rq_xx", { "envoy_cluster_name=\"\(name($0))\"" },
                good: "envoy_response_code_class=\"2\"", bad: "envoy_response_code_class=\"5\"")
            for side in counts {
                let cluster = "envoy_cluster_name=\"\(name(side.canary))\""
                all.append(
                    Series(name: "envoy_cluster_upstream_rq_completed", labels: cluster, rate: side.good + side.bad))
            }
            all.append(Series(name: "envoy_cluster_upstream_rq_retry", labels: "envoy_cluster_name=\"green\"", rate: 3))
            all.append(
                Series(name: "envoy_cluster_upstream_cx_connect_fail", labels: "envoy_cluster_name=\"green\"", rate: 1))
            all += histogram("envoy_cluster_upstream_rq_time", "envoy_cluster_name=\"green\"", bounds: milliseconds)
            count(
                "envoy_cluster_upstream_rq", { "envoy_cluster_name=\"\(name($0))\"" },
                good: "envoy_response_code=\"200\"", bad: "envoy_response_code=\"503\"")
            // Istio
            func istio(_ canary: Bool) -> String {
                "reporter=\"destination\",destination_workload_namespace=\"shop\",destination_workload=\"\(name(canary))\""
            }
            count("istio_requests_total", istio, good: "response_code=\"200\"", bad: "response_code=\"500\"")
            all += histogram("istio_request_duration_milliseconds", istio(true), bounds: milliseconds)
            // ingress-nginx
            func ingress(_ canary: Bool) -> String {
                "namespace=\"shop\",ingress=\"app\",canary=\"\(canary ? "shop-green-80" : "")\""
            }
            count("nginx_ingress_controller_requests", ingress, good: "status=\"200\"", bad: "status=\"502\"")
            all += histogram("nginx_ingress_controller_request_duration_seconds", ingress(true), bounds: seconds)
            // Traefik
            func traefik(_ canary: Bool) -> String { "service=\"shop-\(name(canary))-80@kubernetescrd\"" }
            count("traefik_service_requests_total", traefik, good: "code=\"200\"", bad: "code=\"500\"")
            all += histogram("traefik_service_request_duration_seconds", traefik(true), bounds: seconds)
            all.append(Series(name: "traefik_service_retries_total", labels: traefik(true), rate: 4))
            // Linkerd
            func linkerd(_ canary: Bool) -> String {
                "namespace=\"shop\",deployment=\"\(name(canary))\",direction=\"inbound\""
            }
            count("response_total", linkerd, good: "classification=\"success\"", bad: "classification=\"failure\"")
            all += histogram("response_latency_ms", linkerd(true), bounds: milliseconds)
            // APISIX, Kong, Caddy
            count("apisix_http_status", { "route=\"\(name($0))\"" }, good: "code=\"200\"", bad: "code=\"500\"")
            all += histogram("apisix_http_latency", "route=\"green\",type=\"request\"", bounds: milliseconds)
            count("kong_http_requests_total", { "service=\"\(name($0))\"" }, good: "code=\"200\"", bad: "code=\"500\"")
            all += histogram("kong_upstream_latency_ms", "service=\"green\"", bounds: milliseconds)
            count(
                "caddy_http_request_duration_seconds_count", { "handler=\"reverse_proxy\",server=\"\(name($0))\"" },
                good: "code=\"200\"", bad: "code=\"500\"")
            all += histogram(
                "caddy_http_request_duration_seconds", "handler=\"reverse_proxy\",server=\"green\"", bounds: seconds)
            // The application
            func app(_ canary: Bool) -> String { "version=\"\(name(canary))\"" }
            count("http_requests_total", app, good: "code=\"200\",status=\"200\"", bad: "code=\"500\",status=\"500\"")
            for canary in [true, false] {
                all += histogram("http_request_duration_seconds", app(canary), bounds: seconds)
            }
            return all
        }

        private static let errors = "0.02"
        private static let split = "0.1"
        private static let p99 = "0.5"
        /// A minute's counts.
        private static let compared = "120/6000 against 540/54000"

        /// The template, its arguments, and each metric's value by hand.
        private static let templates: [(name: String, arguments: String, values: [String])] = [
            ("haproxy-error-rate", "backend: app_green", ["0.03"]),  // Answers cut off in the middle count.
            ("haproxy-latency", "backend: app_green", ["0.123"]),
            ("haproxy-retry-rate", "backend: app_green", ["0.04"]), ("haproxy-compare-errors", "", [compared]),
            ("haproxy-split", "", [split]), ("haproxy-server-error-rate", "proxy: app, server: green.*", ["0.04"]),
            ("envoy-error-rate", "cluster: green", [errors]), ("envoy-latency", "cluster: green", ["500"]),
            ("envoy-retry-rate", "cluster: green", ["0.04"]), ("envoy-split", "canary: green, stable: blue", [split]),
            ("envoy-compare-errors", "canary: green, stable: blue", [compared]),
            ("istio-error-rate", "namespace: shop, workload: green", [errors]),
            ("istio-latency", "namespace: shop, workload: green, quantile: 0.5", ["100"]),
            ("istio-compare-errors", "namespace: shop, canary: green, stable: blue", [compared]),
            ("ingress-nginx-error-rate", "namespace: shop, ingress: app", [errors]),
            ("ingress-nginx-latency", "namespace: shop, ingress: app", [p99]),
            ("ingress-nginx-compare-errors", "namespace: shop, ingress: app", [compared]),
            ("traefik-error-rate", "service: shop-green-.*", [errors]),
            ("traefik-latency", "service: shop-green-.*, quantile: 0.9", ["0.25"]),
            ("traefik-retry-rate", "service: shop-green-.*", ["0.04"]),
            ("traefik-compare-errors", "canary: shop-green-.*, stable: shop-blue-.*", [compared]),
            ("linkerd-error-rate", "namespace: shop, deployment: green", [errors]),
            ("linkerd-latency", "namespace: shop, deployment: green", ["500"]),
            ("linkerd-compare-errors", "namespace: shop, canary: green, stable: blue", [compared]),
            ("contour-error-rate", "cluster: gre.n", [errors]), ("contour-latency", "cluster: gre.n", ["500"]),
            ("contour-compare-errors", "canary: gre.n, stable: bl.e", [compared]),
            ("apisix-error-rate", "route: green", [errors]), ("apisix-latency", "route: green", ["500"]),
            ("kong-error-rate", "service: green", [errors]), ("kong-latency", "service: green", ["500"]),
            ("caddy-error-rate", "selector: 'server=\"green\"'", [errors]),
            ("caddy-latency", "selector: 'server=\"green\"'", [p99]),
            ("app-error-rate", "selector: 'version=\"green\"'", [errors]),
            // 95 of 100: 5 of the 9 between 0.25 and 0.5.
            ("app-latency", "selector: 'version=\"green\"'", ["0.3888888889", p99]),
            ("app-compare-errors", "canary: green, stable: blue", [compared]),
            ("app-compare-latency", "canary: green, stable: blue", ["3000+600+60/6000 against 3000+600+60/6000"]),
            ("app-split", "canary: green, stable: blue", [split]),
            (
                "app-kayenta", "canary: 'version=\"green\"', stable: 'version=\"blue\"'",
                ["0: error percent High (×2), p99 ms Pass"]
            ),
        ]

        private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent()
            .deletingLastPathComponent()

        @Test func `every template is here`() throws {
            let folder = Self.root.appending(path: "analysis-templates").path
            let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yaml") }
            #expect(Set(files.map { String($0.dropLast(5)) }) == Set(Self.templates.map(\.name)))
        }

        @Test func `every query gives the number computed by hand`() async throws {
            let folder = "/tmp/belay-templates-\(UUID().uuidString.prefix(8))"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try Self.samples.write(toFile: folder + "/samples.txt", atomically: true, encoding: .utf8)
            let blocks = try await LocalProcess.start(
                "promtool", ["tsdb", "create-blocks-from", "openmetrics", folder + "/samples.txt", folder + "/data"],
                environment: ["PATH": Rig.path], log: folder + "/promtool.log")
            #expect(await blocks.wait() == 0, "\(blocks.output)")
            try "global: {}\n".write(toFile: folder + "/prometheus.yml", atomically: true, encoding: .utf8)
            let port = try Rig.freePort()
            let prometheus = try await LocalProcess.start(
                "timeout",
                [
                    "--kill-after=1", "120", "prometheus", "--config.file=\(folder)/prometheus.yml",
                    "--storage.tsdb.path=\(folder)/data", "--web.listen-address=127.0.0.1:\(port)", "--log.level=warn",
                ], environment: ["PATH": Rig.path], log: folder + "/prometheus.log")
            do {
                try await Rig.until("Prometheus is ready", log: folder + "/prometheus.log") {
                    Rig.connects(to: port)
                }
                let values = try await Self.analyze(folder, port)
                for template in Self.templates {
                    for (index, wanted) in template.values.enumerated() {
                        let found = values.filter { $0.name.hasPrefix(template.name) }.dropFirst(index).first
                        #expect(
                            Self.isSame(found?.value, wanted),
                            "\(template.name): \(found?.value ?? "-"), wanted \(wanted)")
                    }
                }
            } catch {
                await prometheus.stop()
                throw error
            }
            await prometheus.stop()
        }

        /// Numbers as numbers, to seven digits; what a comparison and a judge say as far as it is counts and names.
        private static func isSame(_ value: String?, _ wanted: String) -> Bool {
            guard let value else { return false }
            guard let number = Double(wanted) else { return value.hasPrefix(wanted) }
            let digits = value.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
            return Double(digits).map { abs($0 - number) <= 1e-7 * abs(number) } ?? false
        }

        /// Ten minutes back and three ahead, so that every window is full however long the test takes.
        private static var samples: String {
            let now = Int(Date().timeIntervalSince1970) / 5 * 5
            var text = ""
            for (name, series) in Dictionary(grouping: series, by: \.name).sorted(by: { $0.key < $1.key }) {
                for one in series {
                    for second in stride(from: now - 600, through: now + 180, by: 5) {
                        let value = one.constant ?? one.rate * Double(second - now + 100_000)
                        text += "\(name){\(one.labels)} \(value) \(second)\n"
                    }
                }
            }
            return text + "# EOF\n"
        }

        private static func analyze(_ folder: String, _ port: Int) async throws -> [(name: String, value: String)] {
            let uses = templates.map { "      - {ref: \($0.name), args: {\($0.arguments)}}" }.joined(separator: "\n")
            let file = """
                apiVersion: belay.dev/v1
                kind: Rollout
                metadata: {name: app}
                spec:
                  revision: "2"
                  workload: {external: {}}
                  traffic:
                    haproxy:
                      instances: [{socket: \(folder)/none.sock}]
                      map: {file: \(folder)/app.map, key: app}
                      sides: {blue: app_blue, green: app_green}
                  strategy: {ref: canary-evidence}
                  analysis:
                    prometheus: {address: "http://127.0.0.1:\(port)"}
                    templates:
                \(uses)

                """
            try file.write(toFile: folder + "/rollout.yaml", atomically: true, encoding: .utf8)
            let process = try await LocalProcess.start(
                Stage.belay,
                [
                    "analyze", folder + "/rollout.yaml", "--canary", "green", "--over", "1m", "--output", "json",
                    "--db",
                    folder + "/belay.db",
                ], environment: ["PATH": Rig.path], log: folder + "/analyze.log", output: folder + "/analyze.json")
            let code = await process.wait()
            #expect(code == 1, "errors of 2 % are over the limit of 1 %: \(process.output)")
            let lines = try String(contentsOfFile: folder + "/analyze.json", encoding: .utf8).split(separator: "\n")
            return try lines.map { line in
                let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                return (object["metric"] as? String ?? "", object["value"] as? String ?? "")
            }
        }
    }
}

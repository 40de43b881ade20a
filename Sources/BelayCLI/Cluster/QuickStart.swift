internal import BelayCore
internal import BelayEngine
internal import BelayKubernetes
internal import BelayMetrics
internal import BelayPlatform
internal import BelaySpec

/// Writes the rollout's file that the options stand for, once it is known what is there.
struct QuickStart {
    private let options: ClusterOptions
    /// The image's tag or digest; else `--revision`.
    private let revision: String

    private static let none = "nothing was touched"

    /// - Throws: ``CommandFailure`` 64 where an option is missing.
    init(_ options: ClusterOptions, revision: String?) throws(CommandFailure) {
        self.options = options
        guard options.deployment != nil else {
            throw CommandFailure(.usage, "a rollout's file is expected, or --deployment; \(Self.none)")
        }
        guard options.strategy != nil else {
            throw CommandFailure(.usage, "--strategy is missing, e.g. canary-10-25-50-100 or blue-green; \(Self.none)")
        }
        for value in options.texts where value.contains("${") || value.contains("{{") {
            throw CommandFailure(
                .usage, "`\(value.shortened)`: options are taken as they are, without `${` and `{{`; \(Self.none)")
        }
        guard !options.podsOnly || options.prometheus == nil && options.templates.isEmpty else {
            throw CommandFailure(.usage, "--pods-only, or --prometheus and --template: not both; \(Self.none)")
        }
        guard options.prometheus != nil || options.podsOnly else {
            throw CommandFailure(
                .usage,
                "a gate is missing: --prometheus URL, or --pods-only where the pods' health is to be the only one; \(Self.none)"
            )
        }
        guard let found = revision ?? options.image.map(Self.tag), !found.isEmpty else {
            throw CommandFailure(.usage, "--image or --revision is missing; \(Self.none)")
        }
        self.revision = found
    }

    /// What stands behind the last `:` or `@` of an image's name; `latest` where nothing does.
    private static func tag(of image: String) -> String {
        if let at = image.lastIndex(of: "@") { return String(image[image.index(after: at)...]) }
        let name = image[(image.lastIndex(of: "/") ?? image.startIndex)...]
        return name.lastIndex(of: ":").map { String(name[name.index(after: $0)...]) } ?? "latest"
    }

    /// - Throws: ``CommandFailure`` 2 or 8 where the cluster or Prometheus does not have what is needed.
    func source() async throws(CommandFailure) -> SpecSource {
        let name = options.deployment ?? ""
        let access: ClusterAccess
        do throws(KubernetesError) {
            access = try ClusterAccess.find(context: options.context)
        } catch {
            throw CommandFailure(.invalid, "--context: \(error.message); \(Self.none)")
        }
        let namespace = options.namespace ?? access.namespace
        let service: String
        if let named = options.service { service = named } else { service = try await theService(access, namespace) }
        let strategy = options.strategy ?? ""
        let isBlueGreen = (SpecFiles.resolve(.strategy, strategy, "options")?.text ?? "").split(separator: "\n")
            .contains { line in
                !line.trimmingPrefix(while: \.isWhitespace).hasPrefix("#") && line.contains("blueGreen:")
            }
        let analysis = try await analysis(namespace, name)
        func quoted(_ text: String) -> String { JSONText.write(.string(text)) }
        var workload = ["namespace: \(quoted(namespace))", "deployment: \(quoted(name))"]
        if let context = options.context { workload.append("context: \(quoted(context))") }
        if let container = options.container { workload.append("container: \(quoted(container))") }
        if let image = options.image { workload.append("image: \(quoted(image))") }
        let text = """
            apiVersion: belay.dev/v1
            kind: Rollout
            metadata: {name: \(quoted(name))}
            spec:
              revision: \(quoted(revision))
              workload: {kubernetes: {\(workload.joined(separator: ", "))}}
              traffic: {\(isBlueGreen ? "service: {name: \(quoted(service))}" : "replicas: {service: \(quoted(service))}")}
              strategy: {ref: \(quoted(strategy))}
              analysis: \(analysis)

            """
        return SpecSource(file: "options", text: text)
    }

    /// The only Service that selects the Deployment's pods.
    private func theService(_ access: ClusterAccess, _ namespace: String) async throws(CommandFailure) -> String {
        let client = KubernetesClient(access, read: { try ClusterAccess.readFile($0) })
        defer { client.shutdown() }
        let name = options.deployment ?? ""
        let found: [String]
        do {
            found = try await client.services(selectingPodsOf: name, in: namespace)
        } catch let error as KubernetesError {
            throw CommandFailure(
                error.isAway ? .unreachable : .invalid, "--deployment \(name): \(error.message); \(Self.none)")
        } catch {
            throw CommandFailure(.unreachable, "the look at the cluster was cut off; \(Self.none)")
        }
        guard let only = found.first, found.count == 1 else {
            let words = found.isEmpty ? "no Service selects" : "\(found.joined(separator: ", ")) all select"
            throw CommandFailure(
                .invalid,
                "\(words) the pods of Deployment `\(name)` in namespace `\(namespace)`: say --service NAME; \(Self.none)"
            )
        }
        return only
    }

    // MARK: Gates

    /// Templates of the application's own metrics, the series by which they are known, and the labels that may have the status.
    private static let candidates: [(template: String, series: String, labels: [String])] = [
        ("app-error-rate", "http_requests_total", ["code", "status", "status_code"]),
        ("app-latency", "http_request_duration_seconds_bucket", []),
    ]

    private func analysis(_ namespace: String, _ name: String) async throws(CommandFailure) -> String {
        guard let prometheus = options.prometheus, !options.podsOnly else { return "none" }
        let selector = #"namespace="\#(namespace)",pod=~"{{canary.pods}}""#
        var uses: [(template: String, label: String?)] = []
        if options.templates.isEmpty {
            uses = try await theTemplates(prometheus, namespace, name)
        } else {
            uses = options.templates.map { ($0, nil) }
        }
        let texts = uses.map { use in
            let label = use.label.map { ", error-label: \(JSONText.write(.string($0)))" } ?? ""
            return
                "{ref: \(JSONText.write(.string(use.template))), args: {selector: \(JSONText.write(.string(selector)))\(label)}}"
        }
        return
            "{prometheus: {address: \(JSONText.write(.string(prometheus)))}, templates: [\(texts.joined(separator: ", "))]}"
    }

    /// The ready templates whose series are there for the pods that run now.
    private func theTemplates(
        _ prometheus: String, _ namespace: String, _ name: String
    ) async throws(CommandFailure) -> [(template: String, label: String?)] {
        let pods = #"namespace="\#(namespace)",pod=~"\#(ClusterTarget.podPattern(of: name))""#
        return try await Release.asking { provider throws(CommandFailure) in
            var uses: [(template: String, label: String?)] = []
            var asked: [String] = []
            for candidate in Self.candidates {
                for label in candidate.labels.isEmpty ? [nil] : candidate.labels.map(Optional.some) {
                    let more = label.map { #","# + $0 + #"=~"[1-5][0-9][0-9]""# } ?? ""
                    let query = "count(\(candidate.series){\(pods)\(more)})"
                    asked.append(query)
                    let metric = Metric(
                        name: candidate.template, query: PrometheusQuery(address: prometheus, query: query))
                    switch await provider.vector(query, of: metric, at: WallClock.systemTime) {
                    case .series(let found) where (found.first?.value ?? 0) > 0:
                        uses.append((candidate.template, label))
                    case .series: continue
                    case .noData(let why):
                        throw CommandFailure(.unreachable, "--prometheus \(prometheus): \(why); \(Self.none)")
                    case .error(let why):
                        throw CommandFailure(.invalid, "--prometheus \(prometheus): \(why); \(Self.none)")
                    }
                    break
                }
            }
            guard uses.isEmpty else { return uses }
            throw CommandFailure(
                .invalid,
                lines: ["no ready template has series for the pods of `\(name)`; asked were:"] + asked.map { "  \($0)" }
                    + ["name some with --template, or say --pods-only; \(Self.none)"])
        }
    }
}

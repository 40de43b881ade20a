internal import ArgumentParser

/// A release of a Deployment without a file.
struct ClusterOptions: ParsableArguments {
    @Option(help: "Release this Deployment, without a file.") var deployment: String?
    @Option(help: "Its namespace; else the context's.") var namespace: String?
    @Option(help: "The kubeconfig's context; else the current one.") var context: String?
    @Option(help: "The image to release; its tag is the revision.") var image: String?
    @Option(help: "The container that gets the image, where there are several.") var container: String?
    @Option(help: "The Service that leads to it; else the only one that selects its pods.") var service: String?
    @Option(help: "A strategy by its name; a canary's shares are numbers of pods, blue-green switches the Service.")
    var strategy: String?
    @Option(help: "The address of Prometheus.") var prometheus: String?
    @Option(
        name: .customLong("template"),
        help: "A ready analysis template; else those whose series are there for the pods that run now.")
    var templates: [String] = []
    @Flag(help: "No metrics: the pods' own health is the only gate.") var podsOnly = false

    /// All that was given.
    var texts: [String] {
        [deployment, namespace, context, image, container, service, strategy, prometheus].compactMap(\.self) + templates
    }

    /// Whether any of them was given.
    var isUsed: Bool { !texts.isEmpty || podsOnly }
}

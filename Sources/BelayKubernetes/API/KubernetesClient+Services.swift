internal import BelayCore

extension KubernetesClient {
    /// The Services that select the pods of a Deployment, in alphabetical order.
    /// - Throws: ``KubernetesError`` `.notFound` where there is no such Deployment.
    package func services(selectingPodsOf deployment: String, in namespace: String) async throws -> [String] {
        let template = try await get(.deployments(namespace), deployment)["spec"]?["template"]
        let labels = template?["metadata"]?["labels"]?.texts ?? [:]
        let found = try await list(.services(namespace)) { service -> String? in
            LabelSelector.isServed(labels, by: service) ? service["metadata"]?["name"]?.string : nil
        }.values
        return found.sorted()
    }
}

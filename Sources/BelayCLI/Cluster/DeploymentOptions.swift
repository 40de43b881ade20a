internal import ArgumentParser
internal import BelayCore
internal import BelayKubernetes

/// The release that is under way on a Deployment, found in the cluster itself.
struct DeploymentOptions: ParsableArguments {
    @Option(help: "The release on this Deployment, as the cluster has it: from any machine, without a journal.")
    var deployment: String?
    @Option(help: "Its namespace; else the context's.") var namespace: String?
    @Option(help: "The kubeconfig's context; else the current one.") var context: String?

    /// - Returns: nil where no Deployment is named.
    /// - Throws: ``CommandFailure`` 1 where no release is under way on it, 2 or 8 where it cannot be found out.
    func traffic() async throws(CommandFailure) -> Traffic? {
        guard let deployment else {
            if namespace != nil || context != nil {
                throw CommandFailure(.usage, "--namespace and --context go with --deployment; nothing was touched")
            }
            return nil
        }
        do {
            return .cluster(try await KubernetesKit.underWay(on: deployment, namespace: namespace, context: context))
        } catch let error as KubernetesError where error.kind == .notFound {
            throw CommandFailure(.failure, "no release is under way on Deployment `\(deployment)`: \(error.message)")
        } catch let error as KubernetesError {
            throw CommandFailure(error.isAway ? .unreachable : .invalid, "--deployment \(deployment): \(error.message)")
        } catch {
            throw CommandFailure(.unreachable, "the look at the cluster was cut off")
        }
    }
}

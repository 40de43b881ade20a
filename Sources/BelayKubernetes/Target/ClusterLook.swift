internal import BelayCore

/// What the cluster shows at one moment of a target.
struct ClusterLook {
    /// A pod with its owner, which is known by its references and never by labels.
    struct Pod {
        let name: String
        /// The Deployment behind its ReplicaSet; nil where it has another owner.
        let deployment: String?
        /// Its ReplicaSet's template, at the place at which a Deployment has it. What admission does to pods does not touch it.
        let set: JSONValue?
        let json: JSONValue

        var isEnding: Bool { json["metadata"]?["deletionTimestamp"] != nil }
        var isReady: Bool {
            !isEnding
                && (json["status"]?["conditions"]?.array ?? []).contains {
                    $0["type"]?.string == "Ready" && $0["status"]?.string == "True"
                }
        }
    }

    var service: JSONValue
    /// The Deployments of the sides, by their names; one that is not there is missing.
    var deployments: [String: JSONValue]
    var pods: [Pod]
    /// The pods that the Service sends requests to.
    var endpoints: [String]
    /// The same for the canary's own Service.
    var canaryEndpoints: [String]

    /// The Deployment of an endpoint; nil where nobody knows the pod.
    func owner(ofEndpoint name: String) -> String? { pods.first { $0.name == name }?.deployment }

    func pods(of deployment: String) -> [Pod] { pods.filter { $0.deployment == deployment } }
    func readyCount(of deployment: String) -> Int { pods(of: deployment).count { $0.isReady } }
}

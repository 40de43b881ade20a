/// How a cluster is reached, and who asks.
package struct ClusterAccess: Sendable {
    /// What is shown for one's identity.
    package enum Credential: Sendable {
        case none
        case token(String)
        /// A file whose token changes; it is read again each minute, and where the server refuses it.
        case tokenFile(String)
        /// PEM each.
        case certificate([UInt8], key: [UInt8])
        case basic(user: String, password: String)
        /// A program that prints a token or a certificate.
        case plugin(CredentialPlugin)
    }

    /// A client's certificate with its key, PEM each.
    package struct OwnCertificate: Sendable {
        package var certificate: [UInt8]
        package var key: [UInt8]
    }

    /// For whom one asks, where that is somebody else.
    package struct Impersonation: Equatable, Sendable {
        package var user: String
        package var groups: [String] = []
        package var uid: String?

        package init(user: String, groups: [String] = [], uid: String? = nil) {
            (self.user, self.groups, self.uid) = (user, groups, uid)
        }
    }

    /// `https://10.0.0.1:6443`, without a slash at its end.
    package var server: String
    /// The context's name; `in-cluster` for a pod's own.
    package var context: String
    /// The context's; `default` where it names none.
    package var namespace: String
    /// PEM of the authority; nil: the system's.
    package var authority: [UInt8]?
    package var isInsecure = false
    package var serverName: String?
    package var proxy: String?
    package var credential: Credential
    /// A certificate that is shown beside a token or a plugin's answer: some servers ask for both.
    package var ownCertificate: OwnCertificate?
    package var impersonation: Impersonation?
    /// Where all of it was read: `/home/alice/.kube/config`.
    package var origin: String

    package init(server: String, context: String, namespace: String, credential: Credential, origin: String) {
        self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
        (self.context, self.namespace, self.credential, self.origin) = (context, namespace, credential, origin)
    }

    // MARK: In a pod

    /// Where a pod finds its own service account.
    package static let podFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// The access of the pod that this program runs in.
    /// - Parameters:
    ///   - variable: The environment's.
    ///   - read: The bytes of a file, or nil.
    /// - Returns: nil where this is no pod.
    package static func inCluster(
        folder: String = podFolder, variable: (String) -> String?, read: (String) -> [UInt8]?
    ) -> ClusterAccess? {
        guard let host = variable("KUBERNETES_SERVICE_HOST"), !host.isEmpty, read("\(folder)/token") != nil else {
            return nil
        }
        let port = variable("KUBERNETES_SERVICE_PORT") ?? "443"
        let space = read("\(folder)/namespace").map { String(decoding: $0, as: UTF8.self) }
        var access = ClusterAccess(
            server: "https://\(host.contains(":") ? "[\(host)]" : host):\(port)", context: "in-cluster",
            namespace: space?.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? "default",
            credential: .tokenFile("\(folder)/token"), origin: folder)
        access.authority = read("\(folder)/ca.crt")
        return access
    }
}

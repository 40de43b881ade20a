package import BelayCore

/// A program that prints a credential, as a kubeconfig's `exec` names it.
/// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
package struct CredentialPlugin: Equatable, Sendable {
    package var command: String
    package var arguments: [String]
    package var environment: [String: String]
    /// `client.authentication.k8s.io/v1`
    package var apiVersion: String
    /// What it is told of the cluster, where the entry asks for that (`provideClusterInfo`).
    package var cluster: JSONValue?
    /// What its author says to people who do not have it.
    package var installHint: String?
    /// Where the user's entry stands, for messages.
    package var place: String

    package init(
        command: String, arguments: [String], environment: [String: String], apiVersion: String, installHint: String?,
        place: String
    ) {
        (self.command, self.arguments, self.environment) = (command, arguments, environment)
        (self.apiVersion, self.installHint, self.place) = (apiVersion, installHint, place)
    }

    /// How long it may take.
    package var timeout: Duration = .seconds(30)

    /// What such a program prints.
    package struct Answer: Equatable, Sendable {
        package var token: String?
        /// PEM each.
        package var certificate: String?
        package var key: String?
        /// RFC 3339; nil: good until the server refuses it.
        package var expires: String?
    }

    /// Reads what it printed.
    /// - Throws: ``KubernetesError`` `.configuration`, without a word of the output: it may hold a secret.
    package func answer(_ output: JSONValue) throws(KubernetesError) -> Answer {
        guard output["kind"]?.string == "ExecCredential" else {
            throw failure("printed no ExecCredential")
        }
        guard output["apiVersion"]?.string == apiVersion else {
            throw failure("printed another apiVersion than \(apiVersion)")
        }
        let status = output["status"]
        let answer = Answer(
            token: status?["token"]?.string, certificate: status?["clientCertificateData"]?.string,
            key: status?["clientKeyData"]?.string, expires: status?["expirationTimestamp"]?.string)
        guard answer.token?.isEmpty == false || answer.certificate != nil && answer.key != nil else {
            throw failure("printed neither a token nor a certificate with its key")
        }
        return answer
    }

    func failure(_ words: String) -> KubernetesError {
        let hint = installHint.map { "; \($0)" } ?? ""
        return KubernetesError(.configuration, "\(place): the credential plugin `\(command)` \(words)\(hint)")
    }

    /// What it is told about who asks.
    package var information: JSONValue {
        .members([
            "apiVersion": .string(apiVersion), "kind": "ExecCredential",
            "spec": .members(["cluster": cluster, "interactive": .bool(false)]),
        ])
    }
}

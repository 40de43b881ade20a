import BelayCore
import BelayKubernetes
import BelayPlatform
import Foundation
import Testing

/// Kubeconfigs, read from files that are only texts here.
@Suite("A kubeconfig")
struct KubeconfigTests {
    private static let pem = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"

    private static let first = """
        apiVersion: v1
        kind: Config
        current-context: prod
        clusters:
        - name: eu
          cluster: {server: "https://10.0.0.1:6443/", certificate-authority: pki/ca.crt, tls-server-name: api.internal, proxy-url: "http://proxy:3128"}
        contexts:
        - name: prod
          context: {cluster: eu, user: alice, namespace: shop}
        users:
        - name: alice
          user: {token: secret-of-alice, as: deployer, as-groups: [release]}
        """

    private static let second = """
        current-context: other
        clusters:
        - {name: eu, cluster: {server: "https://elsewhere"}}
        - {name: us, cluster: {server: "https://us", insecure-skip-tls-verify: true}}
        contexts:
        - {name: us, context: {cluster: us, user: robot}}
        users:
        - name: robot
          user:
            exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login, args: [a], env: [{name: K, value: v}], installHint: "ask ops"}
        """

    private func read(_ files: [String: String]) -> (String) -> [UInt8]? {
        { path in files[path].map { Array($0.utf8) } }
    }

    private func config(_ files: KeyValuePairs<String, String>) throws -> Kubeconfig {
        try Kubeconfig(files.map(\.key), read: read(Dictionary(uniqueKeysWithValues: files.map { ($0.key, $0.value) })))
    }

    private func message(_ body: () throws -> Void) -> String {
        do { try body() } catch let error as KubernetesError { return error.message } catch {}
        return "no error"
    }

    @Test func `of several files the first one that has a name wins, and its paths are meant from its own folder`()
        throws
    {
        let config = try config(["/a/config": Self.first, "/gone": "", "/b/config": Self.second])
        let access = try config.access(context: nil, read: read(["/a/pki/ca.crt": Self.pem]))
        #expect(access.server == "https://10.0.0.1:6443")
        #expect(access.namespace == "shop" && access.context == "prod" && access.origin == "/a/config")
        #expect(access.serverName == "api.internal" && access.proxy == "http://proxy:3128")
        #expect(access.authority == Array(Self.pem.utf8))
        #expect(access.impersonation == .init(user: "deployer", groups: ["release"]))
        let other = try config.access(context: "us", read: read([:]))
        #expect(other.isInsecure && other.namespace == "default")
        guard case .plugin(let plugin) = other.credential else {
            Issue.record("no plugin")
            return
        }
        #expect(plugin.command == "/b/./login")
        #expect(plugin.environment == ["K": "v"] && plugin.installHint == "ask ops")
    }

    @Test func `a plugin is told of the cluster where it asks, and a certificate goes beside its token`() throws {
        let text = """
            current-context: a
            clusters:
            - name: eu
              cluster:
                server: https://eu
                certificate-authority: ca.crt
                extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: eu-1}}]
            contexts: [{name: a, context: {cluster: eu, user: robot}}]
            users:
            - name: robot
              user:
                client-certificate: own.crt
                client-key: own.key
                exec: {apiVersion: client.authentication.k8s.io/v1, command: login, provideClusterInfo: true}
            """
        let files = ["/a/ca.crt": "ca", "/a/own.crt": "own", "/a/own.key": "key"].mapValues { "-----BEGIN \($0)" }
        let access = try config(["/a/config": text]).access(context: nil, read: read(files))
        #expect(access.ownCertificate?.certificate == Array("-----BEGIN own".utf8))
        #expect(access.ownCertificate?.key == Array("-----BEGIN key".utf8))
        guard case .plugin(let plugin) = access.credential else {
            Issue.record("no plugin")
            return
        }
        let cluster = plugin.information["spec"]?["cluster"]
        #expect(cluster?["server"] == "https://eu" && cluster?["config"]?["audience"] == "eu-1")
        #expect(cluster?["certificate-authority-data"]?.string == Data("-----BEGIN ca".utf8).base64EncodedString())
    }

    @Test(
        "what is wrong is named with its file and its place",
        arguments: [
            (["/c": "clusters: {a: b}"], nil, "/c: `clusters` is a list"),
            (["/c": "clusters: [{cluster: {}}]"], nil, "/c: clusters[0] has no name"),
            (["/c": "{}"], nil, "/c: no current-context is set; there are none"),
            (["/c": "current-context: x"], nil, "/c: there is no context `x`; there are none"),
            (["/c": "[1, 2"], nil, "/c: it is no YAML"), (["/c": "just words"], nil, "/c: a kubeconfig is an object"),
            (["/c": "contexts: [{name: a, context: {cluster: x}}]"], "a", "/c: context `a`: there is no cluster `x`"),
            (
                ["/c": "contexts: [{name: a, context: {cluster: x}}]\nclusters: [{name: x, cluster: {}}]"], "a",
                "/c: cluster `x` has no `server`"
            ),
            (
                [
                    "/c":
                        "contexts: [{name: a, context: {cluster: x}}]\nclusters: [{name: x, cluster: {server: \"ftp://x\"}}]"
                ], "a",
                "server: `ftp://x` is no http or https address"
            ),
            (
                [
                    "/c":
                        "contexts: [{name: a, context: {cluster: x, user: u}}]\nclusters: [{name: x, cluster: {server: \"https://x\"}}]"
                ],
                "a", "/c: context `a`: there is no user `u`"
            ),
            (
                [
                    "/c":
                        "contexts: [{name: a, context: {cluster: x}}]\nclusters: [{name: x, cluster: {server: \"https://x\", certificate-authority: ca}}]"
                ],
                "a", "/c: cluster `x`: certificate-authority: /ca does not exist"
            ),
            (
                [
                    "/c":
                        "contexts: [{name: a, context: {cluster: x}}]\n"
                        + "clusters: [{name: x, cluster: {server: \"https://x\", certificate-authority-data: '%%'}}]"
                ],
                "a", "`certificate-authority-data` is no base64"
            ), ([:], nil, "there is no kubeconfig: KUBECONFIG is empty"),
        ] as [([String: String], String?, String)])
    func isNamed(files: [String: String], context: String?, expected: String) {
        let words = message {
            let config = try Kubeconfig(files.keys.sorted(), read: read(files))
            _ = try config.access(context: context, read: read([:]))
        }
        #expect(words.contains(expected), "\(words)")
    }

    @Test func `a list that holds itself is refused`() {
        let words = message {
            _ = try config(["/c": "current-context: a\nclusters: &a [*a]"]).access(context: nil, read: read([:]))
        }
        #expect(words.hasPrefix("/c: it is no YAML"), "\(words)")
    }

    @Test func `aliases that stand for millions of values are refused`() {
        var text = "a0: &a0 [x]\n"
        for level in 1..<12 {
            let parts = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ",")
            text += "a\(level): &a\(level) [\(parts)]\n"
        }
        #expect(message { _ = try config(["/c": text]) }.contains("more than 100000 values"))
    }

    @Test func `a pod finds its own service account`() {
        let files = ["/sa/token": "t", "/sa/namespace": "shop\n", "/sa/ca.crt": Self.pem]
        let variables = ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"]
        let access = ClusterAccess.inCluster(folder: "/sa", variable: { variables[$0] }, read: read(files))
        #expect(access?.server == "https://[fd00::1]:443" && access?.namespace == "shop")
        #expect(ClusterAccess.inCluster(folder: "/sa", variable: { _ in nil }, read: read(files)) == nil)
    }

    @Test(
        "a plugin that prints nonsense is named, and nothing of what it printed",
        arguments: [
            ("{}", "printed no ExecCredential"),
            (#"{"kind":"ExecCredential","apiVersion":"x/v1","status":{"token":"hush"}}"#, "printed another apiVersion"),
            (
                #"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"hush":1}}"#,
                "neither a token nor"
            ),
        ])
    func nonsense(output: String, expected: String) throws {
        let plugin = CredentialPlugin(
            command: "login", arguments: [], environment: [:], apiVersion: "client.authentication.k8s.io/v1",
            installHint: "ask ops", place: "/c: user `robot`")
        let words = message { _ = try plugin.answer(try JSONText.parse(output)) }
        #expect(words.contains(expected) && words.contains("/c: user `robot`") && words.contains("ask ops"))
        #expect(!words.contains("hush"))
    }
}

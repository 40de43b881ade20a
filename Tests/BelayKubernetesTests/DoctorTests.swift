import BelayCore
import BelayKubernetes
import BelayKubernetesDouble
import BelayKubernetesServer
import BelayPlatform
import Foundation
import Subprocess
import SystemPackage
import Testing

/// `belay doctor FILE` for a cluster, as the program itself, against the double's server.
@Suite("The doctor of a cluster", .serialized)
struct DoctorTests {
    private static let root = Recording.folder.appending(path: "../..").standardized.path

    /// What the program printed, and how it ended.
    private struct Visit {
        let status: Int
        let words: String
    }

    private func belay(_ arguments: [String], _ folder: String) async throws -> Visit {
        let result = try await Subprocess.run(
            .path(FilePath("\(Self.root)/.build/debug/belay")), arguments: Arguments(arguments),
            environment: .inherit.updating([
                "KUBECONFIG": "\(folder)/kubeconfig", "HOME": folder, "BELAY_DB": "\(folder)/belay.db",
            ]),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        guard case .exited(let code) = result.terminationStatus else { return Visit(status: -1, words: "") }
        return Visit(status: Int(code), words: result.standardOutput + result.standardError)
    }

    private func visit(
        _ server: TestServer, user: String = "{client-certificate: admin.crt, client-key: admin.key}",
        workload: String = "deployment: cart", traffic: String = "service: {name: cart}", authority: String = "ca.crt",
        context: String = "double"
    ) async throws -> Visit {
        try """
        apiVersion: v1
        kind: Config
        current-context: \(context)
        clusters: [{name: double, cluster: {server: "\(server.address)", certificate-authority: \(authority)}}]
        users: [{name: me, user: \(user)}]
        contexts: [{name: double, context: {cluster: double, user: me, namespace: shop}}]
        """.write(toFile: "\(server.folder)/kubeconfig", atomically: true, encoding: .utf8)
        let file = "\(server.folder)/release.yaml"
        try """
        apiVersion: belay.dev/v1
        kind: Rollout
        metadata: {name: cart}
        spec:
          revision: "2"
          workload: {kubernetes: {\(workload)}}
          traffic: {\(traffic)}
          strategy: {ref: blue-green}
          analysis: none
        """.write(toFile: file, atomically: true, encoding: .utf8)
        return try await belay(["doctor", file], server.folder)
    }

    @Test func `finds all that a release needs`() async throws {
        try await TestServer.run { server in
            server.makeShop()
            let found = try await visit(server)
            #expect(found.status == 0, "\(found.words)")
            for words in [
                "context double of", "Kubernetes 1.36", "3 of 3 pods ready", "selects app=cart; 3 pods of `cart`",
                "all 35 that",
            ] {
                #expect(found.words.contains(words), "\(words) is not in \(found.words)")
            }
        }
    }

    @Test func `names file, object and field of whatever is missing`() async throws {
        try await TestServer.run { server in
            server.makeShop()
            server.make(
                "/api/v1/namespaces/shop/services",
                #"{"metadata":{"name":"named"},"spec":{"selector":{"app":"cart"},"ports":[{"port":80,"targetPort":"web"}]}}"#
            )
            server.make(
                "/api/v1/namespaces/shop/services",
                #"{"metadata":{"name":"other"},"spec":{"selector":{"app":"shelf"},"ports":[{"port":80}]}}"#)
            server.make(
                "/api/v1/namespaces/shop/services",
                #"{"metadata":{"name":"outside"},"spec":{"type":"ExternalName","externalName":"cart.example.com"}}"#)
            server.make(
                "/api/v1/namespaces/shop/services", #"{"metadata":{"name":"manual"},"spec":{"ports":[{"port":80}]}}"#)
            let cases: [(workload: String, traffic: String, words: String)] = [
                (
                    "deployment: kart", "service: {name: cart}",
                    "release.yaml:6:39: spec.workload.kubernetes.deployment: there is no Deployment `kart` in namespace `shop`; there is `cart`"
                ),
                (
                    "deployment: cart, container: web", "service: {name: cart}",
                    "spec.workload.kubernetes.container: Deployment `cart` has no container `web`; it has `app`"
                ),
                (
                    "deployment: cart, namespace: nowhere", "service: {name: cart}",
                    "spec.workload.kubernetes.namespace: there is no namespace `nowhere`"
                ),
                ("deployment: cart, context: moon", "service: {name: cart}", "spec.workload.kubernetes.context: "),
                (
                    "deployment: cart", "service: {name: kart}",
                    "spec.traffic.service.name: there is no Service `kart` in namespace `shop`"
                ),
                (
                    "deployment: cart", "service: {name: named}",
                    "port 80 of Service `named` leads to the port `web`, which Deployment `cart` does not have"
                ),
                (
                    "deployment: cart", "service: {name: other}",
                    "Service `other` selects app=shelf, and the pods of Deployment `cart` have app=cart"
                ),
                (
                    "deployment: cart", "replicas: {service: outside}",
                    "Service `outside` is only another name for `cart.example.com`"
                ),
                ("deployment: cart", "service: {name: manual}", "Service `manual` has no selector"),
                ("deployment: Cart", "service: {name: cart}", "`Cart` is no name in Kubernetes"),
                (
                    #"deployment: cart, image: "cart:{{revison}}""#, "service: {name: cart}",
                    "spec.workload.kubernetes.image: `{{revison}}` has no value; there are name, revision"
                ),
                (
                    #"deployment: cart, set: {spec.template.metadata.labels.app: "{{revision}}"}"#,
                    "service: {name: cart}",
                    "Deployment `cart` finds its pods by `app=cart`, which cannot change"
                ),
                ("deployment: cart, mode: sideways", "service: {name: cart}", "spec.workload.kubernetes.mode"),
                ("deployments: {blue: cart, green: cart}", "service: {name: cart}", "both sides are `cart`"),
            ]
            for item in cases {
                let found = try await visit(server, workload: item.workload, traffic: item.traffic)
                #expect(found.status == 2 && found.words.contains(item.words), "\(item.words) is not in \(found.words)")
            }
        }
    }

    @Test func `two Deployments need a Service that can tell them apart, and that selects what it has to`() async throws
    {
        try await TestServer.run { server in
            server.make("/api/v1/namespaces", #"{"metadata":{"name":"shop"}}"#)
            for side in ["blue", "green"] {
                server.make(
                    "/apis/apps/v1/namespaces/shop/deployments",
                    TestServer.deployment.replacing(#""name":"cart""#, with: #""name":"\#(side)""#)
                        .replacing(#"{"app":"cart"}"#, with: #"{"app":"cart","side":"\#(side)"}"#))
            }
            let selectors = ["both": #"{"app":"cart"}"#, "one": #"{"side":"blue"}"#, "none": #"{"side":"red"}"#]
            for (name, selector) in selectors {
                server.make(
                    "/api/v1/namespaces/shop/services",
                    #"{"metadata":{"name":"\#(name)"},"spec":{"selector":\#(selector),"ports":[{"port":80,"targetPort":8080}]}}"#
                )
            }
            server.double.advance(by: .seconds(1))
            let workload = "deployments: {blue: blue, green: green}"
            let good = try await visit(server, workload: workload, traffic: "service: {name: one}")
            #expect(good.status == 0 && good.words.contains("that is `blue`"), "\(good.words)")
            let both = try await visit(server, workload: workload, traffic: "service: {name: both}")
            #expect(both.status == 2 && both.words.contains("which is both sides"), "\(both.words)")
            let none = try await visit(server, workload: workload, traffic: "service: {name: none}")
            #expect(none.status == 2 && none.words.contains("which is neither `blue` nor `green`"), "\(none.words)")
            let share = try await visit(server, workload: workload, traffic: "replicas: {service: one}")
            #expect(
                share.status == 2 && share.words.contains("need both `blue` and `green` behind it"), "\(share.words)")
            let behind = try await visit(server, workload: workload, traffic: "replicas: {service: both}")
            #expect(behind.status == 0, "\(behind.words)")
        }
    }

    @Test func `pods that serve nobody do not count, and whose the others are is looked up`() async throws {
        try await TestServer.run { server in
            server.makeShop()
            server.make(
                "/apis/batch/v1/namespaces/shop/jobs",
                #"{"metadata":{"name":"migrate"},"spec":{"template":{"metadata":{"labels":{"app":"cart"}},"#
                    + #""spec":{"restartPolicy":"Never","containers":[{"name":"m","image":"m:v1"}]}}}}"#
            )
            server.double.advance(by: .seconds(5))
            #expect(try await visit(server).status == 0)
            server.make(
                "/apis/apps/v1/namespaces/shop/replicasets",
                #"{"metadata":{"name":"cart-stray"},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"cart","x":"y"}},"#
                    + #""template":{"metadata":{"labels":{"app":"cart","x":"y"}},"spec":{"containers":[{"name":"app","image":"cart:v1"}]}}}}"#
            )
            server.double.advance(by: .seconds(1))
            let stray = try await visit(server)
            #expect(
                stray.status == 2 && stray.words.contains("2 pods of `ReplicaSet/cart-stray`, too"), "\(stray.words)")
        }
    }

    @Test func `a stable version that serves nobody, and a clone's name that is taken, are told`() async throws {
        try await TestServer.run { server in
            server.makeShop()
            server.make(
                "/apis/apps/v1/namespaces/shop/deployments",
                TestServer.deployment.replacing(#""name":"cart""#, with: #""name":"cart-canary""#)
                    .replacing(#"{"app":"cart"}"#, with: #"{"app":"else"}"#))
            let taken = try await visit(server)
            #expect(taken.status == 2 && taken.words.contains("a Deployment `cart-canary` already"), "\(taken.words)")
            let client = try server.client()
            defer { client.shutdown() }
            _ = try await client.patch(
                .deployments("shop"), "cart", .merge, .members(["spec": .members(["replicas": .int(0)])]))
            server.double.advance(by: .seconds(1))
            let empty = try await visit(server, workload: "deployment: cart, mode: inPlace")
            #expect(empty.status == 2 && empty.words.contains("Deployment `cart` has 0 replicas"), "\(empty.words)")
            #expect(!empty.words.contains("no pod has that"))
        }
    }

    @Test func `a Service switches all or nothing, and other commands know the cluster, too`() async throws {
        try await TestServer.run { server in
            server.makeShop()
            _ = try await visit(server)
            let file = "\(server.folder)/release.yaml"
            for (command, words) in [
                ("target", "idle    canary  backend cart-canary"),
                ("plan", "the selector of Service cart leads to cart-canary"),
            ] {
                let found = try await belay([command, file], server.folder)
                #expect(found.status == 0 && found.words.contains(words), "\(command): \(found.words)")
            }
            let rescue = try await belay(["rescue", file], server.folder)
            #expect(
                rescue.status == 2 && rescue.words.contains("no mark at Lease belay-cart in shop"), "\(rescue.words)")
            let text = try String(contentsOfFile: file, encoding: .utf8)
            try text.replacing("blue-green", with: "canary-10-25-50-100").write(
                toFile: file, atomically: true, encoding: .utf8)
            let found = try await belay(["lint", file], server.folder)
            #expect(found.status == 2 && found.words.contains("a Service switches all or nothing"), "\(found.words)")
        }
    }

    @Test func `pods of somebody else behind the same Service are told`() async throws {
        try await TestServer.run { server in
            server.makeShop()
            server.make(
                "/apis/apps/v1/namespaces/shop/deployments",
                TestServer.deployment.replacing(#""name":"cart""#, with: #""name":"stray""#)
                    .replacing(#"{"app":"cart"}"#, with: #"{"app":"cart","stray":"yes"}"#))
            server.double.advance(by: .seconds(1))
            let found = try await visit(server)
            #expect(found.status == 2 && found.words.contains("3 pods of `stray`, too"), "\(found.words)")
        }
    }

    @Test func `whoever may not is told what, and the Role that is printed is enough and no more than needed`()
        async throws
    {
        try await TestServer.run { server in
            server.makeShop()
            server.make("/api/v1/namespaces/shop/serviceaccounts", #"{"metadata":{"name":"belay"}}"#)
            server.double.know(.serviceAccount("shop", "belay"), byToken: "runner")
            let before = try await visit(server, user: "{token: runner}")
            #expect(
                before.status == 2 && before.words.contains("cannot get resource \"deployments\""), "\(before.words)")
            let role = try await belay(["doctor", "\(server.folder)/release.yaml", "--rbac"], server.folder)
            #expect(role.status == 0)
            for document in role.words.split(separator: "---\n") {
                let json = try YAMLText.parse(Array(document.utf8))
                let plural = json["kind"]?.string == "Role" ? "roles" : "rolebindings"
                server.make("/apis/rbac.authorization.k8s.io/v1/namespaces/shop/\(plural)", JSONText.write(json))
            }
            let after = try await visit(server, user: "{token: runner}")
            #expect(after.status == 0, "\(after.words)")
            let client = try server.client { $0.credential = .token("runner") }
            defer { client.shutdown() }
            for right in [
                KubernetesClient.Right("get", ResourcePath("", "v1", "secrets", namespace: "shop")),
                .init("patch", .deployments("shop"), name: "other"),
                .init("delete", .deployments("shop"), name: "cart"),
            ] {
                #expect(try await !client.may(right), "\(right.text)")
            }
        }
    }

    @Test func `who cannot be reached or believed is exit 8 or 2, with the reason`() async throws {
        try await TestServer.run { server in
            server.makeShop()
            let unknown = try await visit(server, user: "{token: expired}")
            #expect(unknown.status == 2 && unknown.words.contains("is not known or has expired"), "\(unknown.words)")
            let wrong = try await visit(server, authority: "admin.crt")
            #expect(wrong.status == 2 && wrong.words.contains("did not sign for this server's name"), "\(wrong.words)")
            let nobody = try await visit(server, context: "gone")
            #expect(
                nobody.status == 2 && nobody.words.contains("there is no context `gone`; there are `double`"),
                "\(nobody.words)")
            server.server.setFaults { $0.html = true }
            let page = try await visit(server)
            #expect(page.status == 8 && page.words.contains("is there a proxy in between?"), "\(page.words)")
            server.server.setFaults { $0.html = false }
            let plugin = try await visit(
                server, user: "{exec: {apiVersion: client.authentication.k8s.io/v1, command: echo, args: [hush]}}")
            #expect(
                plugin.status == 2 && plugin.words.contains("the credential plugin `echo` printed no JSON"),
                "\(plugin.words)")
            #expect(!plugin.words.contains("hush"))
            await server.server.goAway()
            let away = try await visit(server)
            #expect(away.status == 8, "\(away.words)")
        }
    }

    @Test func `a namespace that is being deleted, and a Deployment that is paused, are no place to release`()
        async throws
    {
        try await TestServer.run { server in
            server.makeShop()
            let client = try server.client()
            defer { client.shutdown() }
            _ = try await client.patch(
                .deployments("shop"), "cart", .merge, .members(["spec": .members(["paused": .bool(true)])]))
            #expect(try await visit(server).words.contains("Deployment `cart` is paused"))
            server.make(
                "/api/v1/namespaces/shop/configmaps", #"{"metadata":{"name":"kept","finalizers":["example.com/keep"]}}"#
            )
            let headers = [("Authorization", "Bearer admin-token")]
            _ = server.double.answer(APIRequest(method: "DELETE", target: "/api/v1/namespaces/shop", headers: headers))
            #expect(try await visit(server).words.contains("namespace `shop` is being deleted"))
        }
    }

    @Test func `a plugin that hangs is ended, and named`() async throws {
        try await TestServer.run { server in
            var plugin = CredentialPlugin(
                command: "sleep", arguments: ["600"], environment: [:], apiVersion: "client.authentication.k8s.io/v1",
                installHint: nil, place: "/c: user `me`")
            plugin.timeout = .milliseconds(200)
            let client = try server.client { [plugin] in $0.credential = .plugin(plugin) }
            defer { client.shutdown() }
            do {
                _ = try await client.version()
                Issue.record("a plugin that hangs gave a credential")
            } catch let error as KubernetesError {
                #expect(error.message.contains("/c: user `me`: the credential plugin `sleep` has not ended"))
            }
        }
    }

    @Test func `what lies in deploy is what the example's file needs`() async throws {
        let folder = "\(Self.root)/deploy/kubernetes"
        let printed = try await belay(["doctor", "\(folder)/example/release.yaml", "--rbac"], folder)
        #expect(try printed.words == String(contentsOfFile: "\(folder)/role.yaml", encoding: .utf8))
        try await TestServer.run { server in
            server.make("/api/v1/namespaces", #"{"metadata":{"name":"shop"}}"#)
            let paths = [
                "service-account": "/api/v1/namespaces/shop/serviceaccounts",
                "network-policy": "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies",
            ]
            for (name, path) in paths {
                let json = try YAMLText.parse(TestServer.read("\(folder)/\(name).yaml")!)
                server.make(path + "?fieldValidation=Strict", JSONText.write(json))
            }
            #expect(server.double.object("ServiceAccount", "shop", "belay") != nil)
            let policy = server.double.object("NetworkPolicy", "shop", "belay")
            #expect(policy != nil)
            // The example asks http://prometheus.monitoring:9090, and the API server.
            let text = JSONText.write(policy ?? .null)
            for port in ["53", "443", "6443", "9090"] { #expect(text.contains("\"port\":\(port)")) }
            #expect(text.contains("monitoring"))
        }
    }
}

import BelayCore
import BelayKubernetes
import BelayKubernetesDouble
import BelayKubernetesServer
import BelayPlatform
import Foundation
import Testing

/// The client against the double's server, over TLS.
@Suite("The Kubernetes client", .serialized)
struct ClientTests {
    private func kind(_ body: () async throws -> Void) async -> KubernetesError.Kind? {
        do { try await body() } catch let error as KubernetesError { return error.kind } catch {}
        return nil
    }

    @Test("reads, lists in pages and changes over both versions of HTTP", arguments: [true, false])
    func calls(isHTTP2: Bool) async throws {
        try await TestServer.run(isHTTP2: isHTTP2) { server in
            server.makeShop()
            for number in 0..<1100 {
                server.make(
                    "/api/v1/namespaces/shop/configmaps",
                    #"{"metadata":{"name":"c\#(number)"},"data":{"n":"\#(number)"}}"#)
            }
            let client = try server.client()
            defer { client.shutdown() }
            #expect(try await client.version() == "1.36")
            let maps = ResourcePath("", "v1", "configmaps", namespace: "shop")
            let (names, _) = try await client.list(maps) { $0["metadata"]?["name"]?.string }
            #expect(Set(names).count == 1100)
            let answer = try await client.patch(
                .deployments("shop"), "cart", .merge, .members(["spec": .members(["replicas": .int(2)])]))
            #expect(answer.body["spec"]?["replicas"]?.int == 2)
            let updated = try await client.update(.deployments("shop"), "cart") { object in
                #expect(object["spec"]?["replicas"]?.int == 2)
                object.put(.int(5), at: "spec", "replicas")
            }
            #expect(updated.body["spec"]?["replicas"]?.int == 5)
            #expect(try await client.has(.endpointSlices("shop")))
            #expect(try await !client.has(ResourcePath("split.smi-spec.io", "v1", "trafficsplits")))
        }
    }

    @Test func `what somebody else has changed is read again and changed anew, and not for ever`() async throws {
        try await TestServer.run { server in
            server.makeShop()
            let client = try server.client()
            defer { client.shutdown() }
            server.server.setFaults { $0.conflicts = 3 }
            _ = try await client.update(.deployments("shop"), "cart") { $0.put(.int(4), at: "spec", "replicas") }
            #expect(server.double.object("Deployment", "shop", "cart")?.at("spec", "replicas") == .int(4))
            server.server.setFaults { $0.conflicts = 100 }
            let kind = await kind {
                _ = try await client.update(.deployments("shop"), "cart") { $0.put(.int(9), at: "spec", "replicas") }
            }
            #expect(kind == .conflict)
            #expect(server.server.faults.conflicts == 95)
        }
    }

    @Test func `a test that does not hold and a map that is missing are told as what they are`() async throws {
        try await TestServer.run { server in
            server.makeShop()
            let client = try server.client()
            defer { client.shutdown() }
            for path in ["/spec/replicas", "/metadata/annotations/belay.dev~1epoch"] {
                let patch: JSONValue = .array([
                    .members(["op": "test", "path": .string(path), "value": "7"]),
                    .members(["op": "replace", "path": "/spec/replicas", "value": .int(9)]),
                ])
                let found = await kind { _ = try await client.patch(.deployments("shop"), "cart", .json, patch) }
                #expect(found == .testFailed)
                guard case .refused(let present?) = try await client.patchTested(.deployments("shop"), "cart", patch)
                else {
                    Issue.record("the object was not read again")
                    return
                }
                #expect(present["spec"]?["replicas"]?.int == 3)
            }
            let good: JSONValue = .array([
                .members(["op": "test", "path": "/spec/replicas", "value": .int(3)]),
                .members(["op": "replace", "path": "/spec/replicas", "value": .int(4)]),
            ])
            guard case .done(let changed) = try await client.patchTested(.deployments("shop"), "cart", good) else {
                Issue.record("a test that holds was refused")
                return
            }
            #expect(changed["spec"]?["replicas"]?.int == 4)
            let wrong: JSONValue = .members(["spec": .members(["replicas": .int(-1)])])
            #expect(await kind { _ = try await client.patch(.deployments("shop"), "cart", .merge, wrong) } == .invalid)
            #expect(await kind { _ = try await client.get(.deployments("shop"), "nothing") } == .notFound)
        }
    }

    @Test func `a server that is busy is asked again, and a write whose end is unknown is not sent twice`() async throws
    {
        try await TestServer.run { server in
            server.makeShop()
            let client = try server.client()
            defer { client.shutdown() }
            server.server.setFaults { ($0.tooMany, $0.retryAfter) = (2, 0) }
            _ = try await client.get(.deployments("shop"), "cart")
            server.server.setFaults { ($0.failures, $0.retryAfter) = (2, nil) }
            _ = try await client.get(.deployments("shop"), "cart")
            server.server.setFaults { ($0.failures, $0.retryAfter) = (1, nil) }
            let name: JSONValue = .members(["metadata": .members(["generateName": "once-"])])
            let maps = ResourcePath("", "v1", "configmaps", namespace: "shop")
            #expect(await kind { _ = try await client.create(maps, name) } == .server)
            server.server.setFaults { $0.resetsAfter = 1 }
            #expect(await kind { _ = try await client.create(maps, name) } == .unreachable)
            #expect(try await client.list(maps).items.count == 1)
            server.server.setFaults { ($0.tooMany, $0.retryAfter) = (1, 0) }
            _ = try await client.create(maps, name)
            #expect(try await client.list(maps).items.count == 2)
        }
    }

    @Test func `who is no API server, or not the right one, is said`() async throws {
        try await TestServer.run { server in
            server.makeShop()
            server.server.setFaults { $0.html = true }
            let client = try server.client()
            do {
                _ = try await client.patch(.deployments("shop"), "cart", .merge, .members([:]))
                Issue.record("a page of HTML was taken for an answer")
            } catch let error as KubernetesError {
                #expect(error.message.contains("is there a proxy in between?"))
            }
            client.shutdown()
            server.server.setFaults { $0.html = false }
            let stranger = try server.client { $0.authority = nil }
            #expect(await kind { _ = try await stranger.get(path: "/version", timeout: .seconds(1)) } == .configuration)
            stranger.shutdown()
            let named = try server.client { ($0.serverName, $0.server) = ("kubernetes.test", server.address) }
            #expect(try await named.version() == "1.36")
            named.shutdown()
            let misnamed = try server.client { $0.serverName = "other.test" }
            #expect(await kind { _ = try await misnamed.get(path: "/version", timeout: .seconds(1)) } == .configuration)
            misnamed.shutdown()
        }
    }

    @Test func `a certificate, a token's file and a plugin each open the door, and what was refused is read anew`()
        async throws
    {
        try await TestServer.run { server in
            server.makeShop()
            let certificate = TestServer.read("\(server.folder)/admin.crt")!
            let key = TestServer.read("\(server.folder)/admin.key")!
            let file = "\(server.folder)/token"
            try "old-token".write(toFile: file, atomically: true, encoding: .utf8)
            let script = "\(server.folder)/plugin.sh"
            try """
            #!/bin/sh
            echo run >> "\(server.folder)/runs"
            echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"admin-token"}}'
            """.write(toFile: script, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: script)
            let plugin = CredentialPlugin(
                command: script, arguments: [], environment: [:], apiVersion: "client.authentication.k8s.io/v1",
                installHint: nil, place: "a test")
            for credential in [ClusterAccess.Credential.certificate(certificate, key: key), .plugin(plugin)] {
                let client = try server.client { $0.credential = credential }
                for _ in 0..<3 { _ = try await client.get(.deployments("shop"), "cart") }
                client.shutdown()
            }
            #expect(try String(contentsOfFile: "\(server.folder)/runs", encoding: .utf8) == "run\n")
            let client = try server.client { $0.credential = .tokenFile(file) }
            #expect(await kind { _ = try await client.get(.deployments("shop"), "cart") } == .unauthorized)
            try "admin-token".write(toFile: file, atomically: true, encoding: .utf8)
            _ = try await client.get(.deployments("shop"), "cart")
            client.shutdown()
        }
    }

    @Test func `one may ask for somebody else, and what that one may do is known`() async throws {
        try await TestServer.run { server in
            server.makeShop()
            let client = try server.client { $0.impersonation = .init(user: "bob") }
            defer { client.shutdown() }
            #expect(await kind { _ = try await client.get(.deployments("shop"), "cart") } == .forbidden)
            #expect(try await !client.may(.init("patch", .deployments("shop"), name: "cart")))
            let roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop"
            server.make(
                "\(roles)/roles",
                #"{"metadata":{"name":"r"},"rules":[{"verbs":["get","patch"],"apiGroups":["apps"],"resources":["deployments"],"resourceNames":["cart"]}]}"#
            )
            server.make(
                "\(roles)/rolebindings",
                #"{"metadata":{"name":"r"},"subjects":[{"kind":"User","name":"bob"}],"roleRef":{"kind":"Role","name":"r"}}"#
            )
            #expect(try await client.may(.init("patch", .deployments("shop"), name: "cart")))
            #expect(try await !client.may(.init("patch", .deployments("shop"), name: "other")))
            _ = try await client.get(.deployments("shop"), "cart")
        }
    }

    @Test func `the server's warnings are passed on`() async throws {
        try await TestServer.run { server in
            server.makeShop()
            let told = Locked<[String]>([])
            let client = try server.client(note: { words in told.withLock { $0.append(words) } })
            defer { client.shutdown() }
            _ = try await client.patch(
                .deployments("shop"), "cart", .merge, .members(["spec": .members(["replikas": .int(2)])]))
            #expect(told.withLock { $0 } == ["unknown field \"spec.replikas\""])
        }
    }

    @Test func `controllers that hang do nothing until they wake, and then everything`() async throws {
        try await TestServer.run { server in
            let until = server.double.now.advanced(by: .seconds(30))
            server.double.setPods { $0.controllersHangUntil = until }
            server.makeShop()
            server.double.advance(by: .seconds(20))
            #expect(server.double.object("Deployment", "shop", "cart")?.at("status", "observedGeneration") == nil)
            server.double.advance(by: .seconds(20))
            #expect(server.double.object("Deployment", "shop", "cart")?.at("status", "readyReplicas") == .int(3))
        }
    }

    @Test func `a line without an end is refused before it fills the memory`() throws {
        var lines = LineReader()
        let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        for _ in 0..<16 { #expect(try lines.add(piece).isEmpty) }
        #expect(throws: KubernetesError.self) { _ = try lines.add(piece) }
    }

    @Test func `numbers that no machine number holds are carried on as they were`() throws {
        let text = #"{"a":123456789012345678901234567890,"b":0.12345678901234567890123,"c":1.5,"d":9007199254740993}"#
        #expect(try JSONText.write(JSONText.parse(text)) == text)
    }
}

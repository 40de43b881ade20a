import BelayKubernetesServer
import Foundation
import Subprocess
import SystemPackage
import Testing

/// Two clients that nobody here wrote find in the double what they expect of a server: Debian's `kubectl` and PyPI's `kubernetes`.
/// `scripts/setup test` brings both.
@Suite("Other people's clients", .serialized)
struct PeerTests {
    private static let peers = Recording.folder.appending(path: "../../.build/peers").standardized.path
    private static let kubectl = "\(peers)/kubectl"
    private static let python = "\(peers)/python/bin/python"
    private static let files = Recording.folder.appending(path: "Peers").path

    private func run(_ program: String, _ arguments: [String], _ server: TestServer) async throws -> String {
        let result = try await Subprocess.run(
            .path(FilePath(program)), arguments: Arguments(arguments),
            environment: .inherit.updating(["KUBECONFIG": "\(server.folder)/kubeconfig", "HOME": server.folder]),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        #expect(result.terminationStatus.isSuccess, "\(arguments): \(result.standardError)")
        return result.standardOutput
    }

    private func withServer(_ body: (TestServer) async throws -> Void) async throws {
        try await TestServer.run { server in
            try server.server.certificates.writeKubeconfig(server: server.address, namespace: "shop")
            server.server.makeNamespaces()
            server.server.run(speed: 5)
            try await body(server)
        }
    }

    @Test("kubectl releases, undoes, restarts and looks", .enabled(if: FileManager.default.fileExists(atPath: kubectl)))
    func release() async throws {
        try await withServer { server in
            func kubectl(_ words: String) async throws -> String {
                try await run(Self.kubectl, words.split(separator: " ").map(String.init), server)
            }
            func image() async throws -> String {
                try await kubectl("get deployment cart -o jsonpath={.spec.template.spec.containers[0].image}")
            }
            _ = try await kubectl("create namespace shop")
            #expect(
                try await kubectl("apply --validate=false -f \(Self.files)/cart.yaml").contains(
                    "deployment.apps/cart created"))
            #expect(try await kubectl("rollout status deployment/cart").contains("successfully rolled out"))
            #expect(
                try await kubectl("apply --validate=false -f \(Self.files)/cart.yaml").contains(
                    "deployment.apps/cart unchanged"))
            _ = try await kubectl("set image deployment/cart app=cart:v2-ready2")
            #expect(try await kubectl("rollout status deployment/cart").contains("successfully rolled out"))
            #expect(try await image() == "cart:v2-ready2")
            #expect(try await kubectl("rollout history deployment/cart").contains("2 "))
            _ = try await kubectl("rollout undo deployment/cart")
            #expect(try await kubectl("rollout status deployment/cart").contains("successfully rolled out"))
            #expect(try await image() == "cart:v1")
            _ = try await kubectl("rollout restart deployment/cart")
            #expect(
                try await kubectl("wait --for=condition=Available deployment/cart --timeout=60s").contains(
                    "condition met"))
            let words = try await kubectl("describe deployment cart")
            #expect(words.contains("NewReplicaSetAvailable") && words.contains("ScalingReplicaSet"))
            #expect(try await kubectl("describe service cart").contains("10.64."))
            #expect(try await kubectl("get pods -l app=cart").split(separator: "\n").count >= 4)
            #expect(try await kubectl("logs deployment/cart").contains("listening on 8080"))
            #expect(try await kubectl("scale deployment/cart --replicas=1").contains("scaled"))
            #expect(try await kubectl("get deployment cart -o jsonpath={.spec.replicas}") == "1")
        }
    }

    @Test(
        "Python's client watches, applies and meets a conflict",
        .enabled(if: FileManager.default.fileExists(atPath: python)))
    func apply() async throws {
        try await withServer { server in
            server.make("/api/v1/namespaces", #"{"metadata":{"name":"shop"}}"#)
            let printed = try await run(Self.python, ["\(Self.files)/peer.py"], server)
            #expect(
                printed.split(separator: "\n").map(String.init) == [
                    "ready", "409 Conflict", "py:v2", "one,two,kube-controller-manager",
                ])
        }
    }
}

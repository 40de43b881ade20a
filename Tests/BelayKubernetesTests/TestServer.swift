import BelayCore
import BelayKubernetes
import BelayKubernetesDouble
import BelayKubernetesServer
import BelayPlatform
import Foundation

/// A server on a port of its own, with a folder that goes with it.
struct TestServer: Sendable {
    let server: KubernetesServer
    let port: Int
    let folder: String

    var double: KubernetesDouble { server.double }
    var address: String { "https://127.0.0.1:\(port)" }

    /// Runs a body beside a server, and ends it afterwards.
    static func run(isHTTP2: Bool = true, _ body: (TestServer) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "belay-kube-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let double = KubernetesDouble(now: Timestamp(milliseconds: 1_764_300_000_000))
        double.know(.admin, byToken: "admin-token")
        let server = try KubernetesServer(double, try await Certificates.make(in: folder), isHTTP2: isHTTP2)
        let port = try await server.start()
        let result = await Result { try await body(TestServer(server: server, port: port, folder: folder)) }
        await server.stop()
        try result.get()
    }

    /// How the administrator reaches it.
    func access(_ credential: ClusterAccess.Credential = .token("admin-token")) throws -> ClusterAccess {
        var access = ClusterAccess(
            server: address, context: "double", namespace: "shop", credential: credential, origin: "a test")
        access.authority = Self.read("\(folder)/ca.crt")
        return access
    }

    func client(
        _ change: (inout ClusterAccess) -> Void = { _ in }, note: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> KubernetesClient {
        var access = try access()
        change(&access)
        return KubernetesClient(access, read: { Self.read($0) }, note: note)
    }

    static func read(_ path: String) -> [UInt8]? { FileManager.default.contents(atPath: path).map(Array.init) }

    /// Creates an object by the back door.
    func make(_ path: String, _ json: String) {
        let headers = [("Authorization", "Bearer admin-token"), ("Content-Type", "application/json")]
        _ = double.answer(APIRequest(method: "POST", target: path, headers: headers, body: Array(json.utf8)))
    }

    /// The namespace `shop` with the Deployment and the Service `cart`, ready.
    func makeShop() {
        make("/api/v1/namespaces", #"{"metadata":{"name":"shop"}}"#)
        make("/apis/apps/v1/namespaces/shop/deployments", Self.deployment)
        make(
            "/api/v1/namespaces/shop/services",
            #"{"metadata":{"name":"cart"},"spec":{"selector":{"app":"cart"},"ports":[{"port":80,"targetPort":8080}]}}"#)
        double.advance(by: .seconds(1))
    }

    static let deployment = """
        {"metadata":{"name":"cart","labels":{"app":"cart"}},"spec":{"replicas":3,"selector":{"matchLabels":{"app":"cart"}},
        "template":{"metadata":{"labels":{"app":"cart"}},"spec":{"containers":[{"name":"app","image":"cart:v1",
        "ports":[{"containerPort":8080}]}]}}}}
        """
}

extension Result where Failure == any Error {
    init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}

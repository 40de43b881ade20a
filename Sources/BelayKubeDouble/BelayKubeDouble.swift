internal import BelayCore
internal import BelayKubernetesDouble
internal import BelayKubernetesServer
internal import Foundation

/// `belay-kube-double [--port N] [--speed N] [--folder PATH]`: the API double, started by hand. It prints where its kubeconfig is.
@main
struct BelayKubeDouble {
    private static let usage = """
        usage: belay-kube-double [--port N] [--speed N] [--folder PATH] [--shop]
          --port     where it listens on 127.0.0.1; any free port else
          --speed    how many times faster than this machine's clock the cluster's goes; 1 else
          --folder   where certificates and kubeconfig are written; a temporary one else
          --shop     with a namespace `shop`, and in it a Deployment and a Service `checkout`
        A Kubernetes API server in memory, with controllers, for trying things out. What it does and what not is in
        docs/kubernetes-double.md. It ends with SIGINT or SIGTERM and keeps nothing.
        """

    static func main() async throws {
        guard let options = Options(CommandLine.arguments.dropFirst()) else {
            FileHandle.standardError.write(Data((usage + "\n").utf8))
            exit(64)
        }
        let folder = options.folder ?? FileManager.default.temporaryDirectory.appending(path: "belay-kube-double").path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let double = KubernetesDouble(now: Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)))
        double.know(.admin, byToken: "admin")
        let server = try KubernetesServer(double, try await Certificates.make(in: folder))
        let port = try await server.start(port: options.port)
        server.makeNamespaces()
        if options.hasShop { Self.makeShop(double) }
        server.run(speed: options.speed)
        let path = try server.certificates.writeKubeconfig(server: "https://127.0.0.1:\(port)", namespace: "default")
        FileHandle.standardOutput.write(
            Data("listening on https://127.0.0.1:\(port)\nexport KUBECONFIG=\(path)\n".utf8))
        let ended = await Signals.wait(for: [SIGINT, SIGTERM])
        await server.stop()
        print("ended by signal \(ended)")
    }

    /// What most first steps need.
    private static func makeShop(_ double: KubernetesDouble) {
        let labels = #"{"app":"checkout"}"#
        let pod = #"{"containers":[{"name":"app","image":"registry/checkout:v1","ports":[{"containerPort":8080}]}]}"#
        let objects = [
            ("/api/v1/namespaces", #"{"metadata":{"name":"shop"}}"#),
            (
                "/apis/apps/v1/namespaces/shop/deployments",
                #"{"metadata":{"name":"checkout","labels":\#(labels)},"spec":{"replicas":3,"selector":{"matchLabels":\#(labels)},"#
                    + #""template":{"metadata":{"labels":\#(labels)},"spec":\#(pod)}}}"#
            ),
            (
                "/api/v1/namespaces/shop/services",
                #"{"metadata":{"name":"checkout"},"spec":{"selector":\#(labels),"ports":[{"port":80,"targetPort":8080}]}}"#
            ),
        ]
        for (path, json) in objects {
            let headers = [("Authorization", "Bearer admin"), ("Content-Type", "application/json")]
            _ = double.answer(APIRequest(method: "POST", target: path, headers: headers, body: Array(json.utf8)))
        }
        double.advance(by: .seconds(2))
    }
}

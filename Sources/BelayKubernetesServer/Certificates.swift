internal import Foundation
internal import Subprocess
internal import SystemPackage

/// An authority of its own, a server's certificate for this machine and a client's, made anew for each server by `openssl`.
package struct Certificates: Sendable {
    /// What could not be made.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// The folder with `ca.crt`, `server.crt`, `server.key`, `admin.crt` and `admin.key`, PEM each.
    package let folder: String

    /// - Parameter folder: It must exist.
    /// - Throws: ``Failure`` with `openssl`'s words.
    package static func make(in folder: String) async throws -> Certificates {
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650"]
        try await run(
            ["req", "-x509", "-keyout", "\(folder)/ca.key", "-out", "\(folder)/ca.crt", "-subj", "/CN=belay-double"]
                + key)
        try await sign(
            "server", "/CN=localhost", ["subjectAltName=DNS:localhost,DNS:kubernetes.test,IP:127.0.0.1"], folder, key)
        try await sign("admin", "/O=system:masters/CN=admin", [], folder, key)
        return Certificates(folder: folder)
    }

    private static func sign(
        _ name: String, _ subject: String, _ extensions: [String], _ folder: String, _ key: [String]
    ) async throws {
        let added = extensions.flatMap { ["-addext", $0] }
        try await run(
            [
                "req", "-x509", "-CA", "\(folder)/ca.crt", "-CAkey", "\(folder)/ca.key", "-keyout",
                "\(folder)/\(name).key", "-out",
                "\(folder)/\(name).crt", "-subj", subject, "-addext", "basicConstraints=critical,CA:FALSE",
            ] + added + key)
    }

    /// Writes a kubeconfig beside them, with the context `double` of the administrator.
    /// - Parameters:
    ///   - server: `https://127.0.0.1:6443`
    ///   - namespace: The context's.
    /// - Returns: Its path.
    @discardableResult
    package func writeKubeconfig(server: String, namespace: String) throws -> String {
        let path = "\(folder)/kubeconfig"
        try """
        apiVersion: v1
        kind: Config
        current-context: double
        clusters: [{name: double, cluster: {server: "\(server)", certificate-authority: ca.crt}}]
        users: [{name: admin, user: {client-certificate: admin.crt, client-key: admin.key}}]
        contexts: [{name: double, context: {cluster: double, user: admin, namespace: \(namespace)}}]

        """.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private static func run(_ arguments: [String]) async throws {
        let result = try await Subprocess.run(
            .name("openssl"), arguments: Arguments(arguments), output: .discarded, error: .string(limit: 4096))
        guard result.terminationStatus.isSuccess else {
            throw Failure(description: "openssl \(arguments.joined(separator: " ")): \(result.standardError)")
        }
    }
}

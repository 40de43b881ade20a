internal import BelayCore
internal import BelayPlatform

/// Kubeconfig files, read as `kubectl` reads them.
/// https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig
package struct Kubeconfig: Sendable {
    /// An entry, with the file that it is from.
    private struct Entry: Sendable {
        let value: JSONValue
        let file: String
        /// Its place in the list, for messages.
        let index: Int
    }

    private var entries: [String: [String: Entry]] = [:]
    private var current: (name: String, file: String)?
    /// The files that were read, in their order.
    private var files: [String] = []

    /// Larger files are refused.
    package static let largest = 4 << 20

    /// Reads and joins the files: the first one that has an entry of a name wins.
    /// - Parameters:
    ///   - files: As `KUBECONFIG` lists them; one that does not exist is passed over.
    ///   - read: The bytes of a file; nil where it does not exist.
    /// - Throws: ``KubernetesError`` `.configuration`, naming file and place, where one cannot be read or none exists.
    package init(_ files: [String], read: (String) throws -> [UInt8]?) throws(KubernetesError) {
        var seen: [String] = []
        for file in files where !seen.contains(file) {
            let bytes: [UInt8]?
            do { bytes = try read(file) } catch { throw Self.failure("\(file): \(error)") }
            guard let bytes else { continue }
            seen.append(file)
            guard bytes.count <= Self.largest else {
                throw Self.failure("\(file) is larger than \(Self.largest) bytes")
            }
            if bytes.allSatisfy({ $0 <= 0x20 }) { continue }
            let json: JSONValue
            do throws(JSONText.Failure) {
                json = try YAMLText.parse(bytes)
            } catch {
                throw Self.failure("\(file): it is no YAML: \(error.message)")
            }
            guard case .object = json else { throw Self.failure("\(file): a kubeconfig is an object") }
            try add(json, file)
        }
        guard !seen.isEmpty else {
            let names = files.joined(separator: ", ")
            throw Self.failure("there is no kubeconfig: \(names.isEmpty ? "KUBECONFIG is empty" : names)")
        }
        self.files = seen
    }

    private static func failure(_ message: String) -> KubernetesError { KubernetesError(.configuration, message) }

    private mutating func add(_ json: JSONValue, _ file: String) throws(KubernetesError) {
        for list in ["clusters", "contexts", "users"] {
            guard let items = json[list], items != .null else { continue }
            guard case .array(let items) = items else { throw Self.failure("\(file): `\(list)` is a list") }
            for (index, item) in items.enumerated() {
                guard let name = item["name"]?.string else {
                    throw Self.failure("\(file): \(list)[\(index)] has no name")
                }
                let key = String(list.dropLast())
                let value = item[key] ?? .object([])
                if entries[list]?[name] == nil {
                    entries[list, default: [:]][name] = Entry(value: value, file: file, index: index)
                }
            }
        }
        if current == nil, let name = json["current-context"]?.string, !name.isEmpty { current = (name, file) }
    }

    // MARK: Contexts

    /// The names of all contexts, in alphabetical order.
    package var contexts: [String] { (entries["contexts"] ?? [:]).keys.sorted() }

    /// Who is reached, and as whom, in a context.
    /// - Parameters:
    ///   - name: nil: the current one.
    ///   - read: The bytes of a file that an entry names; nil where it does not exist.
    /// - Throws: ``KubernetesError`` `.configuration`, naming file, entry and field.
    package func access(
        context name: String?, read: (String) throws -> [UInt8]?
    ) throws(KubernetesError) -> ClusterAccess {
        let all = files.joined(separator: ", ")
        guard let name = name ?? current?.name else {
            throw Self.failure("\(all): no current-context is set; there are \(list(contexts))")
        }
        guard let context = entries["contexts"]?[name] else {
            throw Self.failure("\(all): there is no context `\(name)`; there are \(list(contexts))")
        }
        let clusterName = context.value["cluster"]?.string ?? ""
        guard let cluster = entries["clusters"]?[clusterName] else {
            throw Self.failure("\(context.file): context `\(name)`: there is no cluster `\(clusterName)`")
        }
        guard let server = cluster.value["server"]?.string, !server.isEmpty else {
            throw Self.failure("\(cluster.file): cluster `\(clusterName)` has no `server`")
        }
        guard server.hasPrefix("https://") || server.hasPrefix("http://") else {
            throw Self.failure(
                "\(cluster.file): cluster `\(clusterName)`: server: `\(server)` is no http or https address")
        }
        let userName = context.value["user"]?.string ?? ""
        let user = entries["users"]?[userName]
        if user == nil, !userName.isEmpty {
            throw Self.failure("\(context.file): context `\(name)`: there is no user `\(userName)`")
        }
        let space = context.value["namespace"]?.string ?? ""
        var access = ClusterAccess(
            server: server, context: name, namespace: space.isEmpty ? "default" : space,
            credential: try user.map { user throws(KubernetesError) in try credential(user, userName, read) } ?? .none,
            origin: context.file)
        access.authority = try material(cluster, "cluster `\(clusterName)`", "certificate-authority", read)
        if let user { access.ownCertificate = try ownCertificate(user, "user `\(userName)`", read) }
        access.isInsecure = cluster.value["insecure-skip-tls-verify"]?.bool ?? false
        func text(_ entry: Entry?, _ key: String) -> String? {
            entry?.value[key]?.string.flatMap { $0.isEmpty ? nil : $0 }
        }
        access.serverName = text(cluster, "tls-server-name")
        access.proxy = text(cluster, "proxy-url")
        if let user, text(user, "as") == nil,
            user.value["as-groups"]?.array?.isEmpty == false || text(user, "as-uid") != nil
        {
            throw Self.failure("\(user.file): user `\(userName)` has as-groups or as-uid and no `as`")
        }
        if let user, user.value["as-user-extra"] != nil {
            throw Self.failure("\(user.file): user `\(userName)`: as-user-extra is not known here")
        }
        if case .plugin(var plugin) = access.credential, user?.value["exec"]?["provideClusterInfo"]?.bool == true {
            plugin.cluster = Self.information(access, cluster.value)
            access.credential = .plugin(plugin)
        }
        if let other = text(user, "as") {
            access.impersonation = .init(
                user: other, groups: user?.value["as-groups"]?.strings ?? [], uid: user?.value["as-uid"]?.string)
        }
        return access
    }

    private func list(_ names: [String]) -> String {
        names.isEmpty ? "none" : names.map { "`\($0)`" }.joined(separator: ", ")
    }

    /// What a plugin is told of the cluster.
    /// https://kubernetes.io/docs/reference/config-api/client-authentication.v1
    private static func information(_ access: ClusterAccess, _ cluster: JSONValue) -> JSONValue {
        let own = (cluster["extensions"]?.array ?? []).first {
            $0["name"]?.string == "client.authentication.k8s.io/exec"
        }
        return .members([
            "server": .string(access.server), "tls-server-name": access.serverName.map { .string($0) },
            "insecure-skip-tls-verify": access.isInsecure ? .bool(true) : nil,
            "certificate-authority-data": access.authority.map { .string(Base64.encode($0)) },
            "proxy-url": access.proxy.map { .string($0) }, "config": own?["extension"],
        ])
    }

    private func credential(
        _ user: Entry, _ name: String, _ read: (String) throws -> [UInt8]?
    ) throws(KubernetesError) -> ClusterAccess.Credential {
        let place = "user `\(name)`"
        if let exec = user.value["exec"], exec != .null {
            return .plugin(try plugin(exec, "\(user.file): \(place)", user.file))
        }
        // The file counts before the token, which is what was in it once.
        if let file = user.value["tokenFile"]?.string, !file.isEmpty {
            return .tokenFile(Self.path(file, besides: user.file))
        }
        if let token = user.value["token"]?.string, !token.isEmpty { return .token(token) }
        if let own = try ownCertificate(user, place, read) { return .certificate(own.certificate, key: own.key) }
        if let basic = user.value["username"]?.string, let password = user.value["password"]?.string {
            return .basic(user: basic, password: password)
        }
        if let provider = user.value["auth-provider"]?["name"]?.string {
            throw Self.failure(
                "\(user.file): \(place): auth-provider `\(provider)` was removed from Kubernetes in 1.26; use an exec plugin"
            )
        }
        return .none
    }

    private func ownCertificate(
        _ user: Entry, _ place: String, _ read: (String) throws -> [UInt8]?
    ) throws(KubernetesError) -> ClusterAccess.OwnCertificate? {
        guard let certificate = try material(user, place, "client-certificate", read) else { return nil }
        guard let key = try material(user, place, "client-key", read) else {
            throw Self.failure("\(user.file): \(place) has a client-certificate and no client-key")
        }
        return .init(certificate: certificate, key: key)
    }

    private func plugin(_ exec: JSONValue, _ place: String, _ file: String) throws(KubernetesError) -> CredentialPlugin
    {
        guard let command = exec["command"]?.string, !command.isEmpty else {
            throw Self.failure("\(place): exec has no `command`")
        }
        let version = exec["apiVersion"]?.string ?? ""
        guard ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"].contains(version) else {
            throw Self.failure(
                "\(place): exec.apiVersion is `\(version)`; v1 and v1beta1 of client.authentication.k8s.io are known")
        }
        if exec["interactiveMode"]?.string == "Always" {
            throw Self.failure("\(place): exec.interactiveMode is Always, and nobody is there to answer")
        }
        var environment: [String: String] = [:]
        for item in exec["env"]?.array ?? [] {
            if let name = item["name"]?.string { environment[name] = item["value"]?.string ?? "" }
        }
        let isPath = command.contains("/")
        return CredentialPlugin(
            command: isPath ? Self.path(command, besides: file) : command, arguments: exec["args"]?.strings ?? [],
            environment: environment, apiVersion: version, installHint: exec["installHint"]?.string, place: place)
    }

    /// A certificate or a key: within the file (`…-data`, which counts first) or in one of its own.
    private func material(
        _ entry: Entry, _ place: String, _ key: String, _ read: (String) throws -> [UInt8]?
    ) throws(KubernetesError) -> [UInt8]? {
        if let data = entry.value["\(key)-data"]?.string, !data.isEmpty {
            guard let bytes = Base64.decode(data) else {
                throw Self.failure("\(entry.file): \(place): `\(key)-data` is no base64")
            }
            return try pem(bytes, "\(entry.file): \(place): `\(key)-data`")
        }
        guard let file = entry.value[key]?.string, !file.isEmpty else { return nil }
        let path = Self.path(file, besides: entry.file)
        let bytes: [UInt8]?
        do { bytes = try read(path) } catch { throw Self.failure("\(entry.file): \(place): \(key): \(path): \(error)") }
        guard let bytes else {
            throw Self.failure("\(entry.file): \(place): \(key): \(path) does not exist")
        }
        return try pem(bytes, "\(entry.file): \(place): \(key): \(path)")
    }

    private func pem(_ bytes: [UInt8], _ place: String) throws(KubernetesError) -> [UInt8] {
        guard String(decoding: bytes.prefix(4096), as: UTF8.self).contains("-----BEGIN ") else {
            throw Self.failure("\(place) is no PEM")
        }
        return bytes
    }

    /// Relative paths are meant from the folder of the file that names them.
    private static func path(_ path: String, besides file: String) -> String {
        if path.hasPrefix("/") { return path }
        guard let slash = file.lastIndex(of: "/") else { return path }
        return file[...slash] + path
    }
}

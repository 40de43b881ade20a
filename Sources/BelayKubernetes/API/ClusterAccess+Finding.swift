internal import Foundation
internal import Glibc

/// How this process reaches a cluster, as `kubectl` would: the kubeconfig's context, else the pod's own service account.
extension ClusterAccess {
    /// - Parameter context: nil: the current one.
    /// - Throws: ``KubernetesError`` `.configuration`.
    package static func find(context: String?) throws(KubernetesError) -> ClusterAccess {
        func variable(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }
        let listed = (variable("KUBECONFIG") ?? "").split(separator: ":").map(String.init)
        let home = "\(FileManager.default.homeDirectoryForCurrentUser.path)/.kube/config"
        let files = listed.isEmpty ? [home] : listed
        let hasFile = files.contains { path in
            // Also where it is a link that leads nowhere: that is told, and no other way is taken.
            FileManager.default.fileExists(atPath: path)
                || (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil
        }
        if context == nil, !hasFile, let pod = inCluster(variable: variable, read: { try? readFile($0) }) { return pod }
        return try Kubeconfig(files, read: readFile).access(context: context, read: readFile)
    }

    /// The bytes of a file, a little more than a kubeconfig may have at most; nil where it does not exist.
    /// - Throws: What is wrong with it, in words.
    package static func readFile(_ path: String) throws -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        if file < 0 {
            if errno == ENOENT, (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) == nil { return nil }
            throw Unreadable(words: errno == ENOENT ? "a link that leads nowhere" : String(cString: strerror(errno)))
        }
        defer { close(file) }
        guard let data = try? FileHandle(fileDescriptor: file).read(upToCount: Kubeconfig.largest + 1) ?? Data() else {
            throw Unreadable(words: "it is a directory, or cannot be read")
        }
        return Array(data)
    }

    private struct Unreadable: Error, CustomStringConvertible {
        let words: String
        var description: String { words }
    }
}

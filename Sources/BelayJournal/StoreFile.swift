internal import BelayEngine
internal import Foundation
internal import Glibc

/// The store's file before SQLite sees it, and the reserve beside it.
enum StoreFile {
    /// File systems whose locks do not hold, as /proc/self/mountinfo names them.
    private static let networkFileSystems: Set<Substring> = [
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "9p", "fuse.sshfs",
        "fuse.glusterfs",
    ]

    /// - Throws: ``JournalFailure`` where there is no folder or no file, or a network under it.
    static func check(_ path: String, mayCreate: Bool) throws(JournalFailure) {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().resolvingSymlinksInPath().path
        guard access(folder, F_OK) == 0 else {
            throw JournalFailure(.unavailable, "\(path): the folder \(folder) does not exist or cannot be read")
        }
        if let type = fileSystem(of: folder), networkFileSystems.contains(type) {
            throw JournalFailure(
                .unusable,
                "\(path) is on a network file system (\(type)), where SQLite's locks do not hold; use a local disk")
        }
        if !mayCreate, access(path, F_OK) != 0 {
            throw JournalFailure(.refused, "there is no journal at \(path); name it with --db or BELAY_DB")
        }
    }

    /// The type of the mount with the longest path above the folder: fields 5 and, after `-`, 1 of a line.
    static func fileSystem(of folder: String, mounts: String? = nil) -> Substring? {
        let text = mounts ?? (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)) ?? ""
        var best: (length: Int, type: Substring)?
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash > 4, fields.count > dash + 1 else { continue }
            let mount = fields[4]
            let isAbove = mount == "/" || folder == mount || folder.hasPrefix(mount + "/")
            if isAbove, mount.count >= best?.length ?? 0 { best = (mount.count, fields[dash + 1]) }
        }
        return best?.type
    }

    /// Keeps room for the records of the way back. Without it a full disk still returns the traffic, only later on paper.
    static func makeReserve(for path: String, size: Int) {
        let file = open(path + ".reserve", O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        defer { close(file) }
        if lseek(file, 0, SEEK_END) < size, posix_fallocate(file, 0, off_t(size)) != 0 { unlink(path + ".reserve") }
    }

    static func releaseReserve(of path: String) { unlink(path + ".reserve") }
}

internal import BelayEngine
internal import BelayPlatform
internal import Foundation
internal import Glibc

/// The store's file before SQLite sees it, and the reserve beside it.
enum StoreFile {
    /// File systems whose locks do not hold, as /proc/self/mountinfo names them.
    private static let networkFileSystems: Set<Substring> = [
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "9p", "fuse.sshfs",
        "fuse.glusterfs",
    ]

    /// - Throws: ``JournalFailure`` where the folder is missing or writable for everybody, where the file is missing,
    ///   or where it is on a network file system.
    static func check(_ path: String, mayCreate: Bool) throws(JournalFailure) {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().resolvingSymlinksInPath().path
        guard access(folder, F_OK) == 0 else {
            throw JournalFailure(
                .unavailable,
                "\(path): the folder \(folder) does not exist or cannot be read; `install -d -m 0700 \(folder)` makes it"
            )
        }
        if let type = fileSystem(of: folder), networkFileSystems.contains(type) {
            throw JournalFailure(
                .unusable,
                "\(path) is on a network file system (\(type)), where SQLite's locks do not hold; use a local disk")
        }
        if !mayCreate, access(path, F_OK) != 0 {
            throw JournalFailure(.refused, "there is no journal at \(path); name it with --db or BELAY_DB")
        }
        guard mayCreate else { return }
        if SharedFolder(ofFile: path).isOpenToAll {
            throw JournalFailure(
                .unusable,
                "\(path): everybody may write to the folder \(folder), and so replace the journal; `chmod o-w \(folder)`"
            )
        }
        try create(path)
    }

    /// Makes the file for its owner alone, whatever the umask, and for its group in a folder that a group shares on
    /// purpose (setgid and group-writable). SQLite gives its own files beside it the same mode.
    private static func create(_ path: String) throws(JournalFailure) {
        let file = open(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0o600)
        let number = errno
        if file >= 0 {
            fchmod(file, SharedFolder(ofFile: path).fileMode)
            close(file)
        } else if number != EEXIST {
            throw JournalFailure(.unavailable, "\(path): open: \(String(cString: strerror(number)))")
        }
        var info = stat()
        if lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFLNK, access(path, F_OK) != 0 {
            throw JournalFailure(
                .unusable, "\(path) is a symbolic link that leads nowhere; a journal is not made through one")
        }
    }

    /// Which file it is, and how long; nil where there is none.
    struct Identity: Hashable, Sendable {
        let device: UInt64
        let inode: UInt64
        var size: Int64
    }

    static func identity(of path: String) -> Identity? {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        return Identity(device: UInt64(info.st_dev), inode: UInt64(info.st_ino), size: Int64(info.st_size))
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

    /// Makes the file that keeps room for the records of the way back. Without it the traffic is returned on a full
    /// disk, too, but recorded only later.
    static func makeReserve(for path: String, size: Int) {
        let name = path + ".reserve"
        var file = open(name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0o600)
        if file >= 0 {
            fchmod(file, SharedFolder(ofFile: path).fileMode)
        } else {
            file = open(name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
        }
        guard file >= 0 else { return }
        defer { close(file) }
        if lseek(file, 0, SEEK_END) < size, posix_fallocate(file, 0, off_t(size)) != 0 { unlink(path + ".reserve") }
    }

    static func releaseReserve(of path: String) { unlink(path + ".reserve") }
}

internal import Glibc

/// Who may read and replace files of Belay's, by the folder that they are in.
package struct SharedFolder {
    package let path: String
    private let mode: UInt32
    private let owner: UInt32

    /// The folder of a file. A folder that cannot be looked at is taken for one that only this user has.
    package init(ofFile path: String) {
        let slash = path.lastIndex(of: "/")
        self.path = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        var info = stat()
        let isThere = stat(self.path, &info) == 0
        (mode, owner) = isThere ? (info.st_mode, info.st_uid) : (0, geteuid())
    }

    /// A new file's mode, whatever the umask: 0600, and 0660 where a group shares the folder on purpose (setgid and writable).
    package var fileMode: UInt32 { mode & S_ISGID != 0 && mode & S_IWGRP != 0 ? 0o660 : 0o600 }

    /// Whether the sticky bit keeps this user from replacing a file of that owner's.
    package func keepsOthersFiles(_ fileOwner: UInt32) -> Bool {
        mode & S_ISVTX != 0 && geteuid() != 0 && fileOwner != geteuid() && owner != geteuid()
    }

    /// Everybody may replace what is in it: writable for all and without the sticky bit.
    package var isOpenToAll: Bool { mode & S_IWOTH != 0 && mode & S_ISVTX == 0 }
}

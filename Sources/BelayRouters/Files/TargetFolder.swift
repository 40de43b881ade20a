internal import BelayEngine
internal import BelayPlatform
internal import Glibc

/// The folder in which a target's file is replaced by renaming, and in which its mark and its lock lie.
struct TargetFolder {
    /// Why a write could not be made here, or could be made by somebody else.
    private(set) var problems: [String] = []
    /// What this user may do.
    private(set) var rights: [String] = []

    /// - Parameters:
    ///   - path: Of the file, links resolved.
    ///   - readers: Who reads it, for messages.
    ///   - ownerReads: Whether the file's reader may be its owner, who then has to stay. A reader that runs as root
    ///     does not need that.
    init(ofFile path: String, readers: String, ownerReads: Bool) {
        let shared = SharedFolder(ofFile: path)
        var file = stat()
        let isThere = stat(path, &file) == 0
        if access(shared.path, W_OK) != 0 {
            problems.append(
                "the folder \(shared.path) must be writable: the file is replaced by renaming, and the mark lies beside it"
            )
        } else if isThere, shared.keepsOthersFiles(file.st_uid) {
            problems.append(
                "\(path) is another user's, and the folder \(shared.path) has the sticky bit: it cannot be replaced there"
            )
        } else {
            rights.append("\(shared.path) is writable")
        }
        // The lock's file may belong to another user, for example. A look at the folder does not make one.
        let lock = "\(path).lock"
        if access(lock, F_OK) == 0, case .failed(let message) = FileLock.acquire(lock, patience: .zero) {
            problems.append(message)
        }
        if shared.isOpenToAll {
            problems.append(
                "everybody may write to the folder \(shared.path), and so replace what Belay and \(readers) trust; "
                    + "`chmod o-w \(shared.path)`")
        }
        guard isThere, geteuid() != 0 else { return }
        if file.st_gid != getegid(), OwnedFile.needsGroup(file), !Self.groups.contains(file.st_gid) {
            problems.append(
                "\(path) belongs to the group \(file.st_gid), which this user is not in: "
                    + "replacing it would lose the group that \(readers) may read it by; add the user to it")
        }
        if ownerReads, file.st_uid != geteuid(), file.st_mode & S_IROTH == 0 {
            problems.append(
                "\(path) is another user's, and not everybody may read it: replacing it would make it this user's, and "
                    + "\(readers) may lose it; `chmod o+r \(path)`")
        }
    }

    private static var groups: [gid_t] {
        var groups = [gid_t](repeating: 0, count: max(Int(getgroups(0, nil)), 1))
        return Array(groups.prefix(max(Int(getgroups(Int32(groups.count), &groups)), 0)))
    }
}

extension Survey {
    /// What a look at the folder found: this user's rights, and what is missing among the problems.
    mutating func note(_ folder: TargetFolder) {
        rights += folder.rights
        missingRights += folder.problems
        for problem in folder.problems { invalid(problem) }
    }
}

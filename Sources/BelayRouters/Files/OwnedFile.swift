internal import BelayCore
internal import BelayEngine
internal import BelayPlatform
internal import Glibc

/// Files that Belay writes: read and replaced whole, created for their owner alone and never through a link.
enum OwnedFile {
    private static let mostLinks = 16

    /// The file that a path leads to, with symbolic links resolved; the file itself need not exist. Where its folder
    /// does not exist either, the path stays as it is.
    static func resolved(_ path: String) -> String {
        if let whole = real(path) { return whole }
        var path = path
        for _ in 0..<mostLinks {
            var target = [CChar](repeating: 0, count: Int(PATH_MAX))
            let count = readlink(path, &target, target.count - 1)
            guard count > 0 else { break }
            let text = String(decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            path = text.hasPrefix("/") ? text : "\(SharedFolder(ofFile: path).path)/\(text)"
        }
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        return real(SharedFolder(ofFile: path).path).map { $0 == "/" ? "/\(name)" : "\($0)/\(name)" } ?? path
    }

    private static func real(_ path: String) -> String? {
        realpath(path, nil).map { resolved in
            defer { free(resolved) }
            return String(cString: resolved)
        }
    }

    static func read(_ path: String) throws(FileFailure) -> [UInt8] {
        let file = DescriptorReserve.open { open(path, O_RDONLY | O_CLOEXEC) }
        guard file >= 0 else { throw failure("open", path, errno) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(file, &buffer, buffer.count)
            if count == 0 { return bytes }
            let number = errno
            if count < 0, number != EINTR { throw failure("read", path, number) }
            bytes += buffer[..<max(count, 0)]
        }
    }

    enum Kind {
        /// Mode, owner and group stay. A new file is its owner's alone, and its group's in a shared folder.
        case existing
        /// As `existing`, but a new file is readable for everybody, or its readers would be locked out.
        case watched
        /// Readable for everybody, writable for its owner, and for its group in a shared folder.
        case mark
    }

    /// Replaces a file so that a reader sees the old or the new one, and a power loss leaves one of them. `kind` says
    /// what becomes of mode, owner and group.
    /// - Parameter isWanted: Asked once everything is ready. A text is thrown as the failure, and the file stays as it
    ///   was.
    static func replace(
        _ path: String, with bytes: [UInt8], as kind: Kind = .existing, isWanted: () -> String? = { nil }
    ) throws(FileFailure) {
        var old = stat()
        let isThere = stat(path, &old) == 0
        let (file, temporary) = try create(beside: path)
        do throws(FileFailure) {
            defer { close(file) }
            switch kind {
            case .existing where isThere, .watched where isThere: try keep(old, file, path)
            case .existing: give(file, SharedFolder(ofFile: path).fileMode, path)
            case .mark, .watched: give(file, SharedFolder(ofFile: path).fileMode | 0o044, path)
            }
            try writeAll(bytes, file, temporary)
            if fsync(file) != 0 { throw failure("fsync", temporary, errno) }
            if let why = isWanted() { throw FileFailure(message: why) }
        } catch {
            unlink(temporary)
            throw error
        }
        if rename(temporary, path) != 0 {
            let failure = failure("rename", temporary, errno)
            unlink(temporary)
            throw failure
        }
        syncFolder(of: path)
    }

    /// Makes the temporary file under a name that nobody else has: so two writers never use the same one, and a link
    /// that somebody has put there is never followed.
    private static func create(beside path: String) throws(FileFailure) -> (file: Int32, path: String) {
        for _ in 0..<8 {
            let temporary = "\(path).belay-\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 36)).tmp"
            let file = DescriptorReserve.open {
                open(temporary, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0o600)
            }
            if file >= 0 { return (file, temporary) }
            let number = errno
            if number != EEXIST { throw failure("open", temporary, number) }
        }
        throw FileFailure(message: "\(path): no temporary name beside it is free")
    }

    /// Whether the router may need the file's group to read it: the group may read the file, and not everybody may.
    static func needsGroup(_ file: stat) -> Bool { file.st_mode & S_IRGRP != 0 && file.st_mode & S_IROTH == 0 }

    /// A file of Belay's own, open for reading and writing, made with the folder's mode where there is none; never through a link.
    /// - Returns: A descriptor; -1 and `errno` where the file cannot be opened or made.
    static func opened(_ path: String, _ flags: Int32 = 0) -> Int32 {
        let flags = flags | O_RDWR | O_NOFOLLOW | O_CLOEXEC
        let found = DescriptorReserve.open { open(path, flags) }
        guard found < 0, errno == ENOENT else { return found }
        let made = DescriptorReserve.open { open(path, flags | O_CREAT | O_EXCL, 0o600) }
        if made >= 0 { give(made, SharedFolder(ofFile: path).fileMode, path) }
        // Another process has made the file in the meantime.
        return made < 0 && errno == EEXIST ? open(path, flags) : made
    }

    /// Sets a file's mode. Where this process is root, it also gives the file to the owner of its folder, who must not
    /// be kept out.
    static func give(_ file: Int32, _ mode: mode_t, _ path: String) {
        var info = stat()
        if geteuid() == 0, stat(SharedFolder(ofFile: path).path, &info) == 0 {
            _ = fchown(file, info.st_uid, info.st_gid)
        }
        fchmod(file, mode)
    }

    /// Keeps the old owner, group and mode as far as the system allows. It throws where the group is needed to read the
    /// file and cannot be kept.
    private static func keep(_ old: stat, _ file: Int32, _ path: String) throws(FileFailure) {
        if fchown(file, old.st_uid, old.st_gid) != 0, fchown(file, uid_t.max, old.st_gid) != 0, needsGroup(old) {
            throw failure("its group \(old.st_gid) cannot be kept: fchown", path, errno)
        }
        fchmod(file, old.st_mode & 0o7777)
    }

    private static func writeAll(_ bytes: [UInt8], _ file: Int32, _ path: String) throws(FileFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            let number = errno
            if count < 0, number != EINTR { throw failure("write", path, number) }
            rest = rest.dropFirst(max(count, 0))
        }
    }

    private static func syncFolder(of path: String) {
        let folder = open(SharedFolder(ofFile: path).path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }

    static func failure(_ call: String, _ path: String, _ number: Int32) -> FileFailure {
        FileFailure(message: "\(path): \(call): \(String(cString: strerror(number)))")
    }
}

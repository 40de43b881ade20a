internal import BelayCore
internal import BelayEngine
internal import Glibc

/// Why a file could not be read or written: its path, the call and what the system says.
struct FileFailure: Error {
    let message: String
}

/// Files that Belay writes: read and replaced whole, created for their owner alone and never through a link.
enum OwnedFile {
    private static let mostLinks = 16

    /// The file that a path leads to, its links resolved, whether the file itself is there or not; the path as it is where its
    /// folder is not.
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
        /// Mode, owner and group stay.
        case existing
        /// The same; one that is not there is made readable for everybody, or its readers would be locked out.
        case watched
        /// Readable for everybody, writable for its owner, and for its group in a shared folder.
        case mark
    }

    /// Replaces a file so that a reader sees the old or the new one, and a power loss leaves one of them. Mode, owner and
    /// group stay; a new file is its owner's alone.
    /// - Parameter isWanted: Asked once everything is ready; what it answers is thrown, and the file stays as it was.
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

    /// A name that nobody else has: two writers of one process, or a link laid in wait, never meet in it.
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

    /// Whether the router may need the file's group to read it: it gives a right that nobody else has.
    static func needsGroup(_ file: stat) -> Bool { file.st_mode & S_IRGRP != 0 && file.st_mode & S_IROTH == 0 }

    /// Root works for whoever the folder belongs to: what it leaves there must not keep them out.
    static func give(_ file: Int32, _ mode: mode_t, _ path: String) {
        var info = stat()
        if geteuid() == 0, stat(SharedFolder(ofFile: path).path, &info) == 0 {
            _ = fchown(file, info.st_uid, info.st_gid)
        }
        fchmod(file, mode)
    }

    /// A group that the router reads the file by, and that cannot be kept, is no success.
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

/// A brief advisory lock around changes of a target's file and its mark. Released when its value goes, or its process: a
/// process that hangs in a renaming keeps it until that has ended.
final class FileLock: Sendable {
    enum Attempt {
        case held(FileLock)
        /// Another process has it.
        case busy
        /// It cannot be had at all.
        case failed(String)

        /// Why whatever needs the lock has to wait; nil where it is held.
        func complaint(_ path: String) -> String? {
            switch self {
            case .held: nil
            case .busy: "\(path) is locked by another process"
            case .failed(let message): message
            }
        }
    }

    private let file: Int32

    private init(_ file: Int32) { self.file = file }

    deinit { close(file) }

    static func take(_ path: String, patience: Duration) -> Attempt {
        var file = DescriptorReserve.open { open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC) }
        if file < 0, errno == ENOENT {
            file = DescriptorReserve.open { open(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0o600) }
            if file >= 0 {
                OwnedFile.give(file, SharedFolder(ofFile: path).fileMode, path)
            } else if errno == EEXIST {
                file = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
            }
        }
        let number = errno
        guard file >= 0 else { return .failed(OwnedFile.failure("open", path, number).message) }
        let end = ContinuousClock.now + patience
        while flock(file, LOCK_EX | LOCK_NB) != 0 {
            let number = errno
            guard number == EWOULDBLOCK || number == EINTR else {
                close(file)
                return .failed(OwnedFile.failure("flock", path, number).message)
            }
            guard ContinuousClock.now < end else {
                close(file)
                return .busy
            }
            usleep(2000)
        }
        return .held(FileLock(file))
    }
}

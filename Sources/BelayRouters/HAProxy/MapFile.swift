internal import BelayCore
internal import BelayEngine
internal import Foundation
internal import Glibc

/// HAProxy's map file: read by HAProxy only when it starts or reloads, written after the runtime value.
struct MapFile: Sendable {
    struct Failure: Error {
        let message: String
    }

    let path: String
    let key: String

    /// The value of our key; nil where the file has no such key. As in HAProxy the first line of a key counts.
    /// - Throws: ``Failure`` where it cannot be read.
    func value() throws(Failure) -> String? {
        for line in try lines() {
            let fields = Self.fields(line)
            if fields.count == 2, fields[0] == key { return fields[1].trimmingCharacters(in: .whitespaces) }
        }
        return nil
    }

    /// How many lines have our key; more than one is a mistake that a reload would show.
    func keyCount() throws(Failure) -> Int { try lines().filter { Self.fields($0).first == key[...] }.count }

    /// Writes our key's line and leaves the others: beside the file, synced, renamed over it.
    func set(_ value: Int) throws(Failure) {
        var lines = try lines()
        let line = "\(key) \(value)"[...]
        if let index = lines.firstIndex(where: { Self.fields($0).first == key[...] }) {
            lines[index] = line
        } else {
            lines.append(line)
        }
        try AtomicFile.write(lines.joined(separator: "\n") + "\n", to: path)
    }

    /// Blanks and tabs divide, leading ones are skipped, as HAProxy reads a map.
    private static func fields(_ line: Substring) -> [Substring] {
        line.split(maxSplits: 1, omittingEmptySubsequences: true) { $0 == " " || $0 == "\t" }
    }

    private func lines() throws(Failure) -> [Substring] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Failure(message: "\(path) cannot be read")
        }
        var lines = String(decoding: data, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}

/// Replaces a file so that a reader sees the old or the new one, and a power loss leaves one of them.
enum AtomicFile {
    static func write(_ text: String, to path: String) throws(MapFile.Failure) {
        let temporary = "\(path).belay-\(getpid()).tmp"
        var old = stat()
        let isThere = stat(path, &old) == 0
        let file = open(temporary, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, isThere ? old.st_mode & 0o7777 : 0o644)
        guard file >= 0 else { throw failure("open", temporary) }
        do throws(MapFile.Failure) {
            defer { close(file) }
            if isThere {
                fchmod(file, old.st_mode & 0o7777)
                _ = fchown(file, old.st_uid, old.st_gid)  // Only root may; the mode is what HAProxy needs.
            }
            try writeAll(Array(text.utf8), file, temporary)
            guard fsync(file) == 0 else { throw failure("fsync", temporary) }
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            let failure = failure("rename", temporary)
            unlink(temporary)
            throw failure
        }
        syncFolder(of: path)
    }

    private static func writeAll(_ bytes: [UInt8], _ file: Int32, _ path: String) throws(MapFile.Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            guard count >= 0 || errno == EINTR else { throw failure("write", path) }
            rest = rest.dropFirst(max(count, 0))
        }
    }

    private static func syncFolder(of path: String) {
        let folder = open(
            URL(fileURLWithPath: path).deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }

    private static func failure(_ call: String, _ path: String) -> MapFile.Failure {
        MapFile.Failure(message: "\(path): \(call): \(String(cString: strerror(errno)))")
    }
}

/// A brief advisory lock around changes of the map file and its mark.
enum FileLock {
    /// Runs the body under an exclusive flock on `path`. Whoever cannot get it in `patience` goes on without: the way back
    /// waits for no lock, and everything under it is made with renames.
    static func holding<Result>(_ path: String, patience: Duration, _ body: () -> Result) -> Result {
        let file = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
        guard file >= 0 else { return body() }
        defer { close(file) }
        let end = ContinuousClock.now + patience
        while flock(file, LOCK_EX | LOCK_NB) != 0, ContinuousClock.now < end { usleep(2000) }
        return body()
    }
}

internal import BelayCore
package import BelayEngine
internal import Foundation
internal import Glibc

/// The mark beside the map: `<map>.<key>.owner`, one JSON object. Its modification time shows when its driver was last alive.
package struct OwnerFile: Sendable {
    package enum Content: Hashable, Sendable {
        case none
        case mark(OwnerMark)
        /// There is a file, and it is none of ours.
        case unreadable(String)
    }

    package let path: String
    private let lockPath: String

    package init(mapFile: String, key: String) {
        path = "\(mapFile).\(key).owner"
        lockPath = "\(mapFile).lock"
    }

    package func read() -> Content {
        guard let data = FileManager.default.contents(atPath: path) else {
            return access(path, F_OK) == 0 ? .unreadable("\(path) cannot be read") : .none
        }
        guard let mark = Self.decode(Array(data)) else {
            return .unreadable("\(path) is not a mark that this version can read")
        }
        return .mark(mark)
    }

    enum Taking: Hashable, Sendable {
        /// Ours now; the earlier mark, where there was one of the same rollout.
        case taken(before: OwnerMark?)
        case foreign(String)
        case failed(String)
    }

    /// Writes the mark, unless another rollout or a newer driver has the target.
    func take(_ mark: OwnerMark, superseding: [String]) -> Taking {
        FileLock.holding(lockPath, patience: .milliseconds(500)) {
            var before: OwnerMark?
            switch read() {
            case .none: break
            case .unreadable(let why): return .foreign("\(why); look at it, and remove it if it is nobody's")
            case .mark(let found) where found.rollout == mark.rollout:
                if found.epoch > mark.epoch {
                    return .foreign("a newer driver of \(mark.rollout), \(found.process.text)")
                }
                before = found
            case .mark(let found) where superseding.contains(found.rollout): break
            case .mark(let found): return .foreign("\(found.rollout) (\(found.process.text), journal \(found.store))")
            }
            do throws(MapFile.Failure) {
                try AtomicFile.write(Self.encode(mark), to: path)
                return .taken(before: before)
            } catch {
                return .failed(error.message)
            }
        }
    }

    /// Whether its driver may still be there: its process where this host can tell, else a mark that was touched lately.
    package func mayBeDriven(_ mark: OwnerMark) -> Bool {
        if mark.process.host == ProcessIdentity.hostName { return mark.process.mayBeAlive }
        var info = stat()
        guard stat(path, &info) == 0 else { return false }
        return Int64(time(nil)) - Int64(info.st_mtim.tv_sec) < Lease.life.components.seconds
    }

    func touch() { utimes(path, nil) }

    /// Takes the mark away if it is still this one.
    func remove(_ mark: OwnerMark) -> String? {
        FileLock.holding(lockPath, patience: .milliseconds(500)) {
            switch read() {
            case .none: return nil
            case .unreadable(let why): return why
            case .mark(let found) where found.rollout == mark.rollout && found.epoch <= mark.epoch:
                return unlink(path) == 0 || errno == ENOENT
                    ? nil : "\(path): unlink: \(String(cString: strerror(errno)))"
            case .mark: return nil  // Somebody else's by now.
            }
        }
    }

    /// For `rescue`: whoever it is.
    package func removeAnyway() { unlink(path) }

    static func encode(_ mark: OwnerMark) -> String {
        func member(_ key: String, _ value: String) -> JSONValue.Member { .init(key, .string(value)) }
        return JSONText.write(
            .object([
                member("rollout", mark.rollout), .init("epoch", .int(Int64(mark.epoch))), member("stable", mark.stable),
                member("original", mark.original), member("store", mark.store), member("host", mark.process.host),
                member("boot", mark.process.bootID), .init("pid", .int(Int64(mark.process.pid))),
                .init("pidStart", .int(Int64(mark.process.startTime))),
            ])) + "\n"
    }

    static func decode(_ bytes: [UInt8]) -> OwnerMark? {
        guard case .success(let json) = Result(catching: { () throws(JSONText.Failure) in try JSONText.parse(bytes) }),
            let rollout = json["rollout"]?.string, let epoch = json["epoch"]?.int, let stable = json["stable"]?.string,
            let host = json["host"]?.string, let boot = json["boot"]?.string, let pid = json["pid"]?.int,
            let start = json["pidStart"]?.int
        else { return nil }
        return OwnerMark(
            rollout: rollout, epoch: Int(epoch), stable: stable, original: json["original"]?.string ?? "",
            store: json["store"]?.string ?? "",
            process: ProcessIdentity(host: host, bootID: boot, pid: Int(pid), startTime: Int(start)))
    }
}

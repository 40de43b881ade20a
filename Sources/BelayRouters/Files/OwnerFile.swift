package import BelayCore
package import BelayEngine
internal import BelayPlatform
internal import Glibc

/// The mark beside a target's file: `<file>.owner`, or `<file>.<key>.owner` where a file has several shares; one JSON object.
/// It holds no secret, and everybody may read it: another user's `rescue` has to know which side is stable. Its modification
/// time shows when its driver was last alive.
package struct OwnerFile: TargetOwnership {
    package let path: String
    package var place: String { path }
    let lockPath: String
    /// Held while a program of a release on this target runs.
    let actionLockPath: String
    /// What the last such program printed.
    let actionLogPath: String
    private let trafficPath: String

    /// - Parameters:
    ///   - file: The target's, as it names it; links are resolved once.
    ///   - key: Where one file has several shares.
    package init(of file: String, key: String? = nil) {
        let file = OwnedFile.resolved(file)
        let stem = key.map { "\(file).\(Self.name(of: $0))" } ?? file
        (path, trafficPath) = ("\(stem).owner", "\(stem).traffic")
        (actionLockPath, actionLogPath) = ("\(stem).action.lock", "\(stem).action.log")
        lockPath = "\(file).lock"
    }

    /// A key as part of a file's name: as it is where it can be, else shortened, with a hash (FNV-1a) that tells it apart.
    static func name(of key: String) -> String {
        func isPlain(_ character: Character) -> Bool {
            character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
        }
        if key.count <= 100, key.allSatisfy(isPlain) { return key }
        let hash = key.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return String(key.prefix(60).map { isPlain($0) ? $0 : "-" }) + "~" + String(hash, radix: 16)
    }

    /// As its protocol says.
    package func read() -> OwnerRecord {
        do throws(FileFailure) {
            let bytes = try OwnedFile.read(path)
            guard let mark = Self.decode(bytes) else {
                return .unreadable("\(path) is not a mark that this version can read")
            }
            return .mark(mark)
        } catch {
            return access(path, F_OK) == 0 ? .unreadable("\(path) cannot be read") : .none
        }
    }

    /// Whether the target bears this very mark: this rollout's, set under this epoch.
    func bears(_ mark: OwnerMark) -> Bool {
        guard case .mark(let found) = read() else { return false }
        return found.rollout == mark.rollout && found.epoch == mark.epoch
    }

    enum Claiming: Hashable, Sendable {
        /// The mark is ours now. `before` is the earlier mark of the same rollout; nil where there was none, or where a
        /// person had removed it.
        case taken(before: OwnerMark?)
        case foreign(String)
        case failed(String)
    }

    /// Writes the mark, unless another rollout or a newer driver has the target.
    /// - Parameter kind: At a takeover an earlier mark of this rollout has to be there; where it is not, the new mark
    ///   notes that.
    func claim(_ mark: OwnerMark, _ kind: Work.ClaimKind = .first, superseding: [String]) -> Claiming {
        let lock = FileLock.acquire(lockPath, patience: .milliseconds(500))
        if let complaint = lock.complaint(lockPath) { return .failed(complaint) }
        return withExtendedLifetime(lock) { claimLocked(mark, kind, superseding: superseding) }
    }

    private func claimLocked(_ mark: OwnerMark, _ kind: Work.ClaimKind, superseding: [String]) -> Claiming {
        var (mark, before) = (mark, OwnerMark?.none)
        switch read() {
        case .none:
            if kind == .closing { return .taken(before: nil) }
            mark.isAfterRescue = kind == .takeover
        // While a rollout is under way, an unreadable mark is a fault of the disk or of rights. The way back does not
        // wait for it.
        case .unreadable(let why) where kind != .first: return .failed(why)
        case .unreadable(let why): return .foreign("\(why); look at it, and remove it if it is nobody's")
        case .mark(let found) where found.rollout == mark.rollout:
            if found.epoch > mark.epoch {
                return .foreign("a newer driver of \(mark.rollout), \(found.process.text)")
            }
            mark.isAfterRescue = found.isAfterRescue
            before = found
        case .mark(let found) where superseding.contains(found.rollout): mark.isAfterRescue = kind == .takeover
        case .mark(let found): return .foreign("\(found.rollout) (\(found.process.text), journal \(found.store))")
        }
        do throws(FileFailure) {
            try OwnedFile.replace(path, with: Array(Self.encode(mark).utf8), as: .mark)
            return mark.isAfterRescue ? .taken(before: nil) : .taken(before: before)
        } catch {
            return .failed(error.message)
        }
    }

    /// Whether the mark's driver may still be there. On this host its process tells; for another host it is whether the
    /// mark was touched within a lease's life (30 s).
    package func mayBeDriven(_ mark: OwnerMark) -> Bool {
        if mark.process.host == ProcessIdentity.hostName { return mark.process.mayBeAlive }
        var info = stat()
        guard stat(path, &info) == 0 else { return false }
        return Int64(time(nil)) - Int64(info.st_mtim.tv_sec) < Lease.life.components.seconds
    }

    func touch() { utimes(path, nil) }

    /// Takes the mark away if it is still this one. To be called with the lock held.
    func remove(_ mark: OwnerMark) -> String? {
        switch read() {
        case .none: return nil
        case .unreadable(let why): return why
        case .mark(let found) where found.rollout == mark.rollout && found.epoch <= mark.epoch:
            if unlink(path) == 0 { return nil }
            let number = errno
            return number == ENOENT ? nil : OwnedFile.failure("unlink", path, number).message
        case .mark: return nil  // Somebody else's by now.
        }
    }

    // MARK: When the idle side last had traffic

    /// Notes beside the target's file when a side last had traffic, so that it is known with a new journal, too.
    /// Nothing depends on it but how long a release settles.
    func noteTraffic(of side: String, until moment: Timestamp) {
        var sides = readTraffic()
        sides[side] = moment.milliseconds
        let members = sides.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .int($0.value)) }
        let text = JSONText.write(.object(members)) + "\n"
        _ = Result { () throws(FileFailure) in
            try OwnedFile.replace(trafficPath, with: Array(text.utf8), as: .mark)
        }
    }

    /// When a side last had canary traffic, or was stable; nil where that is not known.
    package func lastTraffic(of side: String) -> Timestamp? {
        readTraffic()[side].map { Timestamp(milliseconds: $0) }
    }

    private func readTraffic() -> [String: Int64] {
        let bytes = Result { () throws(FileFailure) in try OwnedFile.read(trafficPath) }
        guard case .success(let bytes) = bytes,
            case .success(.object(let members)) = Result(catching: { () throws(JSONText.Failure) in
                try JSONText.parse(bytes)
            })
        else { return [:] }
        return members.reduce(into: [:]) { sides, member in
            if let moment = member.value.int { sides[member.key] = moment }
        }
    }

    /// Removes the mark, whoever owns it; for `rescue`.
    package func removeAnyway() { unlink(path) }

    static func encode(_ mark: OwnerMark) -> String { JSONText.write(mark.json) + "\n" }

    static func decode(_ bytes: [UInt8]) -> OwnerMark? {
        guard case .success(let json) = Result(catching: { () throws(JSONText.Failure) in try JSONText.parse(bytes) })
        else { return nil }
        return OwnerMark(json: json)
    }
}

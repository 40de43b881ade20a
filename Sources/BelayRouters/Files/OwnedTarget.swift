internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// What targets have in common whose share, or what the router starts with, is in a file on this host: the mark, the
/// lock, and which write counts.
struct OwnedTarget: Sendable {
    let owner: OwnerFile
    let files: FileDesk
    /// As the target names it, for messages.
    private let file: String
    private let clock: any EngineClock
    /// The number of the latest write; an earlier write may have no further effect.
    private let latest = Locked(0)

    init(_ owner: OwnerFile, file: String, _ clock: any EngineClock) {
        self.owner = owner
        self.file = file
        self.clock = clock
        files = FileDesk(clock)
    }

    /// Notes that the write of that number has begun, so that earlier ones have no further effect.
    func begin(_ number: Int) { latest.withLock { $0 = max($0, number) } }

    /// Why write `number` may have no further effect; nil where it may.
    func objection(to number: Int, under mark: OwnerMark) -> String? {
        if latest.withLock({ $0 }) > number { return "the write was superseded" }
        return owner.bears(mark) ? nil : "the mark \(owner.path) is another driver's"
    }

    /// Runs a forward write of the file with the lock held. It waits for as long as the disk takes, because nothing of
    /// the write may happen later.
    func writing(_ body: @escaping @Sendable () -> String?) async -> String? {
        await files.wait { [owner] in
            let lock = FileLock.acquire(owner.lockPath, patience: .milliseconds(200))
            if let complaint = lock.complaint(owner.lockPath) { return complaint }
            return withExtendedLifetime(lock) { body() }
        }
    }

    /// The same for work that does more than write the file: the lock is held until that work has ended.
    func locked(_ body: () async -> String?) async -> String? {
        let lock = await files.wait { [owner] in FileLock.acquire(owner.lockPath, patience: .milliseconds(200)) }
        if let complaint = lock.complaint(owner.lockPath) { return complaint }
        let complaint = await body()
        return withExtendedLifetime(lock) { complaint }
    }

    /// Runs a write of the way back, which waits 200 ms for the lock and then goes on without it. Whoever has the lock
    /// is waited for later, before the mark is taken away.
    func withoutWaitingForLock(_ body: () -> String?) -> String? {
        let lock = FileLock.acquire(owner.lockPath, patience: .milliseconds(200))
        return withExtendedLifetime(lock) { body() }
    }

    // MARK: The mark

    /// - Parameter read: Reads the target once it bears the mark, having fenced out whoever drove it before.
    func claim(
        _ mark: OwnerMark, _ kind: Work.ClaimKind, superseding: [String], read: () async -> Reading
    ) async -> Claim {
        let claiming = await files.run { [owner] in owner.claim(mark, kind, superseding: superseding) }
        switch claiming ?? .failed("\(owner.path): \(FileDesk.silence)") {
        case .foreign(let holder): return .taken(by: holder)
        case .failed(let message): return .failed(message)
        case .taken(let before):
            CrashPoint.inTakeover.reached()
            return .ours(await read(), wasMarked: before != nil || kind == .first)
        }
    }

    func renew() async { _ = await files.run { [owner] in owner.touch() } }

    /// Takes the mark away with the lock held, after a last look that shows what the rollout came to.
    /// - Returns: What went wrong, or nil.
    func release(
        _ mark: OwnerMark, after ending: Work.Ending, _ roles: Roles, of sides: Sides, read: () async -> Reading
    ) async -> String? {
        // A process that is writing the file at this moment holds the lock, so the mark stays until that write has
        // ended.
        let lock = await files.run { [owner] in FileLock.acquire(owner.lockPath, patience: .milliseconds(500)) }
        guard let lock, !files.isBusy else { return "\(file): \(FileDesk.silence)" }
        if case .busy = lock { return lock.complaint(owner.lockPath) }
        let reading = await read()
        switch ending {
        case .wayBack:
            guard reading.confirms(TrafficWrite(share: .zero, kind: .wayBack)) else {
                return "the last look did not show stable 100 %"
            }
        case .adoption:
            if reading.departs(from: .full) { return "the last look did not show the canary at 100 %" }
        }
        if Task.isCancelled { return "the driver is leaving" }
        let idle: Side? =
            switch ending {
            case .wayBack(let hadTraffic): hadTraffic ? roles.canary(of: sides) : nil
            case .adoption: roles.stable(of: sides)
            }
        let now = clock.now
        let error = await files.run { [owner] in
            if let idle { owner.noteTraffic(of: idle.name, until: now) }
            return owner.remove(mark)
        }
        return withExtendedLifetime(lock) { error ?? "\(owner.path): \(FileDesk.silence)" }
    }
}

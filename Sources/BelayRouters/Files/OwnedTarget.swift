internal import BelayCore
internal import BelayEngine

/// A target whose share, or what it starts with, is in a file of this host: its mark, its lock, and which write counts.
struct OwnedTarget: Sendable {
    let owner: OwnerFile
    let files: FileDesk
    /// As the target names it, for messages.
    private let file: String
    private let clock: any EngineClock
    /// The number of the latest write; what an earlier one still has to do has no effect any more.
    private let latest = Locked(0)

    init(_ owner: OwnerFile, file: String, _ clock: any EngineClock) {
        self.owner = owner
        self.file = file
        self.clock = clock
        files = FileDesk(clock)
    }

    /// A write of that number has begun: earlier ones are over.
    func begin(_ number: Int) { latest.withLock { $0 = max($0, number) } }

    /// Why write `number` may have no further effect; nil where it may.
    func objection(to number: Int, under mark: OwnerMark) -> String? {
        if latest.withLock({ $0 }) > number { return "the write was superseded" }
        return owner.bears(mark) ? nil : "the mark \(owner.path) is another driver's"
    }

    /// A forward write of the file, with the lock held, for as long as the disk takes: nothing of it may happen later.
    func writing(_ body: @escaping @Sendable () -> String?) async -> String? {
        await files.wait { [owner] in
            let lock = FileLock.take(owner.lockPath, patience: .milliseconds(200))
            if let complaint = lock.complaint(owner.lockPath) { return complaint }
            return withExtendedLifetime(lock) { body() }
        }
    }

    /// The same for what does not only write: the lock is held until it has ended.
    func locked(_ body: () async -> String?) async -> String? {
        let lock = await files.wait { [owner] in FileLock.take(owner.lockPath, patience: .milliseconds(200)) }
        if let complaint = lock.complaint(owner.lockPath) { return complaint }
        let complaint = await body()
        return withExtendedLifetime(lock) { complaint }
    }

    /// A write of the way back: whoever has the lock is waited for before the mark is taken away, and not here.
    func withoutWaitingForLock(_ body: () -> String?) -> String? {
        let lock = FileLock.take(owner.lockPath, patience: .milliseconds(200))
        return withExtendedLifetime(lock) { body() }
    }

    // MARK: The mark

    /// - Parameter read: Reads the target once it bears the mark, having fenced out whoever drove it before.
    func claim(
        _ mark: OwnerMark, _ kind: Work.ClaimKind, superseding: [String], read: () async -> Reading
    ) async -> Claim {
        let taking = await files.run { [owner] in owner.take(mark, kind, superseding: superseding) }
        switch taking ?? .failed("\(owner.path): \(FileDesk.silence)") {
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
        // Whoever is writing the file at this moment has the lock, and ends before it is given up.
        let lock = await files.run { [owner] in FileLock.take(owner.lockPath, patience: .milliseconds(500)) }
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
            case .wayBack(_, let hadTraffic): hadTraffic ? roles.canary(of: sides) : nil
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
